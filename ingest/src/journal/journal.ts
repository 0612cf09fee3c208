/**
 * The journal: ingest's durable, ordered file of records. Appending copies a record's frame into memory and gives it
 * its position; `flush` makes everything appended so far durable by one synchronous write: group commit.
 *
 * Durability: a position below `committed` survives kill -9 and power loss. After a failed write the page
 * cache may lie about what is on disk, so the journal refuses all further work: the process must end and start again.
 * Concurrency: one writer (WriteLock); one flush at a time; reading is possible at any time.
 */
import assert from 'node:assert';
import { closeSync, constants, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, write, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { AirtightError, FRAME_BODY_MAX_BYTES, FRAME_HEADER_BYTES, LEAF_PREFIX } from '@airtight/protocol';
import { SealedSegments } from './sealed-segments.ts';
import { findFrameAfter, listSegments, scanSegment, segmentPath } from './segment.ts';

export interface JournalOptions {
  /** A segment is sealed once it is at least this long. 64 MiB: a fraction of a second to scan at start-up. */
  readonly segmentMaxBytes?: number;
  /** Oldest segments beyond this number are deleted; unlimited when absent. For quarantine, never for records. */
  readonly segmentsMax?: number;
  /** A 32-bit tag kept beside each record's offset (the fingerprint of its identity); computed again in recovery. */
  readonly tagOf?: (body: Uint8Array) => number;
}

export const SEGMENT_MAX_BYTES = 64 * 1024 * 1024;
/**
 * O_DSYNC: a write returns when data and file size are on the disk (POSIX "synchronized I/O data integrity completion"),
 * the same as write and fdatasync, in one trip through the thread pool instead of two.
 */
const DURABLE_WRITES = constants.O_RDWR | constants.O_DSYNC;
/**
 * A small group is written on the spot: a lone acknowledgement then waits for the disk and not for a thread to wake up,
 * twice. Larger groups go through the thread pool, so that messages are taken meanwhile; and so does everything while
 * the disk is slow, because a blocked loop serves nobody.
 */
const WRITE_NOW_MAX_BYTES = 16 * 1024;
const WRITE_NOW_SLOW_MS = 1;
const PENDING_INITIAL_BYTES = 1024 * 1024;

/** Whole committed frames, as read from disk. */
export interface FrameRun {
  readonly bytes: Uint8Array;
  /** Position after the last frame in `bytes`. */
  readonly next: number;
}

export class Journal {
  readonly #dir: string;
  readonly #segmentMaxBytes: number;
  readonly #segmentsMax: number;
  readonly #sealed: SealedSegments;
  #broken: Error | undefined;

  // The active segment. Offsets are those of committed and pending records alike.
  #first = 0;
  #fd = -1;
  #offsets: number[] = [];
  #tags: number[] = [];
  #committedBytes = 0;
  #committedCount = 0;

  // Appended since the last flush began; `#flushing` is what that flush is writing.
  #pending = Buffer.allocUnsafe(PENDING_INITIAL_BYTES);
  #pendingBytes = 0;
  #flushing = Buffer.allocUnsafe(PENDING_INITIAL_BYTES);
  #flushingBytes = 0;
  #lastWriteMs = 0;

  private constructor(dir: string, options: JournalOptions) {
    this.#dir = dir;
    this.#sealed = new SealedSegments(dir);
    this.#segmentMaxBytes = options.segmentMaxBytes ?? SEGMENT_MAX_BYTES;
    this.#segmentsMax = options.segmentsMax ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Opens the journal in `dir`, creating it when it is empty, and recovers from a crash: the torn tail of the last
   * segment, never acknowledged, is cut off.
   * @throws AirtightError JOURNAL_CORRUPT with file and offset when what is damaged is not a torn tail
   */
  static open(dir: string, options: JournalOptions = {}): Journal {
    mkdirSync(dir, { recursive: true });
    const journal = new Journal(dir, options);
    const segments = listSegments(dir);
    for (const [i, first] of segments.slice(0, -1).entries()) {
      journal.#sealed.load(first, segments[i + 1] as number, options.tagOf);
    }
    const last = segments.at(-1);
    if (last === undefined) journal.#startSegment(0);
    else journal.#recoverActive(last, options.tagOf);
    return journal;
  }

  /** Position the next record will get; includes what is not durable yet. */
  get head(): number {
    return this.#first + this.#offsets.length;
  }

  /** Every position below is durable. */
  get committed(): number {
    return this.#first + this.#committedCount;
  }

  /** First position that is still held (later than 0 only where `segmentsMax` deletes). */
  get tail(): number {
    return this.#sealed.first ?? this.#first;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Records in sealed segments and in the active one, with the tags kept for them, oldest first, from `position` on. */
  *tags(from: number): Generator<readonly [position: number, tag: number]> {
    yield* this.#sealed.tags(from);
    for (let i = Math.max(0, from - this.#first); i < this.#tags.length; i++) yield [this.#first + i, this.#tags[i] as number];
  }

  /**
   * Appends one record: `head` (text before the payload, e.g. the header line with its newline) and payload.
   * Durable only after the next `flush`.
   */
  append(head: string, payload: Uint8Array, tag: number): void {
    this.#assertUsable();
    const bodyMax = 1 + head.length * 3 + payload.length;
    this.#reserve(FRAME_HEADER_BYTES + bodyMax);
    const buffer = this.#pending;
    const start = this.#pendingBytes;
    let at = start + FRAME_HEADER_BYTES;
    buffer[at++] = LEAF_PREFIX;
    at += buffer.write(head, at);
    buffer.set(payload, at);
    at += payload.length;
    const body = buffer.subarray(start + FRAME_HEADER_BYTES, at);
    assert(body.length <= FRAME_BODY_MAX_BYTES, 'admission bounds header and payload');
    buffer.writeUInt32LE(body.length, start);
    buffer.writeUInt32LE(crc32(body), start + 4);
    this.#offsets.push(this.#committedBytes + this.#flushingBytes + start);
    this.#tags.push(tag);
    this.#pendingBytes = at;
  }

  /**
   * Makes everything appended so far durable.
   * @returns the frames that were written, a view that is valid until the next flush
   * @throws when writing or syncing fails; the journal is unusable from then on and nothing may be acknowledged
   */
  async flush(): Promise<Uint8Array> {
    this.#assertUsable();
    assert(this.#flushingBytes === 0, 'one flush at a time');
    if (this.#pendingBytes === 0) return new Uint8Array(0);
    [this.#pending, this.#flushing] = [this.#flushing, this.#pending];
    this.#flushingBytes = this.#pendingBytes;
    this.#pendingBytes = 0;
    const count = this.#offsets.length;
    try {
      await this.#writeFlushing();
    } catch (error) {
      this.#broken = error as Error;
      throw error;
    }
    const written = this.#flushing.subarray(0, this.#flushingBytes);
    this.#committedBytes += this.#flushingBytes;
    this.#committedCount = count;
    this.#flushingBytes = 0;
    if (this.#committedBytes >= this.#segmentMaxBytes) this.#sealActive();
    return written;
  }

  async #writeFlushing(): Promise<void> {
    const startedAt = performance.now();
    if (this.#flushingBytes <= WRITE_NOW_MAX_BYTES && this.#lastWriteMs < WRITE_NOW_SLOW_MS) {
      for (let from = 0; from < this.#flushingBytes; ) {
        from += writeSync(this.#fd, this.#flushing, from, this.#flushingBytes - from, this.#committedBytes + from);
      }
    } else await writeDurably(this.#fd, this.#flushing, this.#flushingBytes, this.#committedBytes);
    this.#lastWriteMs = performance.now() - startedAt;
  }

  /**
   * The body (0x00 ‖ record) at a position, a copy; null when it is not held. Pending records can be read too.
   * @throws AirtightError JOURNAL_CORRUPT when what is on disk does not match its checksum
   */
  read(position: number): Buffer | null {
    if (position >= this.#first) return this.#readActive(position - this.#first);
    const place = this.#sealed.locate(position);
    return place === undefined ? null : readBody(place.fd, place.offset, place.path);
  }

  /**
   * Whole committed frames from a position on, at most `maxBytes` of them but at least one, never across a segment's
   * end. Empty when `from` is the committed end; null when it lies beyond it or is no longer held.
   * @throws AirtightError JOURNAL_CORRUPT when no frame can begin there
   */
  readFrames(from: number, maxBytes: number): FrameRun | null {
    if (from > this.committed || from < this.tail) return null;
    if (from === this.committed) return { bytes: new Uint8Array(0), next: from };
    const active = { fd: this.#fd, offset: this.#offsets[from - this.#first] as number, end: this.#committedBytes };
    const place = from < this.#first ? this.#sealed.locate(from) : active;
    if (place === undefined) return null;
    const { fd, offset: start, end } = place;
    const frameBytes = FRAME_HEADER_BYTES + readLength(fd, start);
    const bytes = Buffer.allocUnsafe(Math.min(end - start, Math.max(maxBytes, frameBytes)));
    readSync(fd, bytes, 0, bytes.length, start);
    let at = 0;
    let count = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const next = at + FRAME_HEADER_BYTES + bytes.readUInt32LE(at);
      if (next > bytes.length) break;
      at = next;
      count++;
    }
    if (count === 0) throw new AirtightError('JOURNAL_CORRUPT', `record ${from}, byte ${start} of its segment`);
    return { bytes: bytes.subarray(0, at), next: from + count };
  }

  /** Closes the files. What was not flushed is not kept. */
  close(): void {
    this.#sealed.close();
    closeSync(this.#fd);
    this.#broken = new Error('the journal is closed');
  }

  #assertUsable(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #reserve(bytes: number): void {
    if (this.#pendingBytes + bytes <= this.#pending.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#pending.length * 2, this.#pendingBytes + bytes));
    this.#pending.copy(larger, 0, 0, this.#pendingBytes);
    this.#pending = larger;
  }

  #readActive(ordinal: number): Buffer | null {
    const offset = this.#offsets[ordinal];
    if (offset === undefined) return null;
    if (offset < this.#committedBytes) return readBody(this.#fd, offset, segmentPath(this.#dir, this.#first));
    const inFlush = offset - this.#committedBytes;
    const [buffer, at] = inFlush < this.#flushingBytes ? [this.#flushing, inFlush] : [this.#pending, inFlush - this.#flushingBytes];
    const start = at + FRAME_HEADER_BYTES;
    return Buffer.from(buffer.subarray(start, start + buffer.readUInt32LE(at)));
  }

  #startSegment(first: number): void {
    this.#first = first;
    this.#committedBytes = 0;
    this.#committedCount = 0;
    const { O_CREAT, O_EXCL } = constants;
    this.#fd = openSync(segmentPath(this.#dir, first), DURABLE_WRITES | O_CREAT | O_EXCL, 0o640);
    syncDirectory(this.#dir);
  }

  #sealActive(): void {
    const count = this.#committedCount;
    // What was appended during the flush goes into the next segment, so its offsets count from there.
    const pendingOffsets = this.#offsets.splice(count).map((offset) => offset - this.#committedBytes);
    const pendingTags = this.#tags.splice(count);
    this.#sealed.add(this.#first, this.#committedBytes, this.#offsets, this.#tags);
    closeSync(this.#fd);
    this.#startSegment(this.#first + count);
    this.#offsets = pendingOffsets;
    this.#tags = pendingTags;
    while (this.#sealed.count + 1 > this.#segmentsMax) this.#sealed.dropOldest();
  }

  #recoverActive(first: number, tagOf: JournalOptions['tagOf']): void {
    const path = segmentPath(this.#dir, first);
    const bytes = readFileSync(path);
    const tags: number[] = [];
    const scan = scanSegment(bytes, (body) => tags.push(tagOf?.(body) ?? 0));
    if (scan.fault !== undefined) {
      const after = findFrameAfter(bytes, scan.end);
      if (after >= 0)
        throw new AirtightError('JOURNAL_CORRUPT', `${path} at byte ${scan.end}: ${scan.fault}; whole records follow at byte ${after}`);
    }
    this.#first = first;
    this.#offsets = scan.offsets;
    this.#tags = tags;
    this.#committedBytes = scan.end;
    this.#committedCount = scan.offsets.length;
    this.#fd = openSync(path, DURABLE_WRITES);
    if (scan.end < bytes.length) ftruncateSync(this.#fd, scan.end);
    // What was read back may still be in the page cache only: it counts as committed once it is synced.
    fsyncSync(this.#fd);
    syncDirectory(this.#dir);
  }
}

function readLength(fd: number, offset: number): number {
  const length = Buffer.allocUnsafe(4);
  readSync(fd, length, 0, 4, offset);
  return length.readUInt32LE(0);
}

function readBody(fd: number, offset: number, path: string): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  readSync(fd, header, 0, FRAME_HEADER_BYTES, offset);
  const length = header.readUInt32LE(0);
  if (length <= FRAME_BODY_MAX_BYTES) {
    const body = Buffer.alloc(length);
    readSync(fd, body, 0, length, offset + FRAME_HEADER_BYTES);
    if (crc32(body) === header.readUInt32LE(4)) return body;
  }
  throw new AirtightError('JOURNAL_CORRUPT', `${path} at byte ${offset}`);
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

/** On a file opened with O_DSYNC: resolves when the bytes are durable. */
function writeDurably(fd: number, buffer: Buffer, length: number, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (from: number): void => {
      write(fd, buffer, from, length - from, position + from, (error, written) => {
        if (error) reject(error);
        else if (from + written < length) step(from + written);
        else resolve();
      });
    };
    step(0);
  });
}
