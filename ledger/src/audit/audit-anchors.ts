/**
 * Audit of what is kept of outside anchors: every checkpoint that was anchored is one of this log's history, and every
 * receipt is for it. Reads plain files only; what stands outside is not asked for.
 */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { oldRootFromTiles, openCheckpoint, parseVkey, verifyTimeStamp } from '@airtight/tlog';
import type { AnchorTarget } from '../anchoring/anchor-sink.ts';
import { ANCHORS_FOLDER, AnchorStore, INDEX_FILE, type IndexedAnchor, readIndex } from '../anchoring/anchor-store.ts';
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
  const store = new AnchorStore(files, entries);
  for (const entry of entries) {
    const checkpointFile = `${entry.size}/${CHECKPOINT_FILE}`;
    const target = await store.target(entry.size).catch((error: Error) => error.message);
    if (typeof target === 'string') {
      find(checkpointFile, target);
      continue;
    }
    if (hash('sha256', target.note) !== entry.checkpointHash) find(checkpointFile, 'not the file that the index names');
    if (target.size !== entry.size || target.root !== (await rootAt(entry.size))) find(checkpointFile, 'not of the history of this log');
    const fault = faultOfReceipt(entry, await store.receipt(entry), target, tsaRoots);
    if (fault !== null) find(`${entry.size}/${entry.sink}`, fault);
  }
  return findings;
}

function readEntries(index: string): readonly IndexedAnchor[] | string {
  try {
    return readIndex(index);
  } catch (error) {
    if (error instanceof LedgerError) return error.detail;
    throw error;
  }
}

/** Base64 root of the tree when it had this size; null when the log never had it. */
async function rootsOf(dir: string, vkey: string): Promise<(size: number) => Promise<string | null>> {
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
