/**
 * Puts a sealed segment in the place of itself with other bodies for some of its records (retention). Beside it `.seg.new`
 * and `.idx.new` are written, synced, read back and held against what they must be; then they take their names, one after
 * the other. The rename of `.seg.new` is the moment that counts: before it `recoverRewrite` throws both away, after it
 * completes the exchange, so at every moment one whole segment with its own index is there.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { FRAME_HEADER_BYTES, isSaltedBody } from '@airtight/protocol';
import { archivePath, INDEX_ENTRY_BYTES, indexPath, segmentPath } from './segment.ts';
import { openPlainSegment, type SegmentReader } from './segment-reader.ts';
import { type WalkedFrame, walkSegment } from './segment-walk.ts';

/** The body that takes a record's place; undefined: it stays as it is. Asked twice, must answer the same. */
export type ReplaceBody = (position: number, body: Uint8Array) => Uint8Array | undefined;

/** Of the tag in an entry of the side index. */
const TAG_OFFSET = 4;

export interface SealedSource {
  readonly dir: string;
  readonly first: number;
  readonly file: SegmentReader;
  /** Content of its side index: the tags are taken over, but for those of confidential records that are replaced. */
  readonly index: Buffer;
}

export interface RewrittenSizes {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/**
 * Writes and checks the new files beside the old ones.
 * @throws when the disk is full or fails, the signal aborts, or what was written is not what it must be: nothing is left then
 */
export async function draftRewrite(source: SealedSource, replace: ReplaceBody, signal: AbortSignal): Promise<RewrittenSizes> {
  try {
    const index = await writeSegment(source, replace, signal);
    await verifySegment(source, replace, signal);
    await writeWhole(`${indexPath(source.dir, source.first)}.new`, index);
    return { beforeBytes: source.file.sizeBytes, afterBytes: sizeOf(`${segmentPath(source.dir, source.first)}.new`) };
  } catch (error) {
    discardDraft(source.dir, source.first);
    throw error;
  }
}

/** What puts the new files in the place of the old ones, in order. They are run in one turn: no reader may come between. */
export function commitSteps(dir: string, first: number): readonly (() => void)[] {
  const sync = (): void => syncDirectory(dir);
  return [
    sync,
    () => renameSync(`${segmentPath(dir, first)}.new`, segmentPath(dir, first)),
    sync,
    () => renameSync(`${indexPath(dir, first)}.new`, indexPath(dir, first)),
    sync,
    () => rmSync(archivePath(dir, first), { force: true }),
  ];
}

/** At start-up: ends what a crash left of an exchange. */
export function recoverRewrite(dir: string, first: number): void {
  const isCommitted = !existsSync(`${segmentPath(dir, first)}.new`);
  const draftIndex = `${indexPath(dir, first)}.new`;
  if (isCommitted && existsSync(draftIndex)) renameSync(draftIndex, indexPath(dir, first));
  discardDraft(dir, first);
}

function discardDraft(dir: string, first: number): void {
  // The index first: alone it would pass for that of an exchange whose segment is in place.
  rmSync(`${indexPath(dir, first)}.new`, { force: true });
  rmSync(`${segmentPath(dir, first)}.new`, { force: true });
}

/** @returns the side index of what was written */
async function writeSegment({ dir, first, file, index }: SealedSource, replace: ReplaceBody, signal: AbortSignal): Promise<Buffer> {
  const rewritten = Buffer.from(index);
  const target = await open(`${segmentPath(dir, first)}.new`, 'w', 0o640);
  try {
    let offset = 0;
    for await (const frames of walkSegment(file, first, signal)) {
      const bytes = frames.map((frame) => replaced(frame, replace));
      for (const [i, { position, body, bytes: before }] of frames.entries()) {
        const at = (position - first) * INDEX_ENTRY_BYTES;
        rewritten.writeUInt32LE(offset, at);
        // The tag is a checksum of the content, and whoever guesses it could tell: of a confidential record it goes too.
        if (isSaltedBody(body) && bytes[i] !== before) rewritten.writeUInt32LE(0, at + TAG_OFFSET);
        offset += (bytes[i] as Uint8Array).length;
      }
      await target.appendFile(Buffer.concat(bytes));
    }
    await target.sync();
  } finally {
    await target.close();
  }
  return rewritten;
}

async function verifySegment({ dir, first, file }: SealedSource, replace: ReplaceBody, signal: AbortSignal): Promise<void> {
  const draft = openPlainSegment(`${segmentPath(dir, first)}.new`);
  try {
    let offset = 0;
    for await (const frames of walkSegment(file, first, signal)) {
      const wanted = Buffer.concat(frames.map((frame) => replaced(frame, replace)));
      const found = Buffer.alloc(wanted.length);
      draft.read(found, offset);
      if (!found.equals(wanted)) throw new Error(`${draft.path} at byte ${offset} was not written as it was meant`);
      offset += wanted.length;
    }
    if (offset !== draft.sizeBytes) throw new Error(`${draft.path} is longer than it was meant to be`);
  } finally {
    draft.close();
  }
}

function replaced({ position, body, bytes }: WalkedFrame, replace: ReplaceBody): Uint8Array {
  const other = replace(position, body);
  if (other === undefined) return bytes;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + other.length);
  frame.writeUInt32LE(other.length, 0);
  frame.writeUInt32LE(crc32(other), 4);
  frame.set(other, FRAME_HEADER_BYTES);
  return frame;
}

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o640);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

function sizeOf(path: string): number {
  const file = openPlainSegment(path);
  file.close();
  return file.sizeBytes;
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
