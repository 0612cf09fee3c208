/**
 * How far a mirror is, in `mirror.json`: written after everything that it names is durable, so an interrupted run goes on
 * from there, and what lies behind it in the files is cut off.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openSealedText, sealText } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import type { DataDirectory } from '../data-directory.ts';

export const MIRROR_FORMAT = 'airtight-mirror@1';
export const MIRROR_FILE = 'mirror.json';

/** A journal file that is written on. */
export interface OpenSegment {
  readonly first: number;
  readonly sizeBytes: number;
}

export interface MirrorInfo {
  readonly format: typeof MIRROR_FORMAT;
  readonly source: string;
  /** Of the batches that are mirrored; null before the first. */
  readonly stream: string | null;
  /** Datasets, by the beginning of their names, of whose records only leaf hash and header were handed out. */
  readonly withheld: readonly string[];
  /** Entry of the ledger that is looked at next for batches. */
  readonly nextEntry: number;
  readonly batches: number;
  /** Lower-case hex SHA-256 of the last batch record; null before the first. */
  readonly lastBatch: string | null;
  readonly records: number;
  readonly files: { readonly records: OpenSegment; readonly batches: OpenSegment; readonly anchors: OpenSegment };
}

const EMPTY: OpenSegment = { first: 0, sizeBytes: 0 };

export function newMirror(source: string): MirrorInfo {
  const files = { records: EMPTY, batches: EMPTY, anchors: EMPTY };
  return { format: MIRROR_FORMAT, source, stream: null, withheld: [], nextEntry: 0, batches: 0, lastBatch: null, records: 0, files };
}

/**
 * Undefined when the directory is no mirror.
 * @throws EnvironmentError when the file was changed: what is there cannot be gone on with
 */
export function readMirrorInfo(data: DataDirectory): MirrorInfo | undefined {
  const path = join(data.root, MIRROR_FILE);
  if (!existsSync(path)) return undefined;
  const line = openSealedText(readFileSync(path, 'utf8'));
  const info = line === undefined ? undefined : (JSON.parse(line) as MirrorInfo);
  if (info?.format === MIRROR_FORMAT) return info;
  throw new EnvironmentError({ zh: `${path} 已被改动，不能继续。`, en: `${path} was changed and cannot be gone on with.` });
}

export function writeMirrorInfo(data: DataDirectory, info: MirrorInfo): void {
  writeDurably(join(data.root, MIRROR_FILE), sealText(JSON.stringify(info)));
}

/** Whole or not at all, and there after a power cut. */
export function writeDurably(path: string, text: string): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o640);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
