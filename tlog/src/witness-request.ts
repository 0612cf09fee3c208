/** The witness protocol, c2sp.org/tlog-witness: what a log sends to have a checkpoint cosigned. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseDecimal } from './checkpoint.ts';
import { HASH_BYTES, sha256Hex } from './sha256.ts';
import { type NoteSignature, parseSignatureLine } from './signed-note.ts';
import { fail, pass, type Verdict } from './verdict.ts';

/** Larger requests are refused unread: 63 hashes, and a checkpoint with 32 post-quantum signatures, fit. */
export const ADD_CHECKPOINT_MAX_BYTES = 128 * 1024;
/** "The client MUST NOT send more than 63 consistency proof lines." */
export const CONSISTENCY_PROOF_MAX_HASHES = 63;
/** Media type of a 409 answer: the size of the tree that the witness has cosigned last. */
export const TREE_SIZE_MEDIA_TYPE = 'text/x.tlog.size';

const NEWLINE = 0x0a;
const OLD_PREFIX = 'old ';

export interface AddCheckpoint {
  /** The size that the log believes the witness to have cosigned last. */
  readonly oldSize: number;
  /** PROOF(oldSize, D[new size]) of RFC 6962 §2.1.2. */
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, as it came. */
  readonly note: Uint8Array;
}

/**
 * Parses the body of an add-checkpoint request: an `old` line, 0 to 63 hashes, an empty line, a signed checkpoint. The
 * checkpoint itself is not looked at.
 * @returns PROOF_MALFORMED
 */
export function parseAddCheckpoint(bytes: Uint8Array): Verdict<AddCheckpoint> {
  if (bytes.length > ADD_CHECKPOINT_MAX_BYTES) return fail('PROOF_MALFORMED', `${bytes.length} bytes; at most ${ADD_CHECKPOINT_MAX_BYTES}`);
  const headEnd = bytes.findIndex((byte, at) => byte === NEWLINE && bytes[at + 1] === NEWLINE);
  if (headEnd < 0) return fail('PROOF_MALFORMED', 'no empty line after the old size and the proof');
  const [oldLine = '', ...hashLines] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, headEnd)).split('\n');
  const oldSize = oldLine.startsWith(OLD_PREFIX) ? parseDecimal(oldLine.slice(OLD_PREFIX.length)) : null;
  if (oldSize === null) return fail('PROOF_MALFORMED', `not an old size: ${oldLine.slice(0, 40)}`);
  if (hashLines.length > CONSISTENCY_PROOF_MAX_HASHES) return fail('PROOF_MALFORMED', `${hashLines.length} hashes; at most 63`);
  const path: Uint8Array[] = [];
  for (const line of hashLines) {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) return fail('PROOF_MALFORMED', `not a hash: ${line.slice(0, 64)}`);
    path.push(hash);
  }
  return pass({ oldSize, path, note: bytes.subarray(headEnd + 2) });
}

/** The body of an add-checkpoint request. */
export function formatAddCheckpoint({ oldSize, path, note }: Omit<AddCheckpoint, 'note'> & { readonly note: string }): string {
  return `${OLD_PREFIX}${oldSize}\n${path.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`;
}

/** Parses the body of a 200 answer: one or more signature lines and nothing else. @returns NOTE_MALFORMED */
export function parseCosignatureLines(text: string): Verdict<NoteSignature[]> {
  const signatures = text.endsWith('\n') ? text.slice(0, -1).split('\n').map(parseSignatureLine) : [];
  const lines = signatures.filter((signature) => signature !== null);
  if (lines.length === 0 || lines.length < signatures.length) return fail('NOTE_MALFORMED', `not signature lines: ${text.slice(0, 120)}`);
  return pass(lines);
}

/** Where under its monitoring prefix a witness serves the latest checkpoint that it cosigned for a log. */
export function monitoringPath(origin: string): string {
  return `${originHash(origin)}/checkpoint`;
}

/** Lower-case hex SHA-256 of an origin: what a log is called in paths. */
export function originHash(origin: string): string {
  return sha256Hex(new TextEncoder().encode(origin));
}
