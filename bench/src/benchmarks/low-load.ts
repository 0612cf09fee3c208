/**
 * Latency of a durable acknowledgement far below saturation, against what no such acknowledgement can beat: one bare
 * fdatasync on the same disk in the same minute. And what heavy queries on the read side do to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Generator } from '../generator/generator.ts';
import type { RoundRequest, RoundResult } from '../generator/messages.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { measureFdatasync, measurePacedFdatasync } from '../measure/fdatasync.ts';
import { untilProjected } from '../measure/projection-lag.ts';
import { untilIdle } from '../measure/quiet.ts';
import { median, quantile } from '../measure/statistics.ts';
import { keepAsking } from '../processes/query-load.ts';
import { printTable, progress, rounded, type Verdict } from '../report.ts';
import type { AirtightTarget } from '../targets/airtight.ts';
import type { Target } from '../targets/target.ts';

const RATE_PER_SECOND = 2000;
const CONNECTIONS = 100;
const IN_FLIGHT = 100;
const WARM_UP_MS = 1000;
const SETTLE_TIMEOUT_MS = 20_000;
const FDATASYNC_MS = 1000;
/** What the queries read: 400,000 readings of six values from few stations, so that each has a long history. */
const HISTORY_STATIONS = 4;
const HISTORY_RATE_PER_SECOND = 20_000;
const HISTORY_MS = 20_000;
const PROJECTION_TIMEOUT_MS = 180_000;
/** The queries run before the first message is measured. */
const QUERY_LEAD_MS = 500;

export interface LowLoadOptions {
  readonly rounds: number;
  readonly measureMs: number;
  readonly directory: string;
}

export interface LowLoadResult {
  readonly verdicts: readonly Verdict[];
  readonly figures: object;
}

/**
 * Rounds of 2,000 messages/s, each after a second of bare fdatasync.
 * @param peer a broker without storage, to show what of the latency is not the disk
 */
export async function measureAgainstDisk(
  target: AirtightTarget,
  peer: Target | undefined,
  options: LowLoadOptions,
): Promise<LowLoadResult> {
  await using generator = await connect(target, options.directory, SEQ_MIN * 5);
  await using peerGenerator = peer === undefined ? undefined : await connect(peer, options.directory, SEQ_MIN * 5);
  const rounds: { bareMs: number; pacedMs: number; peer: RoundResult | undefined; result: RoundResult }[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    await untilIdle(Object.values(target.pids), SETTLE_TIMEOUT_MS);
    const bareMs = median(measureFdatasync(options.directory, FDATASYNC_MS));
    const pacedMs = median(await measurePacedFdatasync(options.directory, FDATASYNC_MS));
    const result = await generator.round(load(target, options));
    rounds.push({ bareMs, pacedMs, result, peer: peer && (await peerGenerator?.round(load(peer, options))) });
    progress(`2,000/s round ${round}: PUBACK p50 ${result.p50Ms.toFixed(3)} ms, one fdatasync ${bareMs.toFixed(3)} ms`);
  }
  printTable(
    [
      '2,000 messages/s',
      'p50 ms',
      'p99 ms',
      'fdatasync ms',
      'fdatasync paced ms',
      `${peer?.name ?? 'no peer'} p50 ms`,
      'p99 ms',
      'late ms',
      'others cores',
    ],
    rounds.map((r, i) => {
      const { p50Ms = Number.NaN, p99Ms = Number.NaN } = r.peer ?? {};
      return [
        `round ${i + 1}`,
        r.result.p50Ms,
        r.result.p99Ms,
        r.bareMs,
        r.pacedMs,
        p50Ms,
        p99Ms,
        r.result.lateMaxMs,
        r.result.othersCores,
      ];
    }),
  );
  const ratio = median(rounds.map((round) => round.result.p50Ms / round.bareMs));
  return {
    verdicts: [{ name: 'p50/fdatasync', value: ratio, target: { atMost: 2 }, meaning: 'PUBACK p50 at 2,000/s : one bare fdatasync' }],
    figures: rounds.map((r) => ({
      bareMs: r.bareMs,
      pacedMs: r.pacedMs,
      p50Ms: r.result.p50Ms,
      p99Ms: r.result.p99Ms,
      peerP50Ms: r.peer?.p50Ms,
    })),
  };
}

