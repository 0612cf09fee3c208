/**
 * Holds what a screen shows against proofs: values against their records, computed numbers by computing them again from
 * proven records. Loaded when a reader first asks for it: it brings the cryptography.
 */
import { airIndexOf, type CheckedRecord, decodeRecord, ProvenValues, verifyProofs } from '@airtight/protocol';
import { PROOF_LIMITS, parsePolicy, parseProofSet } from '@airtight/tlog';
import { alertFault } from './check-alert.ts';
import type { ProofLimitText } from './check-proof.ts';
import type { PointStep } from './check-series.ts';
import { recordsOf, type ShownClaim, type ShownIndex, type ShownNumber, type ShownRelease } from './shown-claim.ts';

/**
 * Where a claim fails: at a step of a record's proof, or
 * `missing`: the server gave no proof of a record that is older than others it proved;
 * `removed`: the server says that the payload of its record was removed, by policy or by an erasure;
 * `value`: the record says something else; `computed`: computed again it comes out otherwise; `contract`: the rule that is
 * named as the reason is not on record so.
 */
export type ShownStep = PointStep | 'missing' | 'removed' | 'computed' | 'contract';

export interface ShownFault {
  readonly step: ShownStep;
  readonly detail: string;
}

export interface FailingClaim extends ShownFault {
  readonly claim: ShownClaim;
}

export interface CheckedShown {
  /** Something was proven, and nothing fails. */
  readonly ok: boolean;
  readonly total: number;
  readonly proven: number;
  /** Of the proven ones those that were computed again. */
  readonly computed: number;
  /** Too new to be in the ledger. */
  readonly waiting: number;
  readonly failing: readonly FailingClaim[];
  /** Records in the proofs, and how many of them are proven. */
  readonly records: number;
  readonly recordsProven: number;
  /** Signed checkpoints the proofs stand under. */
  readonly checkpoints: readonly string[];
  readonly limits: readonly ProofLimitText[];
}

export type ShownCheck =
  | { readonly ok: true; readonly value: CheckedShown }
  | { readonly ok: false; readonly what: 'bundle' | 'policy'; readonly code: string; readonly detail: string };

/** What was proven, as the checks of single claims read it. */
export interface Proven {
  readonly records: ReadonlyMap<number, CheckedRecord>;
  readonly values: ProvenValues;
}

/**
 * @param proofTexts `airtight-proof-set@1` texts which together prove the claims' records, as far as they are in the ledger
 * @param policyText c2sp.org/tlog-policy
 * @param removed positions of records whose payload is gone, as the server says
 */
export function checkShown(
  claims: readonly ShownClaim[],
  proofTexts: readonly string[],
  policyText: string,
  removed: ReadonlySet<number> = new Set(),
): ShownCheck {
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const records = new Map<number, CheckedRecord>();
  const checkpoints: string[] = [];
  for (const text of proofTexts) {
    const set = parseProofSet(text);
    if (!set.ok) return { ok: false, what: 'bundle', code: set.code, detail: set.detail };
    checkpoints.push(set.value.checkpoint);
    for (const one of verifyProofs(set.value, policy.value).records) {
      // Definitions come with every set: one proof of them is enough.
      if (records.get(one.position)?.faults.length !== 0) records.set(one.position, one);
    }
  }
  const all = [...records.values()];
  const proven: Proven = { records, values: new ProvenValues(all) };
  return { ok: true, value: { ...judge(claims, proven, removed), ...counted(all), checkpoints, limits: PROOF_LIMITS } };
}

function counted(records: readonly CheckedRecord[]): Pick<CheckedShown, 'records' | 'recordsProven'> {
  return { records: records.length, recordsProven: records.filter(({ faults }) => faults.length === 0).length };
}

function judge(
  claims: readonly ShownClaim[],
  proven: Proven,
  removed: ReadonlySet<number>,
): Pick<CheckedShown, 'ok' | 'total' | 'proven' | 'computed' | 'waiting' | 'failing'> {
  // The ledger takes records in their order: what is older than a proven one is in it too.
  const reached = [...proven.records.values()].reduce(
    (newest, one) => (one.faults.length === 0 ? Math.max(newest, one.position) : newest),
    -1,
  );
  const failing: FailingClaim[] = [];
  let [computed, waiting] = [0, 0];
  for (const claim of claims) {
    const absent = recordsOf(claim).filter((position) => !proven.records.has(position));
    const gone = absent.find((position) => removed.has(position));
    const late = absent.find((position) => position <= reached);
    const fault =
      gone !== undefined
        ? ({ step: 'removed', detail: `#${gone}` } as const)
        : late !== undefined
          ? ({ step: 'missing', detail: `#${late}` } as const)
          : absent.length > 0
            ? 'waiting'
            : faultOf(claim, proven);
    if (fault === 'waiting') waiting++;
    else if (fault !== undefined) failing.push({ claim, ...fault });
    else if (claim.kind === 'index' || claim.kind === 'alert') computed++;
  }
  const count = claims.length - failing.length - waiting;
  return { ok: count > 0 && failing.length === 0, total: claims.length, proven: count, computed, waiting, failing };
}

function faultOf(claim: ShownClaim, proven: Proven): ShownFault | undefined {
  for (const position of recordsOf(claim)) {
    const [fault] = proven.records.get(position)?.faults ?? [];
    if (fault !== undefined) return { step: fault.step, detail: `#${position}: ${fault.detail}` };
  }
  switch (claim.kind) {
    case 'value':
      return valueFault(claim, proven);
    case 'index':
      return indexFault(claim, proven);
    case 'release':
      return releaseFault(claim, proven);
    case 'alert':
      return alertFault(claim.alert, proven);
  }
}

function valueFault(claim: ShownNumber, { values }: Proven): ShownFault | undefined {
  return values.faultOf({ ...claim, position: claim.record });
}

/** Computes the index again from the proven values of its moment, by the standard of that day. */
function indexFault({ dataset, producer, phenomenonTime, inputs, index }: ShownIndex, { values }: Proven): ShownFault | undefined {
  const observations = inputs.flatMap(({ observedProperty, record }) =>
    values
      .of(record)
      .filter((one) => one.producer === producer && one.observedProperty === observedProperty && one.phenomenonTime === phenomenonTime),
  );
  const newest = Math.max(...inputs.map(({ record }) => record));
  const again = airIndexOf(values.definitionAt(dataset, newest), observations);
  const isEqual =
    again !== undefined &&
    again.standard === index.standard &&
    again.aqi === index.aqi &&
    again.level === index.level &&
    sameMembers(again.primary, index.primary) &&
    sameMembers(Object.entries(again.iaqi), Object.entries(index.iaqi));
  return isEqual ? undefined : { step: 'computed', detail: `AQI = ${again?.aqi ?? '–'}` };
}

function sameMembers(some: readonly unknown[], others: readonly unknown[]): boolean {
  const written = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
  return written(some).join() === written(others).join();
}

function releaseFault({ record, producer, payload, size }: ShownRelease, { records }: Proven): ShownFault | undefined {
  const bytes = records.get(record)?.record;
  const decoded = bytes === undefined ? undefined : decodeRecord(bytes);
  if (decoded?.ok !== true || decoded.value.header.producer !== producer) return { step: 'value', detail: `#${record}: ${producer}` };
  const shown = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  const stored = decoded.value.payload;
  const isSame = stored.length === size && shown.every((byte, at) => byte === stored[at]);
  return isSame ? undefined : { step: 'value', detail: `#${record}` };
}
