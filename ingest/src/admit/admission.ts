/**
 * May this message become a record? Shape, size and clock are looked at here, before anything is stored. What is not
 * admissible is kept in quarantine with the reason and acknowledged all the same: a bad reading must not make a device
 * send it for ever. A wrong clock is no reason to refuse: such readings are flagged later, and kept.
 */
import { isUtf8 } from 'node:buffer';
import { accept, messageIdOf, type Outcome, PAYLOAD_MAX_BYTES, parseReadings, refuse } from '@airtight/protocol';
import { NOT_PLAIN, scanReading } from './scan-reading.ts';

export interface Admitted {
  /** The payload's own identity, if it has one. */
  readonly messageId: string | undefined;
}

/** @returns the identity of an admissible payload, or PAYLOAD_TOO_LARGE, PAYLOAD_NOT_JSON, PAYLOAD_SHAPE, TIME_INVALID, NUMBER_NOT_FINITE */
export function admitPayload(payload: Buffer): Outcome<Admitted> {
  if (payload.length > PAYLOAD_MAX_BYTES) return refuse('PAYLOAD_TOO_LARGE', `${payload.length} bytes; the limit is ${PAYLOAD_MAX_BYTES}`);
  const messageId = scanReading(payload);
  if (messageId !== NOT_PLAIN) return accept({ messageId });
  if (!isUtf8(payload)) return refuse('PAYLOAD_NOT_JSON', 'the bytes are not UTF-8');
  const readings = parseReadings(payload.toString('utf8'));
  return readings.ok ? accept({ messageId: messageIdOf(readings.value) }) : readings;
}
