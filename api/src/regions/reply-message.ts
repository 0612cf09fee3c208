/**
 * What goes to another region beside alerts, by what stands on record here: an acknowledgement of its alert, and the proof of
 * ours that it could not have when the alert arrived there, because a witness was late.
 */
import { type RegionActRecord, type RegionReceiptRecord, regionNoteIn } from '@airtight/protocol';
import type { NewMessage, Outbox } from '../channels/outbox.ts';
import { replyChannel } from './region-acts.ts';

/** What was wrong with a proof and is not when the ledger has got further; anything else would be found again. */
const HEALED_BY_TIME: ReadonlySet<string> = new Set(['REGION_PROOF_MISSING', 'QUORUM_NOT_MET']);

/** Body of a message of kind `proof`, as JSON. */
export interface LateProof {
  /** The channel by which the alert went, and the name under which it did. */
  readonly channel: string;
  readonly delivery: string;
  /** The alert's message as it went, JSON. */
  readonly body: string;
}

/** @param position of the record @returns undefined when nothing is to be sent, or the outbox has forgotten what was */
export function replyMessage(
  position: number,
  record: RegionActRecord | RegionReceiptRecord,
  outbox: Pick<Outbox, 'byName'>,
): NewMessage | undefined {
  const channel = replyChannel(record.region);
  if (record.type === 'region-act') {
    const act = record.direction === 'sent' ? regionNoteIn('act', record.note)?.value : undefined;
    if (act === undefined) return undefined;
    // Another region's alert may have the id of one of ours.
    const alert = `${record.region}/${act.alert}`;
    return { channel, position, alert, kind: 'acknowledgement', name: act.act, body: record.note, sentAt: Date.parse(act.at) };
  }
  const receipt = regionNoteIn('receipt', record.note)?.value;
  const sent = outbox.byName(record.delivery);
  if (receipt === undefined || sent === undefined || !HEALED_BY_TIME.has(receipt.proof)) return undefined;
  const late: LateProof = { channel: record.channel, delivery: record.delivery, body: sent.body };
  // Of one alert the outbox sends one at a time: each proof goes for itself.
  const alert = `${record.region}/${record.delivery}`;
  const proof = { kind: 'proof', name: `${record.delivery}_proof`, body: JSON.stringify(late), sentAt: sent.sentAt } as const;
  return { channel, position, alert, ...proof };
}
