/**
 * Audit of the outside anchors of a log: every receipt that the index names is there, is for its checkpoint, and that
 * checkpoint is signed by the log and of the history that lies in its tiles. Reads plain files only.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  consistencyFromTiles,
  openCheckpoint,
  openNote,
  parseVkey,
  pass,
  type Verdict,
  type Vkey,
  verifyAnchors,
} from '@airtight/tlog';
import { ANCHORS_FOLDER, type AnchorEntry, INDEX_FILE, readIndex } from '../anchoring/anchor-store.ts';
import { nodeCertifiedSignature } from '../anchoring/certified-signature.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';

export interface AnchorFinding {
  readonly code: 'ANCHOR_STATE_INVALID' | 'ANCHOR_RECEIPT_INVALID';
  /** Relative to the log's directory. */
  readonly file: string;
  readonly detail: string;
}

export interface AnchorsReport {
  readonly receipts: number;
  readonly finding?: AnchorFinding;
}

/**
 * @param checkpoint of the log, whose tiles were audited before
 * @param witnesses keys whose cosignatures are checked too
 * @returns the first finding; none where nothing is anchored
 */
export async function auditAnchors(
  dir: string,
  vkey: string,
  checkpoint: Checkpoint,
  witnesses: readonly Vkey[] = [],
): Promise<AnchorsReport> {
  const indexFile = `${ANCHORS_FOLDER}/${INDEX_FILE}`;
  const text = await readFile(join(dir, indexFile), 'utf8').catch(() => undefined);
  if (text === undefined) return { receipts: 0 };
  let receipts = 0;
  let file = indexFile;
  try {
    const entries = readIndex(text);
    const twice = entries.findIndex(({ size, sink }, at) => entries.findIndex((one) => one.size === size && one.sink === sink) !== at);
    if (twice >= 0) return { receipts, finding: { code: 'ANCHOR_STATE_INVALID', file, detail: `line ${twice + 1} stands there twice` } };
    for (const entry of entries) {
      file = `${ANCHORS_FOLDER}/${entry.size}/${entry.sink}`;
      const finding = await receiptFault(dir, parseVkey(vkey), checkpoint, entry, witnesses);
      if (finding !== undefined) return { receipts, finding };
      receipts++;
    }
    return { receipts };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { receipts, finding: { code: 'ANCHOR_STATE_INVALID', file: indexFile, detail: `${file}: ${detail}` } };
  }
}

async function receiptFault(
  dir: string,
  key: Verdict<Vkey>,
  own: Checkpoint,
  entry: AnchorEntry,
  witnesses: readonly Vkey[],
): Promise<AnchorFinding | undefined> {
  const { size, sink, kind } = entry;
  const folder = `${ANCHORS_FOLDER}/${size}`;
  const note = await readFile(join(dir, folder, 'checkpoint'));
  const keys = key.ok ? [key.value] : [];
  const opened = openCheckpoint(note, keys, nodeAlgorithms);
  const cosigned = openNote(note, [...keys, ...witnesses], nodeAlgorithms);
  const wrong = (file: string, code: AnchorFinding['code'], detail: string): AnchorFinding => ({ code, file: `${folder}/${file}`, detail });
  if (!opened.ok) return wrong('checkpoint', 'ANCHOR_STATE_INVALID', `${opened.code}: ${opened.detail}`);
  if (!cosigned.ok) return wrong('checkpoint', 'ANCHOR_STATE_INVALID', `${cosigned.code}: ${cosigned.detail}`);
  if (opened.value.size !== size) return wrong('checkpoint', 'ANCHOR_STATE_INVALID', `a checkpoint of size ${opened.value.size}`);
  const source = { read: (path: string) => readFile(join(dir, path)) };
  const path = size < own.size ? await consistencyFromTiles(source, size, own.size, nodeSha256) : [];
  const receipt = await readFile(join(dir, folder, sink));
  const body = note.toString().slice(0, note.toString().lastIndexOf('\n\n') + 1);
  const [verdict] = verifyAnchors([{ sink, kind, checkpoint: body, path, receipt }], pass(own), 0, {
    verifySignature: nodeCertifiedSignature,
  });
  return verdict?.state === 'failed' ? wrong(sink, 'ANCHOR_RECEIPT_INVALID', `${verdict.code}: ${verdict.detail}`) : undefined;
}
