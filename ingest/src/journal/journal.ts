/**
 * The journal: ingest's durable, ordered file of records. Appending copies a record's frame into memory and gives it
 * its position; `flush` makes everything appended so far durable by one synchronous write: group commit.
 *
 * Durability: a position below `committed` survives kill -9 and power loss. A write that fails for want of room or by an
 * error of the disk is tried again until it is durable; the flush lasts so long, and nothing is acknowledged. After such
 * an error the page cache may hold what the disk does not, and a second sync would not tell: so the whole group is
 * written again from memory, never only synced again, and after anything but a full disk the file is opened and checked
 * anew. Any other error is the end: the process must start again.
 * Concurrency: one writer (WriteLock); one flush at a time; reading is possible at any time.
 */
import assert from 'node:assert';
import { constants, mkdirSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { AirtightError, FRAME_BODY_MAX_BYTES, FRAME_HEADER_BYTES, LEAF_PREFIX, SALTED_PREFIX } from '@airtight/protocol';
import type { StorageHealth } from '../storage/storage-health.ts';
import { type Disk, errnoOf, nodeDisk, writeFaultOf } from './disk.ts';
import { SealedSegments, type SegmentRange } from './sealed-segments.ts';
import { findFrameAfter, listSegments, scanSegment, segmentPath } from './segment.ts';
import type { CompressedSizes } from './segment-archive.ts';
import type { SegmentReader } from './segment-reader.ts';
import type { ReplaceBody, RewrittenSizes } from './segment-rewrite.ts';
import type { WalkedFrame } from './segment-walk.ts';

export interface JournalOptions {
  /** A segment is sealed once it is at least this long. 64 MiB: a fraction of a second to scan at start-up. */
  readonly segmentMaxBytes?: number;
  /** Oldest segments beyond this number are deleted; unlimited when absent. For quarantine, never for records. */
  readonly segmentsMax?: number;
  /** A 32-bit tag kept beside each record's offset (the fingerprint of its identity); computed again in recovery. */
  readonly tagOf?: (body: Uint8Array) => number;
  /** Told of writes that fail and are tried again. */
  readonly health?: StorageHealth;
  /** For tests with faults. */
  readonly disk?: Disk;
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
/** A failed write is tried again after this, then after twice as long, up to the limit: soon after there is room. */
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1000;

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
  readonly #health: StorageHealth | undefined;
  readonly #disk: Disk;
  readonly #closed = new AbortController();
  #broken: Error | undefined;

  // The active segment. Offsets are those of committed and pending records alike.
  #first = 0;
  #fd = -1;
  #offsets: number[] = [];
  #tags: number[] = [];
  #committedBytes = 0;
  #committedCount = 0;
  /** What is committed of it. */
  readonly #activeReader: SegmentReader;

  // Appended since the last flush began; `#flushing` is what that flush is writing.
  #pending = Buffer.allocUnsafe(PENDING_INITIAL_BYTES);
  #pendingBytes = 0;
  #flushing = Buffer.allocUnsafe(PENDING_INITIAL_BYTES);
  #flushingBytes = 0;
  #lastWriteMs = 0;
  #sealAtFlush = false;

  private constructor(dir: string, options: JournalOptions) {
    this.#dir = dir;
    this.#sealed = new SealedSegments(dir);
    this.#health = options.health;
    this.#disk = options.disk ?? nodeDisk;
    this.#activeReader = this.#readerOfActive();
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
   * @param root of a confidential record, 32 bytes
   */
  append(head: string, payload: Uint8Array, tag: number, root?: Uint8Array): void {
    this.#assertUsable();
    const bodyMax = 1 + (root?.length ?? 0) + head.length * 3 + payload.length;
    this.#reserve(FRAME_HEADER_BYTES + bodyMax);
    const buffer = this.#pending;
    const start = this.#pendingBytes;
    let at = start + FRAME_HEADER_BYTES;
    buffer[at++] = root === undefined ? LEAF_PREFIX : SALTED_PREFIX;
    if (root !== undefined) {
      buffer.set(root, at);
      at += root.length;
    }
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
   * Makes everything appended so far durable; while the disk is full or fails, it goes on trying.
   * @returns the frames that were written, a view that is valid until the next flush
   * @throws when writing fails by what waiting does not mend, JOURNAL_CORRUPT when after a failure of the disk a
   *   committed record is gone: the journal is unusable from then on and nothing may be acknowledged
   */
  async flush(): Promise<Uint8Array> {
    this.#assertUsable();
    assert(this.#flushingBytes === 0, 'one flush at a time');
    if (this.#pendingBytes === 0) {
      if (this.#sealAtFlush && this.#committedCount > 0) await this.#persist(async () => this.#sealActive());
      return new Uint8Array(0);
    }
    [this.#pending, this.#flushing] = [this.#flushing, this.#pending];
    this.#flushingBytes = this.#pendingBytes;
    this.#pendingBytes = 0;
    const count = this.#offsets.length;
    await this.#persist(() => this.#writeFlushing());
    const written = this.#flushing.subarray(0, this.#flushingBytes);
    this.#committedBytes += this.#flushingBytes;
    this.#committedCount = count;
    this.#flushingBytes = 0;
    if (this.#committedBytes >= this.#segmentMaxBytes || this.#sealAtFlush) await this.#persist(async () => this.#sealActive());
    return written;
  }

  /** Does a step until it succeeds, as long as waiting may help. */
  async #persist(step: () => Promise<void>): Promise<void> {
    let last: unknown;
    for (let failures = 0; ; failures++) {
      try {
        if (failures > 0) this.#mend(last);
        await step();
        if (failures > 0) this.#health?.resumed(basename(this.#dir));
        return;
      } catch (error) {
        last = error;
        if (this.#broken === undefined && writeFaultOf(error) === undefined) this.#broken = error as Error;
        this.#assertUsable();
        this.#health?.stalled(basename(this.#dir), errnoOf(error));
        const retryMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 10));
        await delay(retryMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
        this.#assertUsable();
      }
    }
  }

  /** Before a write is tried again: off with what the failed one left, so that the file is well-formed whatever comes next. */
  #mend(failure: unknown): void {
    if (writeFaultOf(failure) !== 'full') this.#reopen();
    this.#disk.truncate(this.#fd, this.#committedBytes);
  }

  /** After an error of the disk: is all that was acknowledged still there? */
  #reopen(): void {
    const path = segmentPath(this.#dir, this.#first);
    const fd = this.#disk.open(path, DURABLE_WRITES);
    this.#disk.close(this.#fd);
    this.#fd = fd;
    const scan = scanSegment(this.#disk.read(path).subarray(0, this.#committedBytes));
    if (scan.end === this.#committedBytes && scan.offsets.length === this.#committedCount) return;
    throw new AirtightError(
      'JOURNAL_CORRUPT',
      `${path} at byte ${scan.end}: ${scan.fault ?? 'the end is missing'}, after an error of the disk`,
    );
  }

  async #writeFlushing(): Promise<void> {
    const startedAt = performance.now();
    if (this.#flushingBytes <= WRITE_NOW_MAX_BYTES && this.#lastWriteMs < WRITE_NOW_SLOW_MS) {
      for (let from = 0; from < this.#flushingBytes; ) {
        from += this.#disk.writeNow(this.#fd, this.#flushing, from, this.#flushingBytes - from, this.#committedBytes + from);
      }
    } else {
      for (let from = 0; from < this.#flushingBytes; ) {
        from += await this.#disk.write(this.#fd, this.#flushing, from, this.#flushingBytes - from, this.#committedBytes + from);
      }
    }
    this.#lastWriteMs = performance.now() - startedAt;
  }

  /** Seals the active segment with the next flush, whatever its size. */
  sealSoon(): void {
    this.#sealAtFlush = true;
  }

  /** The sealed segments, in order of position. */
  get sealed(): readonly SegmentRange[] {
    return this.#sealed.ranges;
  }

  /** First position of the active segment. */
  get active(): number {
    return this.#first;
  }

  /**
   * The body (0x00 ‖ record, or what is kept of one) at a position, a copy; null when it is not held. Pending records can be read too.
   * @throws AirtightError JOURNAL_CORRUPT when what is on disk does not match its checksum
   */
  read(position: number): Buffer | null {
    if (position >= this.#first) return this.#readActive(position - this.#first);
    const place = this.#sealed.locate(position);
    return place === undefined ? null : readBody(place.file, place.offset);
  }

  /**
   * Whole committed frames from a position on, at most `maxBytes` of them but at least one, never across a segment's
   * end. Empty when `from` is the committed end; null when it lies beyond it or is no longer held.
   * @throws AirtightError JOURNAL_CORRUPT when no frame can begin there
   */
  readFrames(from: number, maxBytes: number): FrameRun | null {
    if (from > this.committed || from < this.tail) return null;
    if (from === this.committed) return { bytes: new Uint8Array(0), next: from };
    const active = { file: this.#activeReader, offset: this.#offsets[from - this.#first] as number };
    const place = from < this.#first ? this.#sealed.locate(from) : active;
    if (place === undefined) return null;
    const { file, offset: start } = place;
    const end = file.sizeBytes;
    const frameBytes = FRAME_HEADER_BYTES + readLength(file, start);
    const bytes = Buffer.allocUnsafe(Math.min(end - start, Math.max(maxBytes, frameBytes)));
    file.read(bytes, start);
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

  /**
   * Compresses the oldest sealed segment that is not compressed yet and was sealed before `sealedBefore` (epoch ms);
   * reading goes on meanwhile. One call at a time.
   * @returns sizes before and after; undefined when there is none
   * @throws when writing fails, or what was written does not give back the segment: the segment then stays as it is
   */
  compressNext(sealedBefore: number, signal: AbortSignal): Promise<CompressedSizes | undefined> {
    return this.#sealed.compressNext(sealedBefore, signal);
  }

  /**
   * All frames of a sealed segment in order, in the background.
   * @throws AirtightError JOURNAL_CORRUPT
   */
  walkSealed(first: number, signal: AbortSignal): AsyncGenerator<readonly WalkedFrame[]> {
    return this.#sealed.walk(first, signal);
  }

  /**
   * Writes a sealed segment anew with other bodies for some of its records; reading goes on meanwhile. Crash-safe.
   * @throws when writing fails or the signal aborts: the segment then stays as it is
   */
  rewriteSealed(first: number, replace: ReplaceBody, signal: AbortSignal): Promise<RewrittenSizes> {
    return this.#sealed.rewrite(first, replace, signal);
  }

  /** Closes the files. What was not flushed is not kept. */
  close(): void {
    this.#broken = new Error('the journal is closed');
    this.#closed.abort();
    this.#sealed.close();
    this.#disk.close(this.#fd);
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
    if (offset < this.#committedBytes) return readBody(this.#activeReader, offset);
    const inFlush = offset - this.#committedBytes;
    const [buffer, at] = inFlush < this.#flushingBytes ? [this.#flushing, inFlush] : [this.#pending, inFlush - this.#flushingBytes];
    const start = at + FRAME_HEADER_BYTES;
    return Buffer.from(buffer.subarray(start, start + buffer.readUInt32LE(at)));
  }

  #readerOfActive(): SegmentReader {
    const path = (): string => segmentPath(this.#dir, this.#first);
    const sizeBytes = (): number => this.#committedBytes;
    return {
      get path() {
        return path();
      },
      get sizeBytes() {
        return sizeBytes();
      },
      read: (target, offset) => void readSync(this.#fd, target, 0, target.length, offset),
    };
  }

  #startSegment(first: number): void {
    this.#fd = this.#createSegment(first);
    this.#first = first;
    this.#committedBytes = 0;
    this.#committedCount = 0;
  }

  /** Leaves nothing behind when it fails. */
  #createSegment(first: number): number {
    const path = segmentPath(this.#dir, first);
    const fd = this.#disk.open(path, DURABLE_WRITES | constants.O_CREAT, 0o640);
    try {
      // An earlier try may have left an empty one; one with records in it is nobody's to write over.
      assert(this.#disk.read(path).length === 0, `${path} has content already`);
      syncDirectory(this.#disk, this.#dir);
    } catch (error) {
      this.#disk.close(fd);
      throw error;
    }
    return fd;
  }

  /** Can be tried again: what can fail comes first, and leaves the active segment as it is. */
  #sealActive(): void {
    const count = this.#committedCount;
    this.#sealAtFlush = false;
    const first = this.#first;
    const sealedBytes = this.#committedBytes;
    const full = this.#fd;
    const offsets = this.#offsets.slice(0, count);
    const tags = this.#tags.slice(0, count);
    this.#sealed.writeIndex(first, offsets, tags);
    this.#startSegment(first + count);
    // What was appended during the flush goes into the next segment, so its offsets count from there.
    this.#offsets = this.#offsets.slice(count).map((offset) => offset - sealedBytes);
    this.#tags = this.#tags.slice(count);
    this.#sealed.add(first, count, Date.now());
    this.#disk.close(full);
    while (this.#sealed.count + 1 > this.#segmentsMax) this.#sealed.dropOldest();
  }

  #recoverActive(first: number, tagOf: JournalOptions['tagOf']): void {
    const path = segmentPath(this.#dir, first);
    const bytes = this.#disk.read(path);
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
    this.#fd = this.#disk.open(path, DURABLE_WRITES);
    if (scan.end < bytes.length) this.#disk.truncate(this.#fd, scan.end);
    // What was read back may still be in the page cache only: it counts as committed once it is synced.
    this.#disk.sync(this.#fd);
    syncDirectory(this.#disk, this.#dir);
  }
}

function readLength(file: SegmentReader, offset: number): number {
  const length = Buffer.allocUnsafe(4);
  file.read(length, offset);
  return length.readUInt32LE(0);
}

function readBody(file: SegmentReader, offset: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  file.read(header, offset);
  const length = header.readUInt32LE(0);
  if (length <= FRAME_BODY_MAX_BYTES) {
    const body = Buffer.alloc(length);
    file.read(body, offset + FRAME_HEADER_BYTES);
    if (crc32(body) === header.readUInt32LE(4)) return body;
  }
  throw new AirtightError('JOURNAL_CORRUPT', `${file.path} at byte ${offset}`);
}

function syncDirectory(disk: Disk, dir: string): void {
  const fd = disk.open(dir, 'r');
  try {
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}
