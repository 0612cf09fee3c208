/**
 * Holds charts against the proofs of their readings: every point (mean, least, greatest, count of its bucket) is computed
 * again from proven records. Loaded when a reader first asks for it: it brings the cryptography.
 */
import { type CheckedRecord, type Observation, type ProofStepName, ProvenValues, verifyProofs } from '@airtight/protocol';
import { PROOF_LIMITS, parsePolicy, parseProofSet } from '@airtight/tlog';
import type { SeriesPoint } from '../series/series-points.ts';
import type { ProofLimitText } from './check-proof.ts';

export interface ShownSeries {
  readonly property: string;
  readonly bucketMs: number;
  readonly points: readonly SeriesPoint[];
}

export interface ShownChart {
  readonly producer: string;
  readonly dataset: string;
  /** Epoch ms: the proofs were asked for [from, to). */
  readonly from: number;
  readonly to: number;
  readonly series: readonly ShownSeries[];
}

/** `value`: proven records say something else than the chart. */
export type PointStep = ProofStepName | 'value';

export interface FailingPoint {
  readonly property: string;
  /** Epoch ms at which its bucket begins. */
  readonly start: number;
  readonly step: PointStep;
}

export interface CheckedChart {
  /** Every point is proven, but for those that wait for the ledger; and so is every record. */
  readonly ok: boolean;
  readonly points: number;
  readonly proven: number;
  /** Newest points with readings that are not in the ledger yet. */
  readonly waiting: number;
  readonly failing: readonly FailingPoint[];
  /** Records in the proofs, and how many of them are proven. */
  readonly records: number;
  readonly recordsProven: number;
  readonly checkpoint: { readonly origin: string; readonly size: number } | null;
  /** The signed checkpoint that the proofs stand under. */
  readonly note: string;
  readonly limits: readonly ProofLimitText[];
}

export type ChartCheck =
  | { readonly ok: true; readonly value: CheckedChart }
  | { readonly ok: false; readonly what: 'bundle' | 'policy'; readonly code: string; readonly detail: string };

/** Means are sums in whatever order: they agree to this share of themselves. */
const MEAN_TOLERANCE = 1e-9;

/**
 * @param proofsText an `airtight-proof-set@1` of the producer's readings in the chart's range
 * @param policyText c2sp.org/tlog-policy
 */
export function checkChart(chart: ShownChart, proofsText: string, policyText: string): ChartCheck {
  const set = parseProofSet(proofsText);
  if (!set.ok) return { ok: false, what: 'bundle', code: set.code, detail: set.detail };
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const { records, checkpoint } = verifyProofs(set.value, policy.value);
  const proven = inChart(chart, new ProvenValues(records).all());
  const doubtful = inChart(chart, claimedBy(records));
  const recordsProven = records.filter(({ faults }) => faults.length === 0).length;
  // A record that is not proven may be about any moment: then nothing is excused as too new.
  const reached =
    recordsProven < records.length ? Infinity : proven.reduce((latest, { phenomenonTime }) => Math.max(latest, phenomenonTime), 0);
  const results = chart.series.flatMap((series) => pointsOf(series, proven, doubtful, reached));
  const failing = results.filter((point): point is FailingPoint => typeof point === 'object');
  const waiting = results.filter((point) => point === 'waiting').length;
  return {
    ok: true,
    value: {
      ok: results.length > 0 && failing.length === 0 && recordsProven === records.length,
      points: results.length,
      proven: results.length - failing.length - waiting,
      waiting,
      failing,
      records: records.length,
      recordsProven,
      checkpoint: checkpoint === undefined ? null : { origin: checkpoint.origin, size: checkpoint.size },
      note: set.value.checkpoint,
      limits: PROOF_LIMITS,
    },
  };
}

/** An observation with the step at which its record fails, if it does. */
type Doubtful = Observation & { readonly step: PointStep };

