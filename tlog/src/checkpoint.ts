/** Checkpoint bodies, c2sp.org/tlog-checkpoint: the text of the signed note by which a log commits to its tree. */

import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { HASH_BYTES } from './sha256.ts';
import { fail, pass, type Verdict } from './verdict.ts';

export interface Checkpoint {
  /** Unique name of the log; equals the name of its key. */
  readonly origin: string;
  /** Number of entries. The format allows up to 2^63 − 1; beyond 2^53 − 1 it is refused here. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines. Nobody can audit them: our own log writes none. */
  readonly extensions?: readonly string[];
}

const DECIMAL = /^(0|[1-9][0-9]{0,15})$/;

/** Parses a decimal without sign and leading zeros, up to 2^53 − 1; null otherwise. */
export function parseDecimal(text: string): number | null {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
}

/**
 * Parses a note text. Signatures are checked elsewhere.
 * @returns CHECKPOINT_INVALID naming the line that is wrong
 */
export function parseCheckpoint(text: string): Verdict<Checkpoint> {
  if (!text.endsWith('\n')) return fail('CHECKPOINT_INVALID', 'no newline at the end');
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = text.slice(0, -1).split('\n');
  const size = parseDecimal(sizeLine);
  const root = decodeBase64(rootLine);
  if (origin === '') return fail('CHECKPOINT_INVALID', 'line 1, the origin, is empty');
  if (size === null) return fail('CHECKPOINT_INVALID', `line 2 is no tree size: ${sizeLine.slice(0, 40)}`);
  if (root?.length !== HASH_BYTES) return fail('CHECKPOINT_INVALID', `line 3 is no root hash: ${rootLine.slice(0, 64)}`);
  if (extensions.some((line) => line === '')) return fail('CHECKPOINT_INVALID', 'an extension line is empty');
  if (size === 0 && !equalBytes(root, EMPTY_ROOT)) {
    return fail('CHECKPOINT_INVALID', `size 0 has root ${bytesToHex(EMPTY_ROOT)}, not ${bytesToHex(root)}`);
  }
  return pass(extensions.length === 0 ? { origin, size, root } : { origin, size, root, extensions });
}

/** The note text of a checkpoint. */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  return `${[origin, size, encodeBase64(root), ...extensions].join('\n')}\n`;
}
