/**
 * How long it takes from a reading that a device publishes to the alert it causes standing on a page that is open in a real
 * browser, while thousands of other readings come every second. All on one machine, so one clock times all of it.
 */
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { contractVersion } from '@airtight/contracts-engine';
import { CONTRACTS_DATASET } from '@airtight/protocol';
import { Generator } from '../generator/generator.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { untilProjected } from '../measure/projection-lag.ts';
import { quantile } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { AlertsPage } from '../processes/alerts-page.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { type Probe, ProbeDevices } from '../processes/probe-devices.ts';
import { StreamWatch } from '../processes/stream-watch.ts';
import { printTable, printVerdicts, progress, rounded } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';

export const ALERT_LATENCY_OPTIONS = {
  rate: { default: '5000', about: 'other readings per second' },
  devices: { default: '500', about: 'devices that send them' },
  alerts: { default: '10', about: 'alerts per second' },
  seconds: { default: '40', about: 'how long, after a warm-up' },
  warmUp: { default: '30', about: 'seconds of warm-up: a service that runs for days has its code compiled' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

const PROBE_DATASET = 'coldchain';
const PROBES = 20;
const IN_FLIGHT = 64;
const CATCH_UP_TIMEOUT_MS = 120_000;
/** After the last probe: what has not come by then is lost. */
const SHOWN_TIMEOUT_MS = 60_000;
const P99_MAX_MS = 1000;
const RATE_HELD = 0.99;

const CONTRACT = `contract: bench-heat
title: { zh: 测量, en: Measurement }
agency: bench
source: a benchmark
inputs: { room: { dataset: ${PROBE_DATASET} } }
rules:
  - id: heat
    severity: extreme
    raise: { when: tamb > 45.0 }
    clear: { when: tamb <= 40.0 }
    message: { zh: "{tamb} 度", en: "Probe {tamb}" }
`;

/** Of one alert, ms. */
interface Times {
  readonly acknowledged: number;
  readonly folded: number;
  readonly raised: number;
  readonly shown: number;
  readonly whole: number;
}

export async function runAlertLatency(args: readonly string[]): Promise<void> {
  const options = new Options(args, ALERT_LATENCY_OPTIONS);
  const rate = options.count('rate');
  using scratch = new ScratchDirectory(options.text('directory'));
  await using target = await AirtightTarget.start(scratch.path);
  const version = contractVersion(CONTRACT) as string;
  const record = { type: 'contract', contract: 'bench-heat', version, text: CONTRACT, author: 'a', approver: 'b' } as const;
  await target.writeControl(CONTRACTS_DATASET, 'bench-heat', record);
  await target.startApi();
  progress('enrolling devices');
  const address = { host: '127.0.0.1', port: target.port, firstSeq: SEQ_MIN };
  const devices = await target.devices(options.count('devices'));
  using probes = await ProbeDevices.connect(target.port, await target.devicesOf(PROBE_DATASET, PROBES));
  await using generator = await Generator.connect('generator', scratch.path, { ...address, devices, inFlight: IN_FLIGHT });
  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);
  using watch = await StreamWatch.open(target.apiUrl, PROBE_DATASET);
  await using page = await AlertsPage.open(target.apiUrl, scratch.path);

  progress(`${rate} readings/s for ${options.text('seconds')} s, ${options.text('alerts')} alerts/s beside them`);
  const [warmUpMs, measureMs] = [options.count('warmUp') * 1000, options.count('seconds') * 1000];
  const load = generator.round({ warmUpMs, measureMs, ratePerSecond: rate, pids: target.pids });
  await sleep(warmUpMs);
  const perSecond = options.count('alerts');
  const sent = await probes.run(options.count('seconds') * perSecond, perSecond);
  const round = await load;
  const times = await timesOf(sent, watch, page);
  await target.assertAllAccepted();

  const rows = PARTS.map(([part, name]) => [
    name,
    ...[0.5, 0.95, 0.99, 1].map((q) =>
      quantile(
        times.map((time) => time[part]),
        q,
      ),
    ),
  ]);
  printTable(['ms', 'p50', 'p95', 'p99', 'longest'], rows as [string, ...number[]][]);
  const cores = Object.entries(round.cpuMs).map(([role, cpuMs]) => `${role} ${rounded(cpuMs / round.measuredMs)}`);
  progress(
    `${sent.length} alerts; cores: ${cores.join(', ')}, generator ${rounded(round.generatorCpuMs / round.measuredMs)}, others (browser included) ${rounded(round.othersCores)}; PUBACK p99 of the load ${rounded(round.p99Ms)} ms`,
  );
  printVerdicts(
    'alert-latency',
    [
      { name: 'achieved', value: round.acksPerSecond / rate, target: { atLeast: RATE_HELD }, meaning: `acknowledged : ${rate} readings/s` },
      {
        name: 'p99Ms',
        value: quantile(
          times.map(({ whole }) => whole),
          0.99,
        ),
        target: { atMost: P99_MAX_MS },
        meaning: 'from publish to the page, p99, ms',
      },
    ],
    { alerts: sent.length, parts: rows, round: { ...round, timeline: undefined } },
  );
}

const PARTS: readonly (readonly [keyof Times, string])[] = [
  ['acknowledged', 'publish → PUBACK'],
  ['folded', 'PUBACK → reading on the stream'],
  ['raised', 'reading → alert on the stream'],
  ['shown', 'alert on the stream → page'],
  ['whole', 'publish → page'],
];

/** @throws Error when an alert did not come to the page */
async function timesOf(sent: readonly Probe[], watch: StreamWatch, page: AlertsPage): Promise<readonly Times[]> {
  const deadline = performance.now() + SHOWN_TIMEOUT_MS;
  for (;;) {
    const shownAt = await page.shownAt();
    const times = sent.flatMap(({ value, at, ackedAt }) => {
      const [folded, raised, shown] = [watch.readings.get(at), watch.raised.get(at), shownAt.get(`Probe ${Number(value)}`)];
      if (folded === undefined || raised === undefined || shown === undefined) return [];
      return [{ acknowledged: ackedAt - at, folded: folded - ackedAt, raised: raised - folded, shown: shown - raised, whole: shown - at }];
    });
    if (times.length === sent.length) return times;
    if (performance.now() > deadline) throw new Error(missingText(sent, watch, shownAt));
    await sleep(500);
  }
}

function missingText(sent: readonly Probe[], { readings, raised }: StreamWatch, shownAt: ReadonlyMap<string, number>): string {
  return `of ${sent.length} alerts ${readings.size} readings and ${raised.size} raises came to the stream, ${shownAt.size} to the page`;
}
