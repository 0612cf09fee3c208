/** `airtight replay`: publishes the UCI Beijing files over MQTT, one client per station, event time kept. */
import { isName } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError, wholeNumber } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl, MQTT_OPTION, mqttAddress } from '../endpoints.ts';
import { grouped, ProgressBar } from '../progress-bar.ts';
import { enrolReplayed, producerOf } from '../replay/enrolment.ts';
import { RowSource } from '../replay/row-source.ts';
import { type Pace, StationReplay } from '../replay/station-replay.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted, waitUntil } from '../waiting.ts';

const STEP_MS = 50;
const SPEED_MAX = 1_000_000_000;
const IN_FLIGHT_MAX = 10_000;

export const replayCommand = defineCommand({
  name: 'replay',
  summary: {
    zh: '经 MQTT 回放 UCI 北京空气质量 CSV：每站一个连接，事件时间不变',
    en: 'publish the UCI Beijing air quality CSVs over MQTT: a client per station, event time kept',
  },
  details: {
    zh: '每行都会发送到确认为止，ingest 重启也不丢；同样的回放做两次，第二次不会增加任何记录。',
    en: 'Every row is sent until it is acknowledged, whatever happens to ingest meanwhile; the same replay a second time adds nothing.',
  },
  operands: 'FILE...',
  options: {
    speed: {
      type: 'string',
      value: 'N',
      doc: {
        zh: '事件时间为实际时间的 N 倍速（默认：确认多快就多快）',
        en: 'event time runs N times as fast as the clock (default: as fast as acknowledged)',
      },
    },
    agency: { type: 'string', value: 'A', default: 'bj-eco', doc: { zh: '站点所属机构', en: 'agency of the stations' } },
    'in-flight': {
      type: 'string',
      value: 'N',
      default: '500',
      doc: { zh: '每站未确认消息上限', en: 'unacknowledged messages per station, at most' },
    },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    ...MQTT_OPTION,
    json: JSON_OPTION,
  },
  async run(values, files, terminal): Promise<ExitCode> {
    if (files.length === 0) throw new UsageError({ zh: '请给出要回放的文件', en: 'name the files to replay' });
    if (!isName(values.agency)) throw new UsageError({ zh: `机构名不合法：${values.agency}`, en: `not an agency name: ${values.agency}` });
    const factor = values.speed === undefined ? undefined : wholeNumber('speed', values.speed, 1, SPEED_MAX);
    const inFlightMax = wholeNumber('in-flight', values['in-flight'], 1, IN_FLIGHT_MAX);
    const data = dataDirectory(values.data);
    const sources = files.map((file) => new RowSource(file));
    assertDistinct(sources);
    const stations = sources.map(({ station }) => station);
    const secrets = await enrolReplayed(data, ingestUrl(data, values.ingest), values.agency, stations);
    const mqtt = mqttAddress(data, values.mqtt);
    const firstTime = Math.min(...sources.map((source) => source.firstTime));
    const pace: Pace | undefined = factor === undefined ? undefined : { factor, startedAt: performance.now(), firstTime };
    const refused = new AbortController();
    const replays = sources.map((source) => {
      const producer = producerOf(source.station);
      const secret = secrets[producer] ?? '';
      return new StationReplay({
        source,
        agency: values.agency,
        producer,
        secret,
        mqtt,
        inFlightMax,
        pace,
        onRefused: (name) => refused.abort(name),
      });
    });
    const isDone = await runReplays(replays, AbortSignal.any([untilInterrupted(), refused.signal]), terminal);
    if (refused.signal.aborted) throw refusedLogin(String(refused.signal.reason), data.replayFile);
    return report(replays, isDone, values.json === true, terminal);
  },
});

/** Two files of one station would be two clients of one name, and each would push the other out. */
function assertDistinct(sources: readonly RowSource[]): void {
  const seen = new Set<string>();
  for (const { station, file } of sources) {
    if (seen.has(station)) throw new UsageError({ zh: `${file}：站点 ${station} 重复`, en: `${file}: station ${station} is named twice` });
    seen.add(station);
  }
}

function refusedLogin(producer: string, file: string): EnvironmentError {
  return new EnvironmentError({
    zh: `ingest 拒绝了 ${producer} 的密码。请删除 ${file} 后重试。`,
    en: `ingest refuses the secret of ${producer}. Delete ${file} and try again.`,
  });
}

/** @returns false when it was stopped before the end */
async function runReplays(replays: readonly StationReplay[], stop: AbortSignal, terminal: Terminal): Promise<boolean> {
  const bar = new ProgressBar(replays.reduce((sum, { source }) => sum + source.rows, 0));
  let losses = 0;
  for (const replay of replays) replay.open();
  const isDone = await waitUntil(
    () => {
      for (const replay of replays) replay.wake();
      const lost = replays.reduce((sum, replay) => sum + replay.losses, 0);
      if (lost > losses)
        terminal.note({
          zh: 'MQTT 连接中断，正在重连；未确认的会重发。',
          en: 'MQTT connection lost; reconnecting, what is not acknowledged is sent again.',
        });
      losses = lost;
      terminal.progress(bar.line(acknowledgedBy(replays), performance.now()));
      return replays.every((replay) => replay.isDone);
    },
    STEP_MS,
    stop,
  );
  for (const replay of replays) replay.close();
  return isDone;
}

function acknowledgedBy(replays: readonly StationReplay[]): number {
  return replays.reduce((sum, replay) => sum + replay.acknowledged, 0);
}

function report(replays: readonly StationReplay[], isDone: boolean, asJson: boolean, terminal: Terminal): ExitCode {
  const sum = (of: (source: RowSource) => number) => replays.reduce((total, { source }) => total + of(source), 0);
  const result = {
    rows: sum((source) => source.rows),
    acknowledged: acknowledgedBy(replays),
    withoutValues: sum((source) => source.empty),
    unreadable: sum((source) => source.faultCount),
    finished: isDone,
  };
  for (const { file, line, detail } of replays.flatMap(({ source }) => source.faults)) terminal.note(`${file}:${line}: ${detail}`);
  if (asJson) terminal.json(result);
  else {
    const { rows, acknowledged, withoutValues, unreadable } = result;
    terminal.say({
      zh: `${grouped(rows)} 行，${grouped(acknowledged)} 条已确认，${grouped(withoutValues)} 行无值${unreadable > 0 ? `，${grouped(unreadable)} 行无法读取` : ''}${isDone ? '' : '（未完成）'}`,
      en: `${grouped(rows)} rows, ${grouped(acknowledged)} acknowledged, ${grouped(withoutValues)} without values${unreadable > 0 ? `, ${grouped(unreadable)} unreadable` : ''}${isDone ? '' : ' (not finished)'}`,
    });
  }
  return isDone && result.unreadable === 0 ? EXIT.ok : EXIT.found;
}
