/**
 * How fast a reading is acknowledged: (a) bare aedes and (b) mosquitto, which store nothing, beside (c) Airtight, which
 * acknowledges only what is on disk, seals batches and anchors them in the ledger. One generator, alternating rounds.
 */
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Generator } from '../generator/generator.ts';
import type { RoundResult } from '../generator/messages.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { untilIdle } from '../measure/quiet.ts';
import { median } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { printTable, printVerdicts, progress, type Verdict } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';
import { startTargets } from '../targets/start.ts';
import type { Target } from '../targets/target.ts';
import { measureAgainstDisk, measureBesideQueries } from './low-load.ts';

export const INGEST_OPTIONS = {
  rounds: { default: '3', about: 'rounds of every target in every shape' },
  seconds: { default: '4', about: 'measured part of a round' },
  targets: { default: 'aedes,mosquitto,airtight', about: 'which to measure' },
  directory: { default: tmpdir(), about: 'where the data goes: the disk under test' },
} as const;

interface Shape {
  readonly name: string;
  readonly connections: number;
  readonly inFlight: number;
}

/** Gateways that pipeline, and a thousand devices that wait for every acknowledgement. */
const SHAPES: readonly Shape[] = [
  { name: '100×20', connections: 100, inFlight: 20 },
  { name: '1000×1', connections: 1000, inFlight: 1 },
];
/** Before the first round: code is compiled, buffers grow, the first segments are made. */
const FIRST_WARM_UP_MS = 3000;
const WARM_UP_MS = 500;
const SETTLE_TIMEOUT_MS = 20_000;
const ANCHOR_TIMEOUT_MS = 60_000;

interface ShapeResult {
  readonly target: string;
  readonly shape: string;
  readonly rounds: readonly RoundResult[];
}

export async function runIngest(args: readonly string[]): Promise<void> {
  const options = new Options(args, INGEST_OPTIONS);
  using scratch = new ScratchDirectory(options.text('directory'));
  await using stack = new AsyncDisposableStack();
  const targets = await startTargets(options.list('targets'), scratch.path, stack);
  const results: ShapeResult[] = [];
  for (const [index, shape] of SHAPES.entries()) {
    const load = { rounds: options.count('rounds'), measureMs: options.count('seconds') * 1000, firstSeq: SEQ_MIN * (index + 1) };
    results.push(...(await measureShape(targets, shape, load, scratch.path)));
  }
  printTable(
    ['target', 'shape', 'acks/s', 'min', 'max', 'µs CPU/msg', 'of it ingest', 'p50 ms', 'p99 ms', 'generator µs/msg', 'others cores'],
    results.map(toRow),
  );
  const verdicts = [...throughputVerdicts(results)];
  const figures: { [name: string]: unknown } = { shapes: results.map(toFigures), ratios: ratios(results) };
  const airtight = targets.find((target) => target instanceof AirtightTarget);
  if (airtight !== undefined) {
    const anchoredAfterMs = await airtight.untilAnchored(ANCHOR_TIMEOUT_MS);
    await airtight.assertAllAccepted();
    progress(`every record in the ledger ${Math.round(anchoredAfterMs)} ms after the last round`);
    const lowLoad = { rounds: options.count('rounds'), measureMs: options.count('seconds') * 1000, directory: scratch.path };
    const disk = await measureAgainstDisk(
      airtight,
      targets.find((target) => target.name === 'aedes'),
      lowLoad,
    );
    // A deployment of its own: the store is to hold the queries' history and not the millions of the rounds above.
    const busyDirectory = join(scratch.path, 'busy');
    mkdirSync(busyDirectory);
    await using other = await AirtightTarget.start(busyDirectory);
    const queries = await measureBesideQueries(other, { ...lowLoad, directory: busyDirectory });
    verdicts.push(...disk.verdicts, ...queries.verdicts);
    Object.assign(figures, { anchoredAfterMs, disk: disk.figures, queries: queries.figures });
  }
  printVerdicts('ingest', verdicts, figures);
}

