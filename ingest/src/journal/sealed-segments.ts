/**
 * The sealed segments of a journal, read by position through their side indices. One that has been sealed for a while is
 * compressed; which of the two files it lies in, nobody outside needs to know. Payloads that a policy removes are taken
 * out by writing the segment anew; nothing else ever changes in one.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { AirtightError } from '@airtight/protocol';
import { archivePath, INDEX_ENTRY_BYTES, indexPath, scanSegment, segmentPath } from './segment.ts';
import { type CompressedSizes, compressSegment } from './segment-archive.ts';
import { CompressedSegment, type OpenSegment, openPlainSegment, type SegmentReader } from './segment-reader.ts';
import { commitSteps, draftRewrite, type ReplaceBody, type RewrittenSizes, recoverRewrite } from './segment-rewrite.ts';
import { type WalkedFrame, walkSegment } from './segment-walk.ts';

/** Segments kept open for reading. */
const OPEN_MAX = 16;

export interface SegmentRange {
  /** Position of its first record. */
  readonly first: number;
  readonly count: number;
}

interface SealedSegment extends SegmentRange {
  /** Epoch ms. */
  sealedAt: number;
  compressed: boolean;
}

interface Opened {
  readonly file: OpenSegment;
  readonly index: number;
}

export class SealedSegments {
  readonly #dir: string;
  /** Ascending and without gap. */
  readonly #segments: SealedSegment[] = [];
  /** Least recently opened first. */
  readonly #open = new Map<number, Opened>();
  /** Compression and rewriting: one at a time. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** In order of position. */
  get ranges(): readonly SegmentRange[] {
    return this.#segments.map(({ first, count }) => ({ first, count }));
  }

  get count(): number {
    return this.#segments.length;
  }

  /** First position that is held; undefined when there are none. */
  get first(): number | undefined {
    return this.#segments[0]?.first;
  }

