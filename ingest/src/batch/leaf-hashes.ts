/** The leaves of a sealed batch, from the journal. */
import { crc32 } from 'node:zlib';
import { headerTexts, isExpiredBody, type ProducerCount, ProducerCounts, type ProducerName, readFrame } from '@airtight/protocol';
import { HASH_BYTES } from '@airtight/tlog';
import type { Journal } from '../journal/journal.ts';
import { leafHashOf } from '../leaf-hash.ts';
import type { StoredBatch } from './batch-store.ts';
import { latin1 } from './latin1.ts';

/** Read at a time; a batch is 1 MiB and its last record at most. */
const READ_MAX_BYTES = 8 * 1024 * 1024;

export interface BatchLeaves {
  /** Frame bodies, views on what was read; undefined where the payload is gone. */
  readonly bodies: readonly (Uint8Array | undefined)[];
  /** Leaf hashes, 32 bytes each, concatenated. */
  readonly hashes: Uint8Array;
}

/** The batch's index of producers, and the places of one producer's records in it. */
export interface BatchProducers {
  readonly index: readonly ProducerCount[];
  readonly places: readonly number[];
}

/** The records of a batch and their leaf hashes, computed from the journal as it stands; of what was removed the hash that was kept. */
export function leavesOf(journal: Journal, { batch }: StoredBatch): BatchLeaves {
  const hashes = Buffer.alloc(batch.count * HASH_BYTES);
  const bodies: (Uint8Array | undefined)[] = [];
  for (const { place, body } of bodiesOf(journal, batch)) {
    hashes.set(leafHashOf(body), place * HASH_BYTES);
    bodies.push(isExpiredBody(body) ? undefined : body);
  }
  return { bodies, hashes };
}

/** Counted anew from the journal: the headers of removed payloads are still there. */
export function producersOf(journal: Journal, { batch }: StoredBatch, wanted: ProducerName): BatchProducers {
  const all = new ProducerCounts();
  const places: number[] = [];
  let before = 0;
  for (const { place, body } of bodiesOf(journal, batch)) {
    all.add(headerTexts(body, latin1));
    const count = all.countOf(wanted);
    if (count > before) places.push(place);
    before = count;
  }
  return { index: all.take(), places };
}

function* bodiesOf(journal: Journal, batch: StoredBatch['batch']): Generator<{ readonly place: number; readonly body: Uint8Array }> {
  const end = batch.first + batch.count;
  for (let at = batch.first; at < end; ) {
    const run = journal.readFrames(at, READ_MAX_BYTES);
    if (run === null) throw new Error(`the journal does not hold record ${at}`);
    for (let offset = 0; offset < run.bytes.length && at < end; at++) {
      const frame = readFrame(run.bytes, offset, crc32);
      if (typeof frame === 'string') throw new Error(`record ${at}: ${frame}`);
      yield { place: at - batch.first, body: frame.body };
      offset = frame.end;
    }
  }
}
