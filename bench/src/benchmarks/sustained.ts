/**
 * Whether the whole way keeps up: a steady open loop of readings into ingest, with batches, ledger, projection, indices
 * and contracts following, all processes and the generator on this one machine.
 */
import { tmpdir } from 'node:os';
import { Generator } from '../generator/generator.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { MemoryTrend } from '../measure/memory-trend.ts';
import { memoryOf } from '../measure/process-usage.ts';
import { ProjectionLag, untilProjected } from '../measure/projection-lag.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { printTable, printVerdicts, progress, rounded } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';

export const SUSTAINED_OPTIONS = {
  rate: { default: '30000', about: 'readings per second' },
  seconds: { default: '30', about: 'how long, after a warm-up' },
  connections: { default: '100', about: 'devices' },
  burst: { default: '20', about: 'readings a device sends together' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

const WARM_UP_MS = 3000;
const SAMPLE_MS = 500;
/** Per connection: two seconds of the default rate may wait for acknowledgement before messages are withheld. */
const IN_FLIGHT = 600;
const CATCH_UP_TIMEOUT_MS = 120_000;
const LAG_MAX_SECONDS = 2;
const MEMORY_MAX_MB = 1536;
/** A trend in memory says something from here on; a short run is all warm-up. */
const TREND_SECONDS = 300;
const TREND_SAMPLE_MS = 5000;
const DRIFT_MAX = 1.1;
/** The rate counts as held when this share of it was acknowledged: the ends of the measured part cut through bursts. */
const RATE_HELD = 0.99;

export async function runSustained(args: readonly string[]): Promise<void> {
  const options = new Options(args, SUSTAINED_OPTIONS);
  const rate = options.count('rate');
  using scratch = new ScratchDirectory(options.text('directory'));
  await using target = await AirtightTarget.start(scratch.path);
  await target.startApi();
  progress('enrolling devices');
  const devices = await target.devices(options.count('connections'));
  await using generator = await Generator.connect('generator', scratch.path, {
    host: '127.0.0.1',
    port: target.port,
    devices,
    inFlight: IN_FLIGHT,
    firstSeq: SEQ_MIN,
  });
  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);
  const lag = new ProjectionLag(() => target.progress());
  const memory = new MemoryTrend(target.pids);
  const sampling = setInterval(() => memory.take(), TREND_SAMPLE_MS);
  const stop = new AbortController();
  const following = lag.follow(SAMPLE_MS, stop.signal);
  progress(`${rate} readings/s for ${options.text('seconds')} s`);
  const measureMs = options.count('seconds') * 1000;
  const load = { warmUpMs: WARM_UP_MS, measureMs, ratePerSecond: rate, burst: options.count('burst'), pids: target.pids };
  const result = await generator.round(load);
  clearInterval(sampling);
  const atEnd = lag.secondsAt(await lag.take());
  stop.abort();
  await following;
  const caughtUpFrom = performance.now();
  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);
  await target.assertAllAccepted();
  const catchUpSeconds = (performance.now() - caughtUpFrom) / 1000;

  const rows = Object.entries(target.pids).map(([role, pid]) => {
    const cpuMs = result.cpuMs[role] ?? Number.NaN;
    return { role, cores: cpuMs / result.measuredMs, cpuMicros: (cpuMs * 1000) / result.acked, ...memoryOf(pid) };
  });
  printTable(
    ['process', 'cores', 'µs CPU/reading', 'RSS MB', 'peak MB'],
    rows.map((row) => [row.role, row.cores, row.cpuMicros, row.rssMb, row.peakMb]),
  );
  progress(
    `generator: ${rounded(result.generatorCpuMs / result.measuredMs)} cores, others: ${rounded(result.othersCores)} cores, ${result.withheld} messages withheld, PUBACK p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms`,
  );
  progress(`worst lag ${rounded(lag.worstSeconds)} s; caught up ${rounded(catchUpSeconds)} s after the end`);
  const peakMb = rows.reduce((sum, row) => sum + row.peakMb, 0);
  printVerdicts(
    'sustained',
    [
      {
        name: 'achieved',
        value: result.acksPerSecond / rate,
        target: { atLeast: RATE_HELD },
        meaning: `acknowledged : ${rate} readings/s`,
      },
      { name: 'lagSeconds', value: atEnd, target: { atMost: LAG_MAX_SECONDS }, meaning: 'projection behind the journal at the end, s' },
      { name: 'peakMb', value: peakMb, target: { atMost: MEMORY_MAX_MB }, meaning: 'peak memory of the services together, MB' },
      ...(options.count('seconds') < TREND_SECONDS
        ? []
        : [
            {
              name: 'drift',
              value: memory.drift,
              target: { atMost: DRIFT_MAX },
              meaning: 'memory of the services, last third of the run : second',
            },
          ]),
    ],
    {
      driftByRole: memory.driftByRole,
      round: { ...result, timeline: undefined },
      processes: rows,
      worstLagSeconds: lag.worstSeconds,
      catchUpSeconds,
    },
  );
}
