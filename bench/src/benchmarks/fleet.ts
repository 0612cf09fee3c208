/**
 * A network as a province has it: thousands of devices that each send a reading now and then, with everything behind the
 * door running; and what one device that sends as fast as it can does to the others.
 */
import { tmpdir } from 'node:os';
import { Generator } from '../generator/generator.ts';
import type { RoundResult } from '../generator/messages.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { delayBuckets, delayQuantileMs } from '../measure/loop-delay.ts';
import { memoryOf } from '../measure/process-usage.ts';
import { untilProjected } from '../measure/projection-lag.ts';
import { median } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { printTable, printVerdicts, progress, rounded } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';

export const FLEET_OPTIONS = {
  devices: { default: '2000', about: 'connected devices' },
  'per-device': { default: '10', about: 'readings per second and device' },
  seconds: { default: '60', about: 'how long, after a warm-up' },
  'flood-seconds': { default: '15', about: 'each round with and without the flooding device' },
  rounds: { default: '3', about: 'pairs of rounds with and without the flooding device' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

const WARM_UP_MS = 5000;
/** Per device: six seconds of readings may wait for acknowledgement before more are withheld. */
const IN_FLIGHT = 64;
/** What a device that has gone mad keeps in flight. */
const FLOOD_IN_FLIGHT = 1000;
const CATCH_UP_TIMEOUT_MS = 300_000;
const DELAY_MAX_MS = 50;
const FLOOD_MAX = 2;

export async function runFleet(args: readonly string[]): Promise<void> {
  const options = new Options(args, FLEET_OPTIONS);
  using scratch = new ScratchDirectory(options.text('directory'));
  await using target = await AirtightTarget.start(scratch.path);
  await target.startApi();
  progress('enrolling devices');
  const count = options.count('devices');
  const [flooding, ...devices] = await target.devices(count + 1);
  if (flooding === undefined) throw new Error('no device was enrolled');
  const address = { host: '127.0.0.1', port: target.port, firstSeq: SEQ_MIN };
  progress(`connecting ${count} devices`);
  await using fleet = await Generator.connect('fleet', scratch.path, { ...address, devices, inFlight: IN_FLIGHT });
  await using flood = await Generator.connect('flood', scratch.path, { ...address, devices: [flooding], inFlight: FLOOD_IN_FLIGHT });
  const load = { warmUpMs: WARM_UP_MS, ratePerSecond: count * options.count('per-device'), pids: target.pids };

  const storedBefore = (await target.status()).counters.accepted;
  progress(`${load.ratePerSecond} readings/s for ${options.text('seconds')} s`);
  const before = delayBuckets(await target.metrics());
  const steady = await fleet.round({ ...load, measureMs: options.count('seconds') * 1000 });
  const delayP99Ms = delayQuantileMs(before, delayBuckets(await target.metrics()), 0.99);
  describe('steady', steady);

  const measureMs = options.count('flood-seconds') * 1000;
  const ratios: number[] = [];
  let sent = steady.sentTotal;
  for (let round = 1; round <= options.count('rounds'); round++) {
    const alone = await fleet.round({ ...load, measureMs });
    const flooded = flood.round({ warmUpMs: WARM_UP_MS, measureMs, pids: {} });
    const beside = await fleet.round({ ...load, measureMs });
    const flooder = await flooded;
    describe(`round ${round}, alone`, alone);
    describe(`round ${round}, beside a flood of ${Math.round(flooder.acksPerSecond)}/s`, beside);
    ratios.push(beside.p99Ms / alone.p99Ms);
    sent += alone.sentTotal + beside.sentTotal + flooder.sentTotal;
  }

  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);
  await target.assertAllAccepted();
  const stored = (await target.status()).counters.accepted - storedBefore;
  const processes = Object.entries(target.pids).map(([role, pid]) => ({
    role,
    cores: (steady.cpuMs[role] ?? Number.NaN) / steady.measuredMs,
    ...memoryOf(pid),
  }));
  printTable(
    ['process', 'cores', 'RSS MB', 'peak MB'],
    processes.map((row) => [row.role, row.cores, row.rssMb, row.peakMb]),
  );
  printVerdicts(
    'fleet',
    [
      // None was a repeat or quarantined, so what is stored is what was sent, and the ticks of the time.
      { name: 'stored', value: stored / sent, target: { atLeast: 1 }, meaning: 'records stored : sent' },
      {
        name: 'achieved',
        value: steady.acksPerSecond / load.ratePerSecond,
        target: { atLeast: 0.99 },
        meaning: 'acknowledged : asked rate',
      },
      { name: 'delayP99Ms', value: delayP99Ms, target: { atMost: DELAY_MAX_MS }, meaning: 'event loop delay of ingest, p99, ms' },
      { name: 'flood', value: median(ratios), target: { atMost: FLOOD_MAX }, meaning: "the others' p99 beside a flooding device : alone" },
    ],
    { steady: { ...steady, timeline: undefined }, ratios, processes },
  );
}

function describe(
  name: string,
  { acksPerSecond, p50Ms, p99Ms, withheld, lateMaxMs, generatorCpuMs, measuredMs, othersCores }: RoundResult,
): void {
  progress(
    `${name}: ${Math.round(acksPerSecond)} acks/s, p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms, ${withheld} withheld, generator ${rounded(generatorCpuMs / measuredMs)} cores (late ${rounded(lateMaxMs)} ms), others ${rounded(othersCores)} cores`,
  );
}