async function measureShape(
  targets: readonly Target[],
  shape: Shape,
  load: { rounds: number; measureMs: number; firstSeq: number },
  directory: string,
): Promise<ShapeResult[]> {
  await using stack = new AsyncDisposableStack();
  const lanes: { target: Target; generator: Generator; rounds: RoundResult[] }[] = [];
  for (const target of targets) {
    progress(`${shape.name}: ${target.name} takes ${shape.connections} connections`);
    const devices = await target.devices(shape.connections);
    const request = { host: '127.0.0.1', port: target.port, devices, inFlight: shape.inFlight, firstSeq: load.firstSeq };
    const generator = stack.use(await Generator.connect(`generator-${target.name}`, directory, request));
    await generator.round({ warmUpMs: FIRST_WARM_UP_MS, measureMs: 1, pids: {} });
    lanes.push({ target, generator, rounds: [] });
  }
  const everyone = targets.flatMap((target) => Object.values(target.pids));
  for (let round = 1; round <= load.rounds; round++) {
    for (const { target, generator, rounds } of lanes) {
      if (!(await untilIdle(everyone, SETTLE_TIMEOUT_MS))) progress('the machine does not fall quiet; measuring all the same');
      const result = await generator.round({ warmUpMs: WARM_UP_MS, measureMs: load.measureMs, pids: target.pids });
      rounds.push(result);
      progress(
        `${shape.name} round ${round}: ${target.name} ${Math.round(result.acksPerSecond)} acks/s, p50 ${result.p50Ms.toFixed(2)} ms`,
      );
    }
  }
  return lanes.map(({ target, rounds }) => ({ target: target.name, shape: shape.name, rounds }));
}

function cpuMicrosPerMessage(result: RoundResult, role?: string): number {
  const entries = Object.entries(result.cpuMs).filter(([name]) => role === undefined || name === role);
  return entries.length === 0 ? Number.NaN : (entries.reduce((sum, [, ms]) => sum + ms, 0) * 1000) / result.acked;
}

function summary({ rounds }: ShapeResult) {
  const of = (value: (round: RoundResult) => number): number => median(rounds.map(value));
  const rates = rounds.map((round) => round.acksPerSecond);
  return {
    acksPerSecond: median(rates),
    min: Math.min(...rates),
    max: Math.max(...rates),
    cpuMicros: of((round) => cpuMicrosPerMessage(round)),
    ingestMicros: of((round) => cpuMicrosPerMessage(round, 'ingest')),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    generatorMicros: of((round) => (round.generatorCpuMs * 1000) / round.acked),
    othersCores: of((round) => round.othersCores),
  };
}

function toRow(result: ShapeResult): (string | number)[] {
  const s = summary(result);
  return [
    result.target,
    result.shape,
    s.acksPerSecond,
    s.min,
    s.max,
    s.cpuMicros,
    s.ingestMicros,
    s.p50Ms,
    s.p99Ms,
    s.generatorMicros,
    s.othersCores,
  ];
}

function toFigures(result: ShapeResult): object {
  return { target: result.target, shape: result.shape, ...summary(result) };
}

/** Airtight to a peer: the ratio of every round to the peer's round just before it, and the median of these ratios. */
function ratioTo(results: readonly ShapeResult[], peerName: string, shape: string, value: (round: RoundResult) => number): number {
  const ours = results.find((result) => result.target === 'airtight' && result.shape === shape);
  const peer = results.find((result) => result.target === peerName && result.shape === shape);
  if (ours === undefined || peer === undefined) return Number.NaN;
  return median(ours.rounds.map((round, index) => value(round) / value(peer.rounds[index] as RoundResult)));
}

function ratios(results: readonly ShapeResult[]): object {
  const peers = [...new Set(results.map(({ target }) => target))].filter((target) => target !== 'airtight');
  return Object.fromEntries(
    peers.flatMap((peer) =>
      SHAPES.map(({ name }) => {
        const acks = ratioTo(results, peer, name, (round) => round.acksPerSecond);
        const cpu = ratioTo(results, peer, name, (round) => cpuMicrosPerMessage(round));
        return [`airtight/${peer} ${name}`, { acksPerSecond: acks, cpuMicros: cpu }];
      }),
    ),
  );
}

function throughputVerdicts(results: readonly ShapeResult[]): Verdict[] {
  return SHAPES.map(({ name }) => ({
    name: `airtight/aedes ${name}`,
    value: ratioTo(results, 'aedes', name, (round) => round.acksPerSecond),
    target: { atLeast: 1 },
    meaning: `acks/s, airtight : aedes, ${name} (aim 2)`,
  })).filter(({ value }) => !Number.isNaN(value));
}
