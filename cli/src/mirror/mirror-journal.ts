/**
 * The journal part of a mirror: the batches that the mirrored ledger names, in order, each with its records. A batch is
 * written when its records lead to its roots; the position and the chain are those of the ledger's own entries.
 */
import { hash } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type BatchRecord,
  decodeBatchRecord,
  formatFrame,
  headerTexts,
  LEAF_PREFIX,
  leafHashOfBody,
  ProducerCounts,
  producersRootOf,
} from '@airtight/protocol';
import { rootOfLeafHashes, sha256FromLatin1 } from '@airtight/tlog';
import type { DataDirectory } from '../data-directory.ts';
import { latin1 } from '../journal/latin1.ts';
import { type MirrorInfo, type OpenSegment, writeMirrorInfo } from './mirror-info.ts';
import type { MirrorSource } from './mirror-source.ts';

const HASH_BYTES = 32;
/** As ingest's: a reader of one segment holds it in memory. */
const SEGMENT_MAX_BYTES = 64 * 1024 * 1024;
/** So much may have to be fetched again after a crash. */
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Batches of one stream that stand in the ledger before an earlier one: those that were sent at the same time. */
const AHEAD_MAX = 1024;

export interface JournalContradiction {
  readonly kind: 'rewrite' | 'omission';
  /** The batch that is contradicted, its entry in the ledger, base64 of the record. */
  readonly seq: number;
  readonly ledgerIndex: number;
  readonly batch: string;
  readonly detail: string;
}

type JournalName = 'records' | 'batches' | 'anchors';
const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
const shaLatin1 = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

interface FoundBatch {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly batch: BatchRecord;
}

export class MirrorJournal {
  readonly #data: DataDirectory;
  readonly #source: MirrorSource;
  readonly #files: { readonly [name in JournalName]: SegmentWriter };
  readonly #producers = new ProducerCounts();
  readonly #ahead = new Map<number, FoundBatch>();
  #bodies: AsyncGenerator<Uint8Array> | undefined;
  #info: MirrorInfo;
  #unwritten = 0;

  constructor(data: DataDirectory, source: MirrorSource, info: MirrorInfo) {
    this.#data = data;
    this.#source = source;
    this.#info = info;
    const writer = (name: JournalName) => new SegmentWriter(join(data.journal, name), info.files[name]);
    this.#files = { records: writer('records'), batches: writer('batches'), anchors: writer('anchors') };
  }

  get info(): MirrorInfo {
    return this.#info;
  }

