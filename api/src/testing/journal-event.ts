/** A journal event as the fold gets it, made of a header and a payload. */
import { type DatasetRegistry, encodeRecord, type RecordHeader } from '@airtight/protocol';
import { decodeFrame, type JournalEvent } from '../decode/decoder.ts';

const HEADER = { v: 1, agency: 'a', producer: 'p', receivedAt: 1, door: 'mqtt', contentType: 'application/json' } as const;

/** @param header what is not as in a reading of producer `p` */
export function journalEvent(
  position: number,
  header: Pick<RecordHeader, 'dataset'> & Partial<RecordHeader>,
  payload: object,
  registry: DatasetRegistry,
): JournalEvent {
  const record = encodeRecord({ ...HEADER, ...header }, Buffer.from(JSON.stringify(payload)));
  return decodeFrame({ position, body: Buffer.concat([Uint8Array.of(0), record]) }, registry);
}
