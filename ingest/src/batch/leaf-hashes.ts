/** The leaves of a sealed batch, from the journal. */
import { crc32 } from 'node:zlib';
import { isExpiredBody, readFrame } from '@airtight/protocol';
import { HASH_BYTES } from '@airtight/tlog';
import type { Journal } from '../journal/journal.ts';
import { leafHashOf } from '../leaf-hash.ts';
import type { StoredBatch } from './batch-store.ts';

/** Read at a time; a batch is 1 MiB and its last record at most. */
const READ_MAX_BYTES = 8 * 1024 * 1024;

export interface BatchLeaves {
  /** Frame bodies, views on what was read; undefined where the payload is gone. */
  readonly bodies: readonly (Uint8Array | undefined)[];
  /** Leaf hashes, 32 bytes each, concatenated. */
  readonly hashes: Uint8Array;
}

/** The records of a batch and their leaf hashes, computed from the journal as it stands; of what was removed the hash that was kept. */
export function leavesOf(journal: Journal, { batch }: StoredBatch): BatchLeaves {
  const hashes = Buffer.alloc(batch.count * HASH_BYTES);
  const bodies: (Uint8Array | undefined)[] = [];
  const end = batch.first + batch.count;
  for (let at = batch.first; at < end; ) {
    const run = journal.readFrames(at, READ_MAX_BYTES);
    if (run === null) throw new Error(`the journal does not hold record ${at}`);
    for (let offset = 0; offset < run.bytes.length && at < end; at++) {
      const frame = readFrame(run.bytes, offset, crc32);
      if (typeof frame === 'string') throw new Error(`record ${at}: ${frame}`);
      hashes.set(leafHashOf(frame.body), (at - batch.first) * HASH_BYTES);
      bodies.push(isExpiredBody(frame.body) ? undefined : frame.body);
      offset = frame.end;
    }
  }
  return { bodies, hashes };
}
