/** What the quality tests said of stored values: the last decided verdict counts, and where there is none the value passed. */
import type { DatasetRegistry, Observation, ObservationQuality } from '@airtight/protocol';
import type { QartodFlag } from '@airtight/standards/qartod.ts';
import type { ManualFlags } from '../control/manual-flags.ts';
import { DATABASE } from '../project/schema.ts';
import type { Row, Store } from '../project/store.ts';
import { passOf, withManual } from '../quality/value-quality.ts';
import { bitsIn, testsOf, type Verdict } from '../quality/verdict.ts';
import { quoteText, wholeLiteral } from './literal.ts';

export interface VerdictsQuery {
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly observedProperty?: string | undefined;
  /** phenomenonTime, epoch ms: [from, until]. */
  readonly from: number;
  readonly until: number;
}

/** What queries about quality need beside the tables. */
export interface QualityContext {
  readonly datasets: Pick<DatasetRegistry, 'at'>;
  readonly flags: Pick<ManualFlags, 'inForce'>;
}

/** By journal position and place in the record. */
export class StoredVerdicts {
  readonly #byValue: ReadonlyMap<string, readonly [flag: QartodFlag, tests: string]>;
  readonly #context: QualityContext;

  constructor(rows: readonly Row[], context: QualityContext) {
    this.#byValue = new Map(rows.map(([judged, ordinal, flag, tests]) => [`${judged} ${ordinal}`, [flag as QartodFlag, tests as string]]));
    this.#context = context;
  }

  of(observation: Observation, ordinal: number): ObservationQuality {
    return withManual(observation, this.#found(observation, ordinal), this.#context.flags);
  }

  #found(observation: Observation, ordinal: number): ObservationQuality {
    const verdict = this.#byValue.get(`${observation.position} ${ordinal}`);
    if (verdict !== undefined) return { flag: verdict[0], tests: testsOf(verdict[1]) };
    return { flag: passOf(observation, this.#context.datasets.at(observation.dataset, observation.position)), tests: {} };
  }
}

/** Verdicts on the values of a time. @throws AirtightError QUERY_TOO_SLOW, OVERLOADED */
export async function readVerdicts(store: Pick<Store, 'query'>, query: VerdictsQuery, context: QualityContext): Promise<StoredVerdicts> {
  const conditions = [`phenomenonTime >= ${wholeLiteral(query.from)} AND phenomenonTime <= ${wholeLiteral(query.until)}`];
  for (const name of ['dataset', 'producer', 'observedProperty'] as const) {
    const value = query[name];
    if (value !== undefined) conditions.push(`${name} = ${quoteText(value)}`);
  }
  const rows = await store.query(
    `SELECT judged, judgedOrdinal, argMax(flag, (position, ordinal)), argMax(tests, (position, ordinal))
     FROM ${DATABASE}.verdicts WHERE ${conditions.join(' AND ')} GROUP BY judged, judgedOrdinal`,
    'bulk',
  );
  return new StoredVerdicts(rows, context);
}

/** FROM clause: the counting verdicts of one series. Columns phenomenonTime, judged, judgedOrdinal, worst. */
export function seriesVerdicts(
  { dataset, producer, observedProperty }: Required<Pick<VerdictsQuery, 'dataset' | 'producer' | 'observedProperty'>>,
  window: string,
): string {
  return `SELECT phenomenonTime, judged, judgedOrdinal, argMax(flag, (position, ordinal)) AS worst FROM ${DATABASE}.verdicts
          WHERE dataset = ${quoteText(dataset as string)} AND producer = ${quoteText(producer as string)}
          AND observedProperty = ${quoteText(observedProperty as string)} AND ${window} GROUP BY phenomenonTime, judged, judgedOrdinal`;
}

/** What the records in [from, next) decided, in order: of their own values and of earlier ones. @throws AirtightError QUERY_TOO_SLOW, OVERLOADED */
export async function readDecided(
  store: Pick<Store, 'query'>,
  from: number,
  next: number,
): Promise<ReadonlyMap<number, readonly Verdict[]>> {
  const rows = await store.query(
    `SELECT position, observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal, tests FROM ${DATABASE}.verdicts
     WHERE position >= ${wholeLiteral(from)} AND position < ${wholeLiteral(next)} ORDER BY position, ordinal`,
    'bulk',
  );
  const decided = new Map<number, Verdict[]>();
  for (const row of rows) {
    const [position, observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal, tests] = row as DecidedRow;
    const verdict = { observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal, bits: bitsIn(tests) };
    const known = decided.get(position);
    if (known === undefined) decided.set(position, [verdict]);
    else known.push(verdict);
  }
  return decided;
}

type DecidedRow = readonly [number, string, number, number, number, number, string];
