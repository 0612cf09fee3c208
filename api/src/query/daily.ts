/** Daily air quality report (日报) of all stations of a dataset: HJ 633 over the day's means, with the validity of GB 3095. */
import { AirtightError, type DatasetDefinition, FAILING_MARKS, type FlagRecord } from '@airtight/protocol';
import { isValidAverage } from '@airtight/standards/gb3095.ts';
import { type AqiReport, CN_POLLUTANTS, type CnPollutant, dailyReport, standardAt } from '@airtight/standards/hj633.ts';
import { FAIL } from '@airtight/standards/qartod.ts';
import { convert } from '@airtight/standards/units.ts';
import { KIND_NUMBER } from '../project/rows.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from './literal.ts';

export interface DailyQuery {
  readonly dataset: string;
  /** Absent: all. */
  readonly producers?: readonly string[] | undefined;
  /** Begin of the day, epoch ms. */
  readonly from: number;
}

export interface DailyItem {
  readonly producer: string;
  readonly index: AqiReport;
  /** Valid hours per pollutant. */
  readonly hours: { readonly [pollutant: string]: number };
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const OZONE_WINDOW_HOURS = 8;
/** Each is a condition of the query. */
const FLAGS_MAX = 500;

/**
 * @param context flags: those of people that are in force on the dataset, the newest first
 * @throws AirtightError REQUEST_INVALID when the dataset has no index, or people have flagged too much of the day; QUERY_TOO_SLOW, OVERLOADED
 */
export async function readDaily(
  store: Pick<Store, 'query'>,
  query: DailyQuery,
  { definition, flags }: { readonly definition: DatasetDefinition; readonly flags: readonly FlagRecord[] },
): Promise<DailyItem[]> {
  if (definition.index !== 'cn-aqi') throw new AirtightError('REQUEST_INVALID', `${query.dataset} has no index`);
  const until = query.from + DAY_HOURS * HOUR_MS;
  const said = flags.filter((flag) => flag.from < until && flag.to > query.from);
  if (said.length > FLAGS_MAX)
    throw new AirtightError('REQUEST_INVALID', `more than ${FLAGS_MAX} flags of people concern the day: name producers`);
  const hours = await readHours(store, query, validOf(definition, said));
  return [...hours].map(([producer, byPollutant]) => dailyItem(producer, byPollutant, query.from));
}

type Hours = (number | undefined)[];
type HoursByPollutant = Map<CnPollutant, Hours>;

/**
 * The values that count, as the index of an hour takes them: no clock ahead, and where a person has judged, what he did not fail;
 * else no value outside the physical range, below zero where nothing can be, or marked as not valid by its producer.
 */
function validOf({ quality }: DatasetDefinition, flags: readonly FlagRecord[]): string {
  const list = "JSONExtract(marks, 'Array(String)')";
  const negative = CN_POLLUTANTS.filter((pollutant) => quality?.properties[pollutant]?.negative === true).map(quoteText);
  const belowZero = negative.length === 0 ? '0' : `(result < 0 AND observedProperty IN (${negative.join(', ')}))`;
  const failed = `(hasAny(${list}, [${['range', ...FAILING_MARKS].map(quoteText).join(', ')}]) OR ${belowZero})`;
  const cases = flags.flatMap(({ producer, observedProperty, from, to, flag }) => [
    `producer = ${quoteText(producer)} AND observedProperty = ${quoteText(observedProperty)} AND phenomenonTime >= ${wholeLiteral(from)} AND phenomenonTime < ${wholeLiteral(to)}`,
    flag === FAIL ? '1' : '0',
  ]);
  const isOut = cases.length === 0 ? failed : `multiIf(${[...cases, failed].join(', ')})`;
  return `NOT has(${list}, 'future') AND NOT ${isOut}`;
}

/** 24 hourly means per station and pollutant, in the standard's unit. Flagged ranges and clocks stay out, the newest record of a moment counts. */
async function readHours(store: Pick<Store, 'query'>, query: DailyQuery, valid: string): Promise<Map<string, HoursByPollutant>> {
  const producers = query.producers === undefined ? '' : `AND producer IN (${query.producers.map(quoteText).join(', ')})`;
  const from = wholeLiteral(query.from);
  const until = wholeLiteral(query.from + DAY_HOURS * HOUR_MS);
  const pollutants = CN_POLLUTANTS.map(quoteText).join(', ');
  const rows = await store.query(
    `SELECT producer, observedProperty, intDiv(phenomenonTime - ${from}, ${HOUR_MS}) AS hour, unit, avg(result)
     FROM (
       SELECT producer, observedProperty, phenomenonTime, kind, result, unit, toString(flags) AS marks
       FROM ${DATABASE}.observations
       WHERE dataset = ${quoteText(query.dataset)} ${producers} AND observedProperty IN (${pollutants})
         AND phenomenonTime >= ${from} AND phenomenonTime < ${until}
       ORDER BY dataset, producer, observedProperty, phenomenonTime, position DESC, ordinal DESC
       LIMIT 1 BY producer, observedProperty, phenomenonTime)
     WHERE kind = ${KIND_NUMBER} AND ${valid}
     GROUP BY producer, observedProperty, hour, unit ORDER BY producer, observedProperty, hour, unit`,
  );
  const stations = new Map<string, HoursByPollutant>();
  for (const row of rows) {
    const [station, property, hour, unit, mean] = row as [string, CnPollutant, number, string, number];
    const value = convert(mean, unit, property === 'co' ? 'mg/m3' : 'ug/m3');
    if (value === null) continue;
    const byPollutant: HoursByPollutant = stations.get(station) ?? new Map();
    stations.set(station, byPollutant);
    const hours = byPollutant.get(property) ?? new Array<number | undefined>(DAY_HOURS).fill(undefined);
    byPollutant.set(property, hours);
    hours[hour] = value;
  }
  return stations;
}

function dailyItem(producer: string, byPollutant: HoursByPollutant, from: number): DailyItem {
  const concentrations: { [pollutant in CnPollutant]?: number } = {};
  const counts: { [pollutant: string]: number } = {};
  for (const [pollutant, hours] of byPollutant) {
    const valid = hours.filter((value) => value !== undefined);
    counts[pollutant] = valid.length;
    const concentration = pollutant === 'o3' ? greatestEightHourMean(hours) : dayMean(valid);
    if (concentration !== undefined) concentrations[pollutant] = concentration;
  }
  return { producer, index: dailyReport(standardAt(from), concentrations), hours: counts };
}

function dayMean(valid: readonly number[]): number | undefined {
  return isValidAverage({ period: 'day', hours: valid.length }) ? mean(valid) : undefined;
}

/** Daily largest 8 h running mean of O3: windows that end at 08:00 to 24:00, each with enough hours. */
function greatestEightHourMean(hours: Hours): number | undefined {
  let greatest: number | undefined;
  for (let end = OZONE_WINDOW_HOURS; end <= DAY_HOURS; end++) {
    const valid = hours.slice(end - OZONE_WINDOW_HOURS, end).filter((value) => value !== undefined);
    if (!isValidAverage({ period: '8h', hours: valid.length })) continue;
    const value = mean(valid);
    if (greatest === undefined || value > greatest) greatest = value;
  }
  return greatest;
}

/** Summed in whole millionths and divided once, so that a mean that is a tie in decimal stays one (GB/T 8170). */
function mean(values: readonly number[]): number {
  const millionths = values.reduce((sum, value) => sum + Math.round(value * 1e6), 0);
  return millionths / (values.length * 1e6);
}