  /**
   * Takes the batches among the entries, and their records.
   * @param entries of the mirrored ledger from `info.nextEntry` on, under a signed checkpoint
   * @returns what contradicts what is held or what the ledger says; then nothing of it was written
   */
  async take(
    entries: AsyncIterable<{ readonly index: number; readonly entry: Uint8Array }>,
    onProgress: (info: MirrorInfo) => void,
  ): Promise<JournalContradiction | undefined> {
    try {
      for await (const { index, entry } of entries) {
        const batch = decodeBatchRecord(entry);
        if (batch.ok && (this.#info.stream ?? batch.value.stream) === batch.value.stream) {
          const contradiction = await this.#takeBatch({ index, bytes: entry, batch: batch.value });
          if (contradiction !== undefined) return contradiction;
        }
        // Not past a batch whose earlier ones are still to come: the next run looks at it again.
        if (this.#ahead.size === 0) this.#info = { ...this.#info, nextEntry: index + 1 };
        if (this.#unwritten >= COMMIT_BYTES) this.#commit();
        onProgress(this.#info);
      }
      return undefined;
    } finally {
      this.#commit();
      await this.#bodies?.return(undefined);
      this.#bodies = undefined;
    }
  }

  async #takeBatch(found: FoundBatch): Promise<JournalContradiction | undefined> {
    const { seq } = found.batch;
    if (seq < this.#info.batches) return undefined;
    this.#ahead.set(seq, found);
    if (this.#ahead.size > AHEAD_MAX) {
      return contradiction('omission', found, `batch ${this.#info.batches} is missing from the ledger, which goes on to batch ${seq}`);
    }
    for (let next = this.#ahead.get(this.#info.batches); next !== undefined; next = this.#ahead.get(this.#info.batches)) {
      const wrong = await this.#appendBatch(next);
      if (wrong !== undefined) return wrong;
      this.#ahead.delete(next.batch.seq);
    }
    return undefined;
  }

  async #appendBatch(found: FoundBatch): Promise<JournalContradiction | undefined> {
    const { batch, bytes, index } = found;
    if (batch.prev !== this.#info.lastBatch || batch.first !== this.#info.records) {
      const detail = `batch ${batch.seq} follows ${batch.prev} and begins at ${batch.first}; held are ${this.#info.lastBatch} and ${this.#info.records} records`;
      return contradiction('rewrite', found, detail);
    }
    this.#bodies ??= this.#source.bodies(batch.first);
    const bodies: Uint8Array[] = [];
    while (bodies.length < batch.count) {
      const step = await this.#bodies.next();
      if (step.done === true)
        return contradiction(
          'omission',
          found,
          `its records end at position ${batch.first + bodies.length}, it covers ${batch.count} from ${batch.first} on`,
        );
      bodies.push(step.value);
    }
    const wrong = this.#rootFault(batch, bodies);
    if (wrong !== undefined) return contradiction('rewrite', found, wrong);
    for (const [at, body] of bodies.entries()) this.#append('records', batch.first + at, body);
    this.#append('batches', batch.seq, Buffer.concat([Uint8Array.of(LEAF_PREFIX), bytes]));
    const anchor = Buffer.from(JSON.stringify({ ledgerIndex: index, seq: batch.seq }));
    this.#append('anchors', batch.seq, Buffer.concat([Uint8Array.of(LEAF_PREFIX), anchor]));
    this.#info = {
      ...this.#info,
      stream: batch.stream,
      withheld: this.#source.withheld(),
      batches: batch.seq + 1,
      lastBatch: hash('sha256', bytes, 'hex'),
      records: batch.first + batch.count,
    };
    return undefined;
  }

  /** The records' leaf hashes and the index of producers, against what the batch record says. */
  #rootFault(batch: BatchRecord, bodies: readonly Uint8Array[]): string | undefined {
    const hashes = Buffer.alloc(bodies.length * HASH_BYTES);
    for (const [at, body] of bodies.entries()) {
      hashes.set(leafHashOfBody(body, sha256), at * HASH_BYTES);
      this.#producers.add(headerTexts(body, latin1));
    }
    const index = producersRootOf(this.#producers.take(), shaLatin1);
    const root = Buffer.from(rootOfLeafHashes(hashes, shaLatin1)).toString('hex');
    const range = `batch ${batch.seq}, positions ${batch.first} to ${batch.first + batch.count - 1}`;
    if (root !== batch.root)
      return `${range}: the records that were handed out have root ${root}, the batch in the ledger says ${batch.root}`;
    if (index.root === batch.producers.root && index.count === batch.producers.count) return undefined;
    return `${range}: the headers that were handed out are not those of the index of producers`;
  }

  #append(name: JournalName, position: number, body: Uint8Array): void {
    this.#unwritten += this.#files[name].append(position, formatFrame(body, crc32));
  }

  #commit(): void {
    const { records, batches, anchors } = this.#files;
    for (const file of [records, batches, anchors]) file.sync();
    this.#info = { ...this.#info, files: { records: records.open, batches: batches.open, anchors: anchors.open } };
    writeMirrorInfo(this.#data, this.#info);
    this.#unwritten = 0;
  }
}

function contradiction(kind: JournalContradiction['kind'], { batch, index, bytes }: FoundBatch, detail: string): JournalContradiction {
  return { kind, seq: batch.seq, ledgerIndex: index, batch: Buffer.from(bytes).toString('base64'), detail };
}

/** Appends frames to the last segment of a folder, and begins a new one when it is long enough. */
class SegmentWriter {
  readonly #dir: string;
  #fd: number | undefined;
  #pending: Uint8Array[] = [];
  open: OpenSegment;

  /** @param open what of the last segment counts: what lies behind it was not committed */
  constructor(dir: string, open: OpenSegment) {
    this.#dir = dir;
    this.open = open;
  }

  /** @returns the bytes that will be written */
  append(position: number, frame: Uint8Array): number {
    if (this.open.sizeBytes >= SEGMENT_MAX_BYTES) this.#begin(position);
    this.#pending.push(frame);
    this.open = { ...this.open, sizeBytes: this.open.sizeBytes + frame.length };
    return frame.length;
  }

  /** Everything appended is durable afterwards. */
  sync(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    const begin = this.open.sizeBytes - bytes.length;
    if (this.#fd === undefined) {
      mkdirSync(this.#dir, { recursive: true });
      this.#fd = openSync(join(this.#dir, `${String(this.open.first).padStart(16, '0')}.seg`), 'a', 0o640);
      ftruncateSync(this.#fd, begin);
    }
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    fsyncSync(this.#fd);
  }

  #begin(position: number): void {
    this.sync();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.open = { first: position, sizeBytes: 0 };
  }
}
