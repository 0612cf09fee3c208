/**
 * May this message become a record? Shape, size and clock are looked at here, before anything is stored. What is not
 * admissible is kept in quarantine with the reason and acknowledged all the same: a bad reading must not make a device
 * send it for ever. A wrong clock is no reason to refuse: such readings are flagged later, and kept.
 */
import { crc32 } from 'node:zlib';
import {
  accept,
  JSON_TYPE,
  lorawanIdOf,
  messageIdOf,
  type Outcome,
  PAYLOAD_MAX_BYTES,
  type PayloadContext,
  type Reading,
  readPayload,
  refuse,
  rulesOf,
} from '@airtight/protocol';
import { NOT_PLAIN, scanReading } from './scan-reading.ts';

export interface Admitted {
  /** The payload's own identity, if it has one; `at:…` when the time of receipt is part of what it says. */
  readonly messageId: string | undefined;
}

/**
 * @param context as it will stand in the record's header, and the dataset's definition
 * @returns the identity of an admissible payload, or PAYLOAD_TOO_LARGE, the codes of `readPayload`, and those of the dataset's rules
 */
export function admitPayload(payload: Buffer, context: PayloadContext): Outcome<Admitted> {
  const rules = context.definition === undefined ? undefined : rulesOf(context.definition);
  const maxBytes = rules?.payloadMaxBytes ?? PAYLOAD_MAX_BYTES;
  if (payload.length > maxBytes) return refuse('PAYLOAD_TOO_LARGE', `${payload.length} bytes; the limit is ${maxBytes}`);
  // Where documents are wanted, nothing else is plain.
  const mayBePlain = context.contentType === JSON_TYPE && rules?.asksForParser !== true;
  const messageId = mayBePlain ? scanReading(payload, rules) : NOT_PLAIN;
  if (messageId !== NOT_PLAIN) return accept({ messageId });
  const readings = readPayload(payload, context);
  if (!readings.ok) return readings;
  return rules?.faultOf(readings.value) ?? accept({ messageId: identityOf(readings.value, payload, context) });
}

/**
 * A device without a clock sends the same bytes whenever it measures the same value: taken for repeats, all but the
 * first would be lost. So where a time is relative, the identity is the time of receipt, with the content's checksum. And
 * what refers to a Sparkplug birth says something else after the next birth.
 */
function identityOf(readings: readonly Reading[], payload: Buffer, { contentType, receivedAt, birth }: PayloadContext): string | undefined {
  const isRelative = readings.some(({ relativeTime }) => relativeTime === true);
  if (!isRelative && birth !== undefined) return `birth:${birth.position}-${crc32(payload).toString(16)}`;
  if (readings.length === 0 && contentType === JSON_TYPE) return lorawanIdOf(payload);
  if (!isRelative) return messageIdOf(readings);
  return `at:${receivedAt}-${crc32(payload).toString(16)}`;
}