/** Alternates rounds without and with four heavy queries that are asked again and again on the api. */
export async function measureBesideQueries(target: AirtightTarget, options: LowLoadOptions): Promise<LowLoadResult> {
  await target.startApi();
  const queries = await fillHistory(target, options.directory);
  await using generator = await connect(target, options.directory, SEQ_MIN * 7);
  const idle: RoundResult[] = [];
  const busy: RoundResult[] = [];
  const queryMs: number[] = [];
  let refused = 0;
  for (let round = 1; round <= options.rounds; round++) {
    await untilIdle(Object.values(target.pids), SETTLE_TIMEOUT_MS);
    idle.push(await generator.round(load(target, options)));
    await untilIdle(Object.values(target.pids), SETTLE_TIMEOUT_MS);
    const stop = new AbortController();
    const asking = keepAsking(queries, stop.signal);
    await sleep(QUERY_LEAD_MS);
    busy.push(await generator.round(load(target, options)));
    stop.abort();
    const asked = await asking;
    queryMs.push(...asked.times);
    refused += asked.refused;
    progress(
      `round ${round}: PUBACK p99 ${idle.at(-1)?.p99Ms.toFixed(2)} ms idle, ${busy.at(-1)?.p99Ms.toFixed(2)} ms beside four queries`,
    );
  }
  printTable(
    ['PUBACK at 2,000/s', 'p50 ms idle', 'p99 ms idle', 'p50 ms busy', 'p99 ms busy', 'api cores busy', 'others cores'],
    idle.map((quiet, i) => {
      const loaded = busy[i] as RoundResult;
      return [
        `round ${i + 1}`,
        quiet.p50Ms,
        quiet.p99Ms,
        loaded.p50Ms,
        loaded.p99Ms,
        (loaded.cpuMs['api'] ?? Number.NaN) / loaded.measuredMs,
        loaded.othersCores,
      ];
    }),
  );
  progress(
    `${queryMs.length} queries answered, ${refused} refused, p50 ${rounded(quantile(queryMs, 0.5))} ms, p95 ${rounded(quantile(queryMs, 0.95))} ms`,
  );
  const ratio = median(busy.map((round, i) => round.p99Ms / (idle[i]?.p99Ms ?? Number.NaN)));
  const meaning = 'PUBACK p99 beside four heavy queries : idle';
  return {
    verdicts: [{ name: 'p99 busy/idle', value: ratio, target: { atMost: 3 }, meaning }],
    figures: {
      idleP99Ms: idle.map((r) => r.p99Ms),
      busyP99Ms: busy.map((r) => r.p99Ms),
      queries: queryMs.length,
      refused,
      queryP50Ms: quantile(queryMs, 0.5),
    },
  };
}

function load(target: Target, { measureMs }: LowLoadOptions): Omit<RoundRequest, 'type'> {
  return { warmUpMs: WARM_UP_MS, measureMs, ratePerSecond: RATE_PER_SECOND, pids: target.pids };
}

async function connect(target: Target, directory: string, firstSeq: number): Promise<Generator> {
  const devices = await target.devices(CONNECTIONS);
  return Generator.connect(`generator-${target.name}`, directory, {
    host: '127.0.0.1',
    port: target.port,
    devices,
    inFlight: IN_FLIGHT,
    firstSeq,
  });
}

/** Publishes a history and waits until the api has it. @returns four URLs whose answers take the store some work */
async function fillHistory(target: AirtightTarget, directory: string): Promise<string[]> {
  const devices = await target.devices(HISTORY_STATIONS);
  const from = new Date(Date.now() - 60_000).toISOString();
  {
    const request = { host: '127.0.0.1', port: target.port, devices, inFlight: 2000, firstSeq: SEQ_MIN * 6 };
    await using generator = await Generator.connect('generator-history', directory, request);
    progress('filling the store for the queries');
    await generator.round({ warmUpMs: 0, measureMs: HISTORY_MS, ratePerSecond: HISTORY_RATE_PER_SECOND, burst: 20, pids: {} });
  }
  await untilProjected(() => target.progress(), PROJECTION_TIMEOUT_MS);
  const to = new Date(Date.now() + 60_000).toISOString();
  return devices.map(({ username }) => target.seriesUrl({ producer: username, observedProperty: 'pm25', from, to }));
}
