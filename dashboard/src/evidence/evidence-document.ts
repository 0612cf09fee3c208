/**
 * What an evidence file shows, beside the proofs it brings: `airtight-evidence@1`, written by `airtight export evidence`.
 * Everything in it is a claim; what the proofs say of it is for check-evidence.ts.
 */
import type { Bilingual, Result } from '@airtight/protocol';

export const EVIDENCE_FORMAT = 'airtight-evidence@1';

export interface EvidenceValue {
  /** Journal position of its record. */
  readonly record: number;
  /** Epoch ms. */
  readonly phenomenonTime: number;
  readonly result: Result;
  readonly flags: readonly string[];
}

export interface EvidenceDocument {
  readonly format: typeof EVIDENCE_FORMAT;
  readonly producer: string;
  readonly producerName: Bilingual;
  readonly dataset: string;
  readonly datasetTitle: Bilingual;
  readonly observedProperty: string;
  readonly propertyTitle: Bilingual;
  /** UCUM. */
  readonly unit: string;
  /** Epoch ms: [from, to). */
  readonly from: number;
  readonly to: number;
  /** IANA name of the zone in which times are shown. */
  readonly timeZone: string;
  /** Epoch ms at which the file was made. */
  readonly madeAt: number;
  /** Records that were not in the ledger yet when the file was made, and are not in it. */
  readonly pending: number;
  /** tlog-policy text: whom the maker of the file trusts. */
  readonly policy: string;
  readonly values: readonly EvidenceValue[];
}

/** @returns undefined when the text is no such document */
export function parseEvidence(text: string): EvidenceDocument | undefined {
  try {
    const json = JSON.parse(text) as Partial<EvidenceDocument> | null;
    if (json?.format !== EVIDENCE_FORMAT || !Array.isArray(json.values) || typeof json.policy !== 'string') return undefined;
    const texts = [json.producer, json.dataset, json.observedProperty, json.unit, json.timeZone];
    const names = [json.producerName, json.datasetTitle, json.propertyTitle];
    const numbers = [json.from, json.to, json.madeAt, json.pending];
    const isWhole =
      texts.every((one) => typeof one === 'string') &&
      names.every((one) => typeof one?.zh === 'string' && typeof one.en === 'string') &&
      numbers.every(Number.isSafeInteger) &&
      json.values.every(isValue);
    return isWhole ? (json as EvidenceDocument) : undefined;
  } catch {
    return undefined;
  }
}

function isValue(json: unknown): boolean {
  const { record, phenomenonTime, result, flags } = (json ?? {}) as Partial<EvidenceValue>;
  if (!Number.isSafeInteger(record) || !Number.isSafeInteger(phenomenonTime) || !Array.isArray(flags)) return false;
  return ['number', 'string', 'boolean'].includes(typeof result);
}

export const ALERT_PAGE_FORMAT = 'airtight-alert-page@1';

/** What a page with an alert's evidence says beside it. */
export interface AlertPageDocument {
  readonly format: typeof ALERT_PAGE_FORMAT;
  /** IANA name of the zone in which times are shown. */
  readonly timeZone: string;
  /** Epoch ms at which the file was made. */
  readonly madeAt: number;
  /** tlog-policy text: whom the maker of the file trusts. */
  readonly policy: string;
}

/** @returns undefined when the text is no such document */
export function parseAlertPage(text: string): AlertPageDocument | undefined {
  try {
    const json = JSON.parse(text) as Partial<AlertPageDocument> | null;
    if (json?.format !== ALERT_PAGE_FORMAT || typeof json.policy !== 'string') return undefined;
    return typeof json.timeZone === 'string' && Number.isSafeInteger(json.madeAt) ? (json as AlertPageDocument) : undefined;
  } catch {
    return undefined;
  }
}
