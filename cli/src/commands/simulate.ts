/** `airtight simulate`: a made-up network of air stations and vaccine fridges over real MQTT connections. */

import { DATA_OPTION, defineCommand, durationMs, EXIT, type ExitCode, UsageError, wholeNumber } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl, MQTT_OPTION, mqttAddress } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { DeviceSession } from '../simulation/device-session.ts';
import { enrolSimulated, scenarioOf } from '../simulation/enrolment.ts';
import { FRIDGES_MAX, PROVINCES, type Province, STATIONS_MAX, simulatedNetwork } from '../simulation/network.ts';
import { HISTORY_STEP_MS } from '../simulation/reading.ts';
import type { Terminal } from '../terminal.ts';
import { answers, untilInterrupted, waitUntil } from '../waiting.ts';

/** Steps of the simulation's clock: fine enough for shares of the shortest interval. */
const STEP_MS = 200;
const READY_POLL_MS = 150;
const REPORT_INTERVAL_MS = 60_000;
/** On the way out, what is under way gets so long to be acknowledged. */
const FINISH_MS = 1500;

export const simulateCommand = defineCommand({
  name: 'simulate',
  summary: {
    zh: '模拟京津冀空气站与疫苗冰箱网络，经真实 MQTT 连接发布（数据均标明为模拟）',
    en: 'a made-up network of air stations and vaccine fridges over real MQTT connections, marked as simulated',
  },
  operands: '',
  options: {
    data: DATA_OPTION,
    seed: {
      type: 'string',
      value: 'N',
      default: '1',
      doc: { zh: '随机种子：相同种子给出相同的网络', en: 'the same seed gives the same network' },
    },
    interval: {
      type: 'string',
      value: 'SPAN',
      default: '10s',
      doc: { zh: '发布间隔，须整除 15 分钟', en: 'time between readings; divides 15 minutes' },
    },
    stations: { type: 'string', value: 'N', default: '36', doc: { zh: '空气站数', en: 'air stations' } },
    fridges: { type: 'string', value: 'N', default: '12', doc: { zh: '疫苗冰箱数', en: 'vaccine fridges' } },
    region: {
      type: 'string',
      value: 'bj|tj|he',
      doc: { zh: '只模拟一地：北京、天津或河北（默认全部）', en: 'Beijing, Tianjin or Hebei alone (default: all)' },
    },
    ...INGEST_OPTION,
    ...MQTT_OPTION,
  },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const seed = wholeNumber('seed', values.seed, 0, 0xffff_ffff);
    const intervalMs = durationMs('interval', values.interval, 500, HISTORY_STEP_MS);
    if (HISTORY_STEP_MS % intervalMs !== 0) {
      throw new UsageError({ zh: '--interval 须整除 15 分钟，如 10s、1m', en: '--interval must divide 15 minutes, such as 10s or 1m' });
    }
    const network = simulatedNetwork(
      wholeNumber('stations', values.stations, 0, STATIONS_MAX),
      wholeNumber('fridges', values.fridges, 0, FRIDGES_MAX),
      provinceOf(values.region),
    );
    const data = dataDirectory(values.data);
    const stop = untilInterrupted();
    const url = ingestUrl(data, values.ingest);
    const ready = await waitUntil(
      async () => {
        if (await answers(`${url}/readyz`)) return true;
        terminal.progress({ zh: `等待 ingest（${url}）……`, en: `waiting for ingest at ${url} …` });
        return false;
      },
      READY_POLL_MS,
      stop,
    );
    if (!ready) return EXIT.ok;
    const scenario = scenarioOf(data, seed, Date.now());
    const secrets = await enrolSimulated(new IngestClient(url, readInternalToken(data)), data, scenario, network);
    const mqtt = mqttAddress(data, values.mqtt);
    const tally = { acknowledged: 0, refused: new Set<string>() };
    const sessions = network.map(
      (device) =>
        new DeviceSession({
          scenario,
          device,
          secret: secrets[device.producer] ?? '',
          mqtt,
          intervalMs,
          onAcknowledged: (count) => {
            tally.acknowledged += count;
          },
          onRefused: (producer) => tally.refused.add(producer),
        }),
    );
    await runSessions(sessions, tally, stop, terminal);
    return EXIT.ok;
  },
});

/** @throws UsageError when it is no region of the network */
function provinceOf(text: string | undefined): Province | undefined {
  const province = PROVINCES.find((known) => known === text);
  if (province !== undefined || text === undefined) return province;
  throw new UsageError({ zh: `--region 应为 ${PROVINCES.join('、')} 之一`, en: `--region takes one of ${PROVINCES.join(', ')}` });
}

async function runSessions(
  sessions: readonly DeviceSession[],
  tally: { readonly acknowledged: number; readonly refused: ReadonlySet<string> },
  stop: AbortSignal,
  terminal: Terminal,
): Promise<void> {
  const report = () => {
    const connected = sessions.filter((session) => session.isConnected).length;
    const refused = tally.refused.size > 0 ? ` refused: ${[...tally.refused].slice(0, 5).join(', ')}` : '';
    terminal.note({
      zh: `模拟：${sessions.length} 台设备，${connected} 台在线，已确认 ${tally.acknowledged} 条${refused}`,
      en: `simulation: ${sessions.length} devices, ${connected} connected, ${tally.acknowledged} readings acknowledged${refused}`,
    });
  };
  for (const session of sessions) session.start(Date.now());
  let reportedAt = performance.now();
  await waitUntil(
    () => {
      for (const session of sessions) session.tick(Date.now());
      if (performance.now() - reportedAt < REPORT_INTERVAL_MS) return false;
      reportedAt = performance.now();
      report();
      return false;
    },
    STEP_MS,
    stop,
  );
  await waitUntil(() => sessions.every((session) => session.isIdle || !session.isConnected), 20, AbortSignal.timeout(FINISH_MS));
  report();
  for (const session of sessions) session.close();
}
