/** The sealed segments of a journal: never written again, read by position through their side indices. */
import { closeSync, fsyncSync, openSync, readFileSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { AirtightError } from '@airtight/protocol';
import { INDEX_ENTRY_BYTES, indexPath, scanSegment, segmentPath } from './segment.ts';

/** Segments kept open for reading. */
const OPEN_MAX = 16;

export interface SealedSegment {
  readonly first: number;
  readonly count: number;
  readonly sizeBytes: number;
}

interface Descriptors {
  readonly segment: number;
  readonly index: number;
}

export class SealedSegments {
  readonly #dir: string;
  /** Ascending and without gap. */
  readonly #segments: SealedSegment[] = [];
  /** Least recently opened first. */
  readonly #open = new Map<number, Descriptors>();

  constructor(dir: string) {
    this.#dir = dir;
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
    const path = segmentPath(this.#dir, first);
    this.#segments.push({ first, count, sizeBytes: fileSize(path) });
    if (fileSize(indexPath(this.#dir, first)) === count * INDEX_ENTRY_BYTES) return;
    const tags: number[] = [];
    const scan = scanSegment(readFileSync(path), (body) => tags.push(tagOf?.(body) ?? 0));
    if (scan.fault !== undefined || scan.offsets.length !== count) {
      throw new AirtightError(
        'JOURNAL_CORRUPT',
        `${path} at byte ${scan.end}: ${scan.fault ?? 'records'} (${scan.offsets.length} of ${count} records)`,
      );
    }
    writeIndex(this.#dir, first, scan.offsets, tags);
  }

  /** Takes up a segment that has just been completed. */
  add(first: number, sizeBytes: number, offsets: readonly number[], tags: readonly number[]): void {
    writeIndex(this.#dir, first, offsets, tags);
    this.#segments.push({ first, count: offsets.length, sizeBytes });
  }

  /** Deletes the oldest segment. */
  dropOldest(): void {
    const { first } = this.#segments.shift() as SealedSegment;
    const descriptors = this.#open.get(first);
    if (descriptors !== undefined) close(descriptors);
    this.#open.delete(first);
    rmSync(indexPath(this.#dir, first), { force: true });
    rmSync(segmentPath(this.#dir, first));
  }

  /** Positions and tags from a position on, oldest first. */
  *tags(from: number): Generator<readonly [position: number, tag: number]> {
    for (const { first, count } of this.#segments) {
      if (first + count <= from) continue;
      const index = readFileSync(indexPath(this.#dir, first));
      for (let i = Math.max(0, from - first); i < count; i++) yield [first + i, index.readUInt32LE(i * INDEX_ENTRY_BYTES + 4)];
    }
  }

  /** Where a record lies: file, offset of its frame, end of the segment; undefined when no sealed segment holds it. */
  locate(position: number): { readonly fd: number; readonly offset: number; readonly end: number; readonly path: string } | undefined {
    const segment = this.#at(position);
    if (segment === undefined) return undefined;
    const { first, sizeBytes } = segment;
    const descriptors = this.#descriptors(first);
    const entry = Buffer.allocUnsafe(INDEX_ENTRY_BYTES);
    readSync(descriptors.index, entry, 0, INDEX_ENTRY_BYTES, (position - first) * INDEX_ENTRY_BYTES);
    return { fd: descriptors.segment, offset: entry.readUInt32LE(0), end: sizeBytes, path: segmentPath(this.#dir, first) };
  }

  close(): void {
    for (const descriptors of this.#open.values()) close(descriptors);
    this.#open.clear();
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

  #descriptors(first: number): Descriptors {
    const known = this.#open.get(first);
    if (known !== undefined) return known;
    if (this.#open.size >= OPEN_MAX) {
      const [oldest, descriptors] = this.#open.entries().next().value as [number, Descriptors];
      close(descriptors);
      this.#open.delete(oldest);
    }
    const descriptors = { segment: openSync(segmentPath(this.#dir, first), 'r'), index: openSync(indexPath(this.#dir, first), 'r') };
    this.#open.set(first, descriptors);
    return descriptors;
  }
}

function close({ segment, index }: Descriptors): void {
  closeSync(segment);
  closeSync(index);
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
