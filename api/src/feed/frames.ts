/** Journal frames of a feed chunk, checked. */
import { crc32 } from 'node:zlib';
import { AirtightError, readFrame, type SparkplugBirth } from '@airtight/protocol';
import type { FeedChunk } from '../upstream/ingest-client.ts';

export interface JournalFrame {
  readonly position: number;
  /** 0x00 ‖ record, or what is kept of one. */
  readonly body: Uint8Array;
  /** The Sparkplug birth that the record's header refers to; set by Births. */
  readonly birth?: SparkplugBirth;
}

/**
 * The frames of a chunk in order.
 * @throws AirtightError JOURNAL_CORRUPT, naming the position, when a checksum does not match or frames and positions do not agree
 */
export function* framesOf(chunk: FeedChunk): Generator<JournalFrame> {
  let offset = 0;
  for (let position = chunk.from; position < chunk.next; position++) {
    const frame = readFrame(chunk.bytes, offset, crc32);
    if (typeof frame === 'string') throw new AirtightError('JOURNAL_CORRUPT', `feed frame of position ${position}: ${frame}`);
    yield { position, body: frame.body };
    offset = frame.end;
  }
  if (offset !== chunk.bytes.length) {
    throw new AirtightError('JOURNAL_CORRUPT', `feed chunk ${chunk.from} to ${chunk.next}: ${chunk.bytes.length - offset} bytes too many`);
  }
}