  /**
   * Takes up a segment found at start-up, rebuilding its side index when it is missing or does not fit.
   * @throws AirtightError JOURNAL_CORRUPT when the segment does not hold the records it must
   */
  load(first: number, nextFirst: number, tagOf?: (body: Uint8Array) => number): void {
    const count = nextFirst - first;
    recoverRewrite(this.#dir, first);
    const plain = segmentPath(this.#dir, first);
    const compressed = !existsSync(plain);
    // A crash came between the compressed file and the removal of the other: it is made again.
    if (!compressed) rmSync(archivePath(this.#dir, first), { force: true });
    const { mtimeMs } = statSync(compressed ? archivePath(this.#dir, first) : plain);
    this.#segments.push({ first, count, sealedAt: mtimeMs, compressed });
    if (fileSize(indexPath(this.#dir, first)) === count * INDEX_ENTRY_BYTES) return;
    this.#rebuildIndex(first, count, tagOf);
  }

  /** Writes the side index of a segment that is complete, before it is added. */
  writeIndex(first: number, offsets: readonly number[], tags: readonly number[]): void {
    writeIndex(this.#dir, first, offsets, tags);
  }

  /** Takes up a segment that has just been completed. */
  add(first: number, count: number, sealedAt: number): void {
    this.#segments.push({ first, count, sealedAt, compressed: false });
  }

  /** Deletes the oldest segment. */
  dropOldest(): void {
    const { first } = this.#segments.shift() as SealedSegment;
    this.#forget(first);
    rmSync(indexPath(this.#dir, first), { force: true });
    rmSync(segmentPath(this.#dir, first), { force: true });
    rmSync(archivePath(this.#dir, first), { force: true });
  }

  /** As `Journal.compressNext`. */
  compressNext(sealedBefore: number, signal: AbortSignal): Promise<CompressedSizes | undefined> {
    return this.#alone(() => this.#compressNext(sealedBefore, signal));
  }

  async #compressNext(sealedBefore: number, signal: AbortSignal): Promise<CompressedSizes | undefined> {
    const segment = this.#segments.find(({ compressed, sealedAt }) => !compressed && sealedAt < sealedBefore);
    if (segment === undefined) return undefined;
    const sizes = await compressSegment(this.#dir, segment.first, signal);
    segment.compressed = true;
    this.#forget(segment.first);
    rmSync(segmentPath(this.#dir, segment.first));
    return sizes;
  }

  /** As `Journal.walkSealed`. */
  async *walk(first: number, signal: AbortSignal): AsyncGenerator<readonly WalkedFrame[]> {
    const segment = this.#at(first);
    if (segment === undefined) return;
    // Of its own: it may be replaced meanwhile.
    const file = this.#openFile(segment);
    try {
      yield* walkSegment(file, segment.first, signal);
    } finally {
      file.close();
    }
  }

  /** As `Journal.rewriteSealed`. */
  rewrite(first: number, replace: ReplaceBody, signal: AbortSignal): Promise<RewrittenSizes> {
    return this.#alone(() => this.#rewrite(this.#at(first) as SealedSegment, replace, signal));
  }

  async #rewrite(segment: SealedSegment, replace: ReplaceBody, signal: AbortSignal): Promise<RewrittenSizes> {
    const { first } = segment;
    const file = this.#openFile(segment);
    try {
      const index = readFileSync(indexPath(this.#dir, first));
      const sizes = await draftRewrite({ dir: this.#dir, first, file, index }, replace, signal);
      for (const step of commitSteps(this.#dir, first)) step();
      this.#forget(first);
      segment.compressed = false;
      segment.sealedAt = Date.now();
      return sizes;
    } finally {
      file.close();
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Positions and tags from a position on, oldest first. */
  *tags(from: number): Generator<readonly [position: number, tag: number]> {
    for (const { first, count } of this.#segments) {
      if (first + count <= from) continue;
      const index = readFileSync(indexPath(this.#dir, first));
      for (let i = Math.max(0, from - first); i < count; i++) yield [first + i, index.readUInt32LE(i * INDEX_ENTRY_BYTES + 4)];
    }
  }

  /** Where a record lies: file, offset of its frame; undefined when no sealed segment holds it. */
  locate(position: number): { readonly file: SegmentReader; readonly offset: number } | undefined {
    const segment = this.#at(position);
    if (segment === undefined) return undefined;
    const { file, index } = this.#opened(segment);
    const entry = Buffer.allocUnsafe(INDEX_ENTRY_BYTES);
    readSync(index, entry, 0, INDEX_ENTRY_BYTES, (position - segment.first) * INDEX_ENTRY_BYTES);
    return { file, offset: entry.readUInt32LE(0) };
  }

  close(): void {
    for (const first of [...this.#open.keys()]) this.#forget(first);
  }

  #at(position: number): SealedSegment | undefined {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const segment = this.#segments[middle] as SealedSegment;
      if (position < segment.first) high = middle - 1;
      else if (position >= segment.first + segment.count) low = middle + 1;
      else return segment;
    }
    return undefined;
  }

  #opened(segment: SealedSegment): Opened {
    const known = this.#open.get(segment.first);
    if (known !== undefined) return known;
    if (this.#open.size >= OPEN_MAX) this.#forget(this.#open.keys().next().value as number);
    const opened = { file: this.#openFile(segment), index: openSync(indexPath(this.#dir, segment.first), 'r') };
    this.#open.set(segment.first, opened);
    return opened;
  }

  #openFile({ first, compressed }: SealedSegment): OpenSegment {
    return compressed ? new CompressedSegment(archivePath(this.#dir, first)) : openPlainSegment(segmentPath(this.#dir, first));
  }

  #forget(first: number): void {
    const opened = this.#open.get(first);
    if (opened === undefined) return;
    this.#open.delete(first);
    opened.file.close();
    closeSync(opened.index);
  }

  #rebuildIndex(first: number, count: number, tagOf?: (body: Uint8Array) => number): void {
    const file = this.#openFile(this.#at(first) as SealedSegment);
    const bytes = Buffer.allocUnsafe(file.sizeBytes);
    file.read(bytes, 0);
    file.close();
    const tags: number[] = [];
    const scan = scanSegment(bytes, (body) => tags.push(tagOf?.(body) ?? 0));
    if (scan.fault !== undefined || scan.offsets.length !== count) {
      throw new AirtightError(
        'JOURNAL_CORRUPT',
        `${file.path} at byte ${scan.end}: ${scan.fault ?? 'records'} (${scan.offsets.length} of ${count} records)`,
      );
    }
    writeIndex(this.#dir, first, scan.offsets, tags);
  }
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

function writeIndex(dir: string, first: number, offsets: readonly number[], tags: readonly number[]): void {
  const bytes = Buffer.allocUnsafe(offsets.length * INDEX_ENTRY_BYTES);
  for (const [i, offset] of offsets.entries()) {
    bytes.writeUInt32LE(offset, i * INDEX_ENTRY_BYTES);
    bytes.writeUInt32LE(tags[i] ?? 0, i * INDEX_ENTRY_BYTES + 4);
  }
  const fd = openSync(indexPath(dir, first), 'w', 0o640);
  writeSync(fd, bytes);
  // A power cut must not leave an index of the right length and the wrong content: it would pass for whole.
  fsyncSync(fd);
  closeSync(fd);
}
