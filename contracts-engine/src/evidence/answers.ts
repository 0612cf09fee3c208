/** What other regions answered to an alert, from the records in its evidence: who received it, and who acknowledged it, when. */
import { type Code, openRegionAnswer, type RegionAct, type RegionAnswerRecord, type RegionReceipt } from '@airtight/protocol';

export interface AnswerOnRecord {
  readonly position: number;
  readonly record: RegionAnswerRecord;
}

/** One answer, its signature checked by the key that stands on record. */
export interface RegionAnswer {
  readonly position: number;
  /** Name of the region in the platform's file of regions. */
  readonly region: string;
  /** Verifier key; whether it is that region's, the reader compares. */
  readonly vkey: string;
  /** Position of the transition that it was told of; null: of none of this alert. */
  readonly told: number | null;
  /** Of a receipt; null for what it is not, and when the signature does not hold. */
  readonly receipt: RegionReceipt | null;
  readonly act: RegionAct | null;
  readonly fault: { readonly code: Code; readonly detail: string } | null;
}

/**
 * Messages are named `<alert>_<record of the transition>_<channel>`: an answer is about a transition that was on record before it.
 * @param transitions positions of the alert's transitions
 */
export function checkAnswer({ position, record }: AnswerOnRecord, alert: string, transitions: ReadonlySet<number>): RegionAnswer {
  const { region, vkey, delivery } = record;
  const named = delivery.startsWith(`${alert}_`) ? Number(delivery.slice(alert.length + 1).split('_', 1)[0]) : Number.NaN;
  const told = transitions.has(named) ? named : null;
  const opened = openRegionAnswer(record);
  const common = { position, region, vkey, told };
  if (!opened.ok) return { ...common, receipt: null, act: null, fault: { code: opened.code, detail: `${region}: ${opened.detail}` } };
  const fault =
    told === null || told >= position
      ? ({ code: 'ALERTS_MISMATCH', detail: `${region}: ${delivery} tells of no transition before it` } as const)
      : null;
  const { value } = opened.value;
  return 'act' in value ? { ...common, receipt: null, act: value, fault } : { ...common, receipt: value, act: null, fault };
}
