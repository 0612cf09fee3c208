/**
 * Audit of what is kept of outside anchors: every checkpoint that was anchored is one of this log's history, and every
 * receipt is for it. Reads plain files only; what stands outside is not asked for.
 */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oldRootFromTiles, openCheckpoint, parseVkey, verifyTimeStamp } from '@airtight/tlog';
import { type AnchorTarget, anchorTarget } from '../anchoring/anchor-sink.ts';
import { ANCHORS_FOLDER, INDEX_FILE, type IndexedAnchor, readIndex } from '../anchoring/anchor-store.ts';
import { nodeCertifiedSignature } from '../anchoring/certified-signature.ts';
import { readPlace } from '../anchoring/place-receipt.ts';
import { LedgerError } from '../ledger-error.ts';
import { CHECKPOINT_FILE } from '../log/checkpoint-file.ts';
import { ownTiles } from '../log/own-tiles.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { DurableFiles } from '../storage/durable-files.ts';
import { nodeFileSystem } from '../storage/file-system.ts';

export interface AnchorFinding {
  readonly code: 'ANCHOR_STATE_INVALID';
  /** Relative to the log's directory. */
  readonly file: string;
  readonly detail: string;
}

export interface AnchorsOrder {
  /** Directory of the log, whose tiles and checkpoint were audited before. */
  readonly dir: string;
  /** Verifier key of the log. */
  readonly vkey: string;
  /** DER of the roots that are trusted; none: the path to a root is not looked at. */
  readonly tsaRoots: readonly Uint8Array[];
}

/** @returns one finding for each wrong file; none when nothing was ever anchored */
export async function auditAnchors({ dir, vkey, tsaRoots }: AnchorsOrder): Promise<readonly AnchorFinding[]> {
  const files = new DurableFiles(nodeFileSystem, join(dir, ANCHORS_FOLDER));
  const index = await files.read(INDEX_FILE);
  if (index === null) return [];
  const findings: AnchorFinding[] = [];
  const find = (file: string, detail: string) => findings.push({ code: 'ANCHOR_STATE_INVALID', file: `${ANCHORS_FOLDER}/${file}`, detail });
  const rootAt = await rootsOf(dir, vkey);
  const entries = readEntries(Buffer.from(index).toString());
  if (typeof entries === 'string') return [{ code: 'ANCHOR_STATE_INVALID', file: `${ANCHORS_FOLDER}/${INDEX_FILE}`, detail: entries }];
  for (const entry of entries) {
    const paths = anchorPaths(entry);
    const [note, receipt] = await Promise.all([files.read(paths.checkpoint), files.read(paths.receipt)]);
    for (const { file, detail } of await anchorFaults({ entry, note, receipt, rootAt, tsaRoots })) find(file, detail);
  }
  return findings;
}

/** Where the files of an anchor are, below the folder of anchors. */
export function anchorPaths({ size, sink }: IndexedAnchor): { readonly checkpoint: string; readonly receipt: string } {
  return { checkpoint: `${size}/${CHECKPOINT_FILE}`, receipt: `${size}/${sink}` };
}

export interface AnchorFiles {
  readonly entry: IndexedAnchor;
  /** As they stand; null: not there. */
  readonly note: Uint8Array | null;
  readonly receipt: Uint8Array | null;
  /** Base64 root of the log when it had a size; null when it never had. */
  readonly rootAt: (size: number) => Promise<string | null>;
  /** DER; none: the path to a root is not looked at. */
  readonly tsaRoots: readonly Uint8Array[];
}

/** What is wrong with an anchor: its checkpoint, by the index and by the log, and its receipt. */
export async function anchorFaults({ entry, note, receipt, rootAt, tsaRoots }: AnchorFiles): Promise<{ file: string; detail: string }[]> {
  const paths = anchorPaths(entry);
  const faults: { file: string; detail: string }[] = [];
  const target = targetIn(note);
  if (typeof target === 'string') return [{ file: paths.checkpoint, detail: target }];
  if (hash('sha256', target.note) !== entry.checkpointHash)
    faults.push({ file: paths.checkpoint, detail: 'not the file that the index names' });
  if (target.size !== entry.size || target.root !== (await rootAt(entry.size)))
    faults.push({ file: paths.checkpoint, detail: 'not of the history of this log' });
  const fault = faultOfReceipt(entry, receipt, target, tsaRoots);
  if (fault !== null) faults.push({ file: paths.receipt, detail: fault });
  return faults;
}

function targetIn(note: Uint8Array | null): AnchorTarget | string {
  if (note === null) return 'it is not there';
  try {
    return anchorTarget(Buffer.from(note).toString());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readEntries(index: string): readonly IndexedAnchor[] | string {
  try {
    return readIndex(index);
  } catch (error) {
    if (error instanceof LedgerError) return error.detail;
    throw error;
  }
}

/** Base64 root of the tree when it had a size; null when the log never had it. @param dir of the log */
export async function rootsOf(dir: string, vkey: string): Promise<(size: number) => Promise<string | null>> {
  const key = parseVkey(vkey);
  const note = await readFile(join(dir, CHECKPOINT_FILE));
  const opened = key.ok ? openCheckpoint(note, [key.value], nodeAlgorithms) : key;
  return async (size) => {
    if (!opened.ok || size > opened.value.size) return null;
    const root =
      size === opened.value.size ? opened.value.root : await oldRootFromTiles(ownTiles(dir), size, opened.value.size, nodeSha256);
    return Buffer.from(root).toString('base64');
  };
}

function faultOfReceipt(
  { kind, receiptHash }: IndexedAnchor,
  receipt: Uint8Array | null,
  target: AnchorTarget,
  roots: readonly Uint8Array[],
): string | null {
  if (receipt === null) return 'it is not there';
  if (hash('sha256', receipt) !== receiptHash) return 'not the file that the index names';
  if (kind === 'rfc3161') {
    const stamp = verifyTimeStamp(receipt, { imprint: target.imprint, roots, verifySignature: nodeCertifiedSignature });
    return stamp.ok ? null : `${stamp.code}: ${stamp.detail}`;
  }
  try {
    readPlace(receipt, target);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