/** What the records that are not proven say: of no worth but for telling which points they spoil. */
function claimedBy(records: readonly CheckedRecord[]): Doubtful[] {
  const steps = new Map(records.flatMap(({ position, faults: [first] }) => (first === undefined ? [] : [[position, first.step]])));
  if (steps.size === 0) return [];
  const claimed = new ProvenValues(records.map((one) => ({ ...one, faults: [] }))).all();
  return claimed.flatMap((one) => {
    const step = steps.get(one.position);
    return step === undefined ? [] : [{ ...one, step }];
  });
}

function inChart<O extends Observation>({ producer, dataset, from, to }: ShownChart, observations: readonly O[]): O[] {
  return observations.filter(
    (one) => one.producer === producer && one.dataset === dataset && one.phenomenonTime >= from && one.phenomenonTime < to,
  );
}

interface Bucket {
  readonly least: number;
  readonly greatest: number;
  readonly sum: number;
  readonly count: number;
}

/** A result for each point of the chart, and one for each bucket that proven readings are in and the chart leaves out. */
function pointsOf(
  { property, bucketMs, points }: ShownSeries,
  proven: readonly Observation[],
  doubtful: readonly Doubtful[],
  reached: number,
): ('proven' | 'waiting' | FailingPoint)[] {
  const startOf = bucketStarts(points, bucketMs);
  const buckets = bucketsOf(latestValues(property, proven), startOf);
  const spoiled = new Map(
    doubtful.filter(({ observedProperty }) => observedProperty === property).map((one) => [startOf(one.phenomenonTime), one.step]),
  );
  const results = points.map((point) => {
    const [start] = point;
    const bucket = buckets.get(start);
    buckets.delete(start);
    if (bucket !== undefined && agrees(point, bucket) && !spoiled.has(start)) return 'proven';
    const step = spoiled.get(start);
    // What the proofs do not reach yet: readings of the last seconds.
    if (step === undefined && start + bucketMs > reached && point[4] > (bucket?.count ?? 0)) return 'waiting';
    return { property, start, step: step ?? 'value' } as const;
  });
  return [...results, ...[...buckets.keys()].map((start) => ({ property, start, step: 'value' }) as const)];
}

/** Of values for one moment the one in the latest record counts; a truth value counts as 0 or 1, a text not at all. */
function latestValues(property: string, observations: readonly Observation[]): ReadonlyMap<number, number> {
  const values = new Map<number, number>();
  for (const { observedProperty, phenomenonTime, result } of observations) {
    if (observedProperty !== property) continue;
    if (typeof result === 'string') values.delete(phenomenonTime);
    else values.set(phenomenonTime, Number(result));
  }
  return values;
}

/** Where the bucket of a moment begins: buckets are counted from the chart's first point. */
function bucketStarts(points: readonly SeriesPoint[], bucketMs: number): (time: number) => number {
  const origin = points[0]?.[0] ?? 0;
  return (time) => origin + Math.floor((time - origin) / bucketMs) * bucketMs;
}

function bucketsOf(values: ReadonlyMap<number, number>, startOf: (time: number) => number): Map<number, Bucket> {
  const buckets = new Map<number, Bucket>();
  for (const [time, value] of values) {
    const start = startOf(time);
    const { least, greatest, sum, count } = buckets.get(start) ?? { least: Infinity, greatest: -Infinity, sum: 0, count: 0 };
    buckets.set(start, { least: Math.min(least, value), greatest: Math.max(greatest, value), sum: sum + value, count: count + 1 });
  }
  return buckets;
}

function agrees([, mean, least, greatest, count]: SeriesPoint, bucket: Bucket): boolean {
  const size = Math.max(Math.abs(bucket.least), Math.abs(bucket.greatest));
  const isMean = Math.abs(mean - bucket.sum / bucket.count) <= MEAN_TOLERANCE * size;
  return isMean && least === bucket.least && greatest === bucket.greatest && count === bucket.count;
}
