/**
 * How fast the API answers over ten million observations, which came by the one way in, beside the same engine asked the
 * same on plain tables: one without any order, one in order of time, neither with a memory of last values.
 */
import { tmpdir } from 'node:os';
import type { LatestItem, Series } from '@airtight/protocol';
import { othersCoresBeside } from '../measure/process-usage.ts';
import { untilProjected } from '../measure/projection-lag.ts';
import { untilIdle } from '../measure/quiet.ts';
import { quantile } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { type History, HOUR_MS, observationsIn, PROPERTIES, payloadOf, selectHistory, valueAt } from '../peers/history.ts';
import { PlainStore } from '../peers/plain-store.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { MqttSession } from '../processes/mqtt-session.ts';
import { timeCall } from '../processes/query-load.ts';
import { printTable, printVerdicts, progress, rounded } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';
import { producerName } from '../targets/target.ts';

export const QUERY_OPTIONS = {
  stations: { default: '190', about: 'stations' },
  hours: { default: '8784', about: 'hourly readings of each: with 190 stations ten million values' },
  calls: { default: '50', about: 'times every question is asked' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

/** Readings in one message: a logger's month, some 70 kB. */
const READINGS_PER_MESSAGE = 732;
const LOADERS = 4;
const PROJECTION_TIMEOUT_MS = 600_000;
const SETTLE_TIMEOUT_MS = 60_000;
const DAY_MS = 24 * HOUR_MS;
/** UTC+8, the zone whose days the daily report covers. */
const ZONE_MS = 8 * HOUR_MS;
const CITY_STATIONS = 12;
const P95_MAX_MS = 50;

/** One question: its URLs (asked at once, as a page does) and the same in SQL. Drawn anew for every call. */
interface Question {
  readonly name: string;
  readonly draw: (call: number) => { readonly urls: readonly string[]; readonly sql: (table: string) => string };
  /** False: shown without a target. */
  readonly judged: boolean;
}

interface Times {
  readonly api: number[];
  readonly unordered: number[];
  readonly byTime: number[];
}

export async function runQuery(args: readonly string[]): Promise<void> {
  const options = new Options(args, QUERY_OPTIONS);
  const hours = options.count('hours');
  const start = Math.floor((Date.now() + ZONE_MS) / DAY_MS) * DAY_MS - ZONE_MS - hours * HOUR_MS;
  const history: History = { stations: options.count('stations'), hours, start };
  using scratch = new ScratchDirectory(options.text('directory'));
  await using target = await AirtightTarget.start(scratch.path);
  await target.startApi();
  await using peer = new PlainStore(scratch.path);
  progress(`filling the peer's tables with ${observationsIn(history)} observations`);
  await peer.fill(selectHistory(history));
  await publishHistory(target, history);
  await untilIdle(Object.values(target.pids), SETTLE_TIMEOUT_MS);
  const questions = questionsAbout(target, history);
  await assertSameAnswers(target, peer, history);
  const results = new Map<Question, Times>(questions.map((question) => [question, { api: [], unordered: [], byTime: [] }]));
  const others = othersCoresBeside([...Object.values(target.pids), peer.pid, process.pid]);
  for (let call = 0; call < options.count('calls'); call++) {
    for (const [question, times] of results) {
      const { urls, sql } = question.draw(call);
      const from = performance.now();
      await Promise.all(urls.map(timeCall));
      times.api.push(performance.now() - from);
      times.unordered.push((await peer.ask(sql('unordered'))).ms);
      times.byTime.push((await peer.ask(sql('by_time'))).ms);
    }
  }
  progress(`everything else on the machine used ${rounded(others())} cores meanwhile`);
  report(results);
}

function report(results: ReadonlyMap<Question, Times>): void {
  const rows = [...results].map(([{ name, judged }, { api, unordered, byTime }]) => ({
    name,
    judged,
    p50Ms: quantile(api, 0.5),
    p95Ms: quantile(api, 0.95),
    unorderedP50Ms: quantile(unordered, 0.5),
    byTimeP50Ms: quantile(byTime, 0.5),
  }));
  printTable(
    ['question', 'API p50 ms', 'p95 ms', 'unordered p50', 'by time p50', 'unordered : API', 'by time : API'],
    rows.map((r) => [r.name, r.p50Ms, r.p95Ms, r.unorderedP50Ms, r.byTimeP50Ms, r.unorderedP50Ms / r.p50Ms, r.byTimeP50Ms / r.p50Ms]),
  );
  const verdicts = rows
    .filter((row) => row.judged)
    .map((row) => ({ name: row.name, value: row.p95Ms, target: { atMost: P95_MAX_MS }, meaning: `p95 ms, ${row.name}` }));
  printVerdicts('query', verdicts, { questions: rows });
}

/** By MQTT, a month of a station per message; resolves when the api has it all. */
async function publishHistory(target: AirtightTarget, history: History): Promise<void> {
  const devices = await target.devices(history.stations);
  const from = performance.now();
  const waiting = devices.entries();
  const lane = async (): Promise<void> => {
    for (const [station, device] of waiting) {
      using session = await MqttSession.open(target.port, device);
      for (let hour = 0; hour < history.hours; hour += READINGS_PER_MESSAGE) {
        await session.publish(payloadOf(history, station, hour, Math.min(history.hours, hour + READINGS_PER_MESSAGE)));
      }
    }
  };
  await Promise.all(Array.from({ length: LOADERS }, lane));
  progress(`published in ${Math.round((performance.now() - from) / 1000)} s; waiting for the projection`);
  await untilProjected(() => target.progress(), PROJECTION_TIMEOUT_MS);
  progress(`in the store after ${Math.round((performance.now() - from) / 1000)} s`);
}

function questionsAbout(target: AirtightTarget, history: History): readonly Question[] {
  const lastDay = Math.floor(history.hours / 24) - 1;
  const dayOf = (call: number): number => history.start + ((call * 37) % (lastDay + 1)) * DAY_MS;
  const windowSql = (from: number): string => `phenomenonTime >= ${from} AND phenomenonTime < ${from + DAY_MS}`;
  const dailySql = (from: number, condition: string) => (table: string) =>
    `SELECT producer, observedProperty, intDiv(phenomenonTime - ${from}, ${HOUR_MS}) AS hour, avg(result) FROM ${table}
     WHERE ${condition} AND ${windowSql(from)} GROUP BY producer, observedProperty, hour ORDER BY producer, observedProperty, hour`;
  return [
    {
      name: 'latest of all stations',
      judged: true,
      draw: () => ({ urls: [target.latestUrl()], sql: latestSql }),
    },
    {
      name: '24 h series of one station',
      judged: true,
      draw: (call) => {
        const producer = producerName((call * 7) % history.stations);
        return { urls: [seriesUrl(target, producer, dayOf(call))], sql: seriesSql(producer, dayOf(call)) };
      },
    },
    {
      name: 'daily AQI of 12 stations',
      judged: true,
      draw: (call) => {
        const producers = Array.from({ length: Math.min(CITY_STATIONS, history.stations) }, (_, i) =>
          producerName((call * 7 + i) % history.stations),
        );
        const from = dayOf(call);
        const condition = `producer IN (${producers.map((producer) => `'${producer}'`).join(', ')})`;
        return { urls: [target.dailyUrl(dateOf(from), producers)], sql: dailySql(from, condition) };
      },
    },
    {
      name: 'daily AQI of all stations',
      judged: false,
      draw: (call) => ({ urls: [target.dailyUrl(dateOf(dayOf(call)))], sql: dailySql(dayOf(call), '1') }),
    },
  ];
}

function latestSql(table: string): string {
  return `SELECT producer, observedProperty, argMax(result, phenomenonTime) FROM ${table} GROUP BY producer, observedProperty ORDER BY producer, observedProperty`;
}

function seriesUrl(target: AirtightTarget, producer: string, from: number): string {
  const to = new Date(from + DAY_MS).toISOString();
  return target.seriesUrl({ producer, observedProperty: 'pm25', from: new Date(from).toISOString(), to, maxPoints: '25' });
}

function seriesSql(producer: string, from: number): (table: string) => string {
  return (table) =>
    `SELECT intDiv(phenomenonTime, ${HOUR_MS}) * ${HOUR_MS} AS start, avg(result), min(result), max(result), count() FROM ${table}
     WHERE producer = '${producer}' AND observedProperty = 'pm25' AND phenomenonTime >= ${from} AND phenomenonTime < ${from + DAY_MS}
     GROUP BY start ORDER BY start`;
}

/** The calendar day in UTC+8 that begins at `from`. */
function dateOf(from: number): string {
  return new Date(from + ZONE_MS).toISOString().slice(0, 10);
}

/** A fast wrong answer would be worth nothing: both sides are held against the arithmetic the data came from. */
async function assertSameAnswers(target: AirtightTarget, peer: PlainStore, history: History): Promise<void> {
  const latest = (await (await fetch(target.latestUrl())).json()) as { items: LatestItem[] };
  const ours = latest.items
    .flatMap(({ producer, values }) => Object.entries(values).map(([property, { result }]) => `${producer} ${property} ${result}`))
    .sort();
  const theirs = (await peer.ask(latestSql('by_time'))).rows.map((row) => row.join(' ')).sort();
  const expected = Array.from({ length: history.stations }, (_, station) =>
    PROPERTIES.map((property, p) => `${producerName(station)} ${property} ${valueAt(station, p, history.hours - 1)}`),
  );
  assertEqual('latest', ours, expected.flat().sort());
  assertEqual('latest of the peer', theirs, expected.flat().sort());
  const series = (await (await fetch(seriesUrl(target, producerName(0), history.start))).json()) as Series;
  const { rows } = await peer.ask(seriesSql(producerName(0), history.start)('by_time'));
  assertEqual(
    'series',
    series.points.map(([at, mean]) => `${at} ${mean}`),
    rows.map(([at, mean]) => `${at} ${mean}`),
  );
}

function assertEqual(what: string, ours: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, i) => line !== ours[i]);
  if (at >= 0 || ours.length !== expected.length)
    throw new Error(`${what}: ${ours.length} items, expected ${expected.length}; item ${at}: ${ours[at]} | ${expected[at]}`);
}
