/** What another region answered to an alert of ours, checked by whoever has the record: by the key that stands in it. */
import { parseVkey, type SignatureAlgorithms } from '@airtight/tlog';
import { type Outcome, refuse } from '../outcome.ts';
import type { DecodedRecord } from '../records/record.ts';
import { type OpenedRegionNote, openRegionNote } from './region-exchange.ts';
import { REGIONS_DATASET, type RegionActRecord, type RegionReceiptRecord, type RegionRecord } from './region-record.ts';

/** A receipt, or an acknowledgement that came. */
export type RegionAnswerRecord = RegionReceiptRecord | RegionActRecord;
export type OpenedAnswer = OpenedRegionNote<'receipt'> | OpenedRegionNote<'act'>;

/** True of what another region sent back; an acknowledgement by our own people is none. */
export function isRegionAnswer(record: RegionRecord): record is RegionAnswerRecord {
  return record.type === 'region-receipt' || (record.type === 'region-act' && record.direction === 'received');
}

/** @returns undefined for any other record, an acknowledgement by our own people among them */
export function regionAnswerIn({ header, payload }: DecodedRecord): RegionAnswerRecord | undefined {
  if (header.dataset !== REGIONS_DATASET || header.door !== 'internal') return undefined;
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as RegionRecord | null;
    return json !== null &&
      isRegionAnswer(json) &&
      [json.region, json.note, json.vkey, json.alert, json.delivery].every((text) => typeof text === 'string')
      ? json
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks the signature anew, and that what is signed is about the alert and the message that the record names.
 * @returns what openRegionNote returns, or REGION_MESSAGE_INVALID
 */
export function openRegionAnswer(record: RegionAnswerRecord, algorithms?: SignatureAlgorithms): Outcome<OpenedAnswer> {
  const vkey = parseVkey(record.vkey);
  if (!vkey.ok) return refuse('REGION_KEY_UNKNOWN', vkey.detail);
  const kind = record.type === 'region-receipt' ? 'receipt' : 'act';
  const opened: Outcome<OpenedAnswer> = openRegionNote(kind, record.note, [vkey.value], algorithms);
  if (!opened.ok) return opened;
  const { alert, delivery } = opened.value.value;
  return alert === record.alert && delivery === record.delivery
    ? opened
    : refuse('REGION_MESSAGE_INVALID', `signed for ${delivery}, on record for ${record.delivery}`);
}
