/**
 * May this message become a record? Shape, size and clock are looked at here, before anything is stored. What is not
 * admissible is kept in quarantine with the reason and acknowledged all the same: a bad reading must not make a device
 * send it for ever. A wrong clock is no reason to refuse: such readings are flagged later, and kept.
 */
import { crc32 } from 'node:zlib';
import {
  accept,
  JSON_TYPE,
  messageIdOf,
  type Outcome,
  PAYLOAD_MAX_BYTES,
  type PayloadContext,
  type Reading,
  readPayload,
  refuse,
} from '@airtight/protocol';
import { NOT_PLAIN, scanReading } from './scan-reading.ts';

export interface Admitted {
  /** The payload's own identity, if it has one; `at:…` when the time of receipt is part of what it says. */
  readonly messageId: string | undefined;
}

/**
 * @param context as it will stand in the record's header, and the dataset's definition
 * @returns the identity of an admissible payload, or PAYLOAD_TOO_LARGE and the codes of `readPayload`
 */
export function admitPayload(payload: Buffer, context: PayloadContext): Outcome<Admitted> {
  if (payload.length > PAYLOAD_MAX_BYTES) return refuse('PAYLOAD_TOO_LARGE', `${payload.length} bytes; the limit is ${PAYLOAD_MAX_BYTES}`);
  // Where documents are wanted, nothing else is plain.
  const mayBePlain = context.contentType === JSON_TYPE && context.definition?.document === undefined;
  const messageId = mayBePlain ? scanReading(payload) : NOT_PLAIN;
  if (messageId !== NOT_PLAIN) return accept({ messageId });
  const readings = readPayload(payload, context);
  return readings.ok ? accept({ messageId: identityOf(readings.value, payload, context.receivedAt) }) : readings;
}

/**
 * A device without a clock sends the same bytes whenever it measures the same value: taken for repeats, all but the
 * first would be lost. So where a time is relative, the identity is the time of receipt, with the content's checksum.
 */
function identityOf(readings: readonly Reading[], payload: Buffer, receivedAt: number): string | undefined {
  if (!readings.some(({ relativeTime }) => relativeTime === true)) return messageIdOf(readings);
  return `at:${receivedAt}-${crc32(payload).toString(16)}`;
}
