/** Signed notes, c2sp.org/signed-note: a text and signature lines under it. */
import { concatBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { ed25519CosignatureMessage, mlDsa44CosignatureMessage, parseTimestampedSignature } from './cosignature.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { fail, pass, type Verdict } from './verdict.ts';
import { ED25519, ED25519_COSIGNATURE, formatKeyId, isKeyName, ML_DSA_44_COSIGNATURE, type Vkey } from './vkey.ts';

/** Larger notes are refused unread; 16 post-quantum signatures take 80 kB. */
export const NOTE_MAX_BYTES = 1_000_000;
/** As in Go's note package; the specification asks for at least 16. */
export const NOTE_MAX_SIGNATURES = 100;
const KEY_ID_BYTES = 4;
const NEWLINE = 0x0a;
const SIGNATURE_LINE = /^— (?<name>[^ ]+) (?<base64>[^ ]+)$/;

/** A signature line as it stands in the note, not verified. */
export interface NoteSignature {
  readonly name: string;
  /** uint32. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

export interface ParsedNote {
  /** With the final newline, without the separating empty line. */
  readonly text: string;
  /** The same as it was read: signatures cover these bytes. */
  readonly textBytes: Uint8Array;
  readonly signatures: readonly NoteSignature[];
}

/** A signature that was verified. */
export interface VerifiedSignature {
  readonly vkey: Vkey;
  /** POSIX seconds at which a witness cosigned; none for a plain signature. */
  readonly time?: number;
}

export interface OpenedNote extends ParsedNote {
  readonly verified: readonly VerifiedSignature[];
}

/** Splits a note without verifying anything. @returns NOTE_MALFORMED */
export function parseNote(bytes: Uint8Array): Verdict<ParsedNote> {
  if (bytes.length > NOTE_MAX_BYTES) return fail('NOTE_MALFORMED', `${bytes.length} bytes; at most ${NOTE_MAX_BYTES} are read`);
  if (bytes.some((byte) => byte < 0x20 && byte !== NEWLINE)) return fail('NOTE_MALFORMED', 'a control character');
  const textEnd = lastEmptyLine(bytes);
  if (textEnd < 0 || bytes.at(-1) !== NEWLINE) return fail('NOTE_MALFORMED', 'no text, empty line and signature lines');
  const textBytes = bytes.subarray(0, textEnd);
  let text: string;
  let lines: string[];
  try {
    // A byte order mark is part of the text: ignoreBOM keeps it.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    text = decoder.decode(textBytes);
    lines = decoder.decode(bytes.subarray(textEnd + 1, -1)).split('\n');
  } catch {
    return fail('NOTE_MALFORMED', 'not UTF-8');
  }
  if (lines.length > NOTE_MAX_SIGNATURES) return fail('NOTE_MALFORMED', `more than ${NOTE_MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === null) return fail('NOTE_MALFORMED', `not a signature line: ${line.slice(0, 120)}`);
    signatures.push(signature);
  }
  return pass({ text, textBytes, signatures });
}

/** Offset of the empty line that separates text and signatures, the last one; −1 when there is none. */
function lastEmptyLine(bytes: Uint8Array): number {
  let at = bytes.lastIndexOf(NEWLINE);
  while (at > 0 && bytes[at - 1] !== NEWLINE) at = bytes.lastIndexOf(NEWLINE, at - 1);
  // An empty line at the very end would leave no signature line.
  return at > 0 && at < bytes.length - 1 ? at : -1;
}

/** Parses `— <key name> <base64(key ID ‖ signature)>` without its newline; null when it has not this form. */
export function parseSignatureLine(line: string): NoteSignature | null {
  const { name = '', base64 = '' } = SIGNATURE_LINE.exec(line)?.groups ?? {};
  const bytes = decodeBase64(base64);
  if (!isKeyName(name) || bytes === null || bytes.length <= KEY_ID_BYTES) return null;
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) };
}

/** A signature line with its newline. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const id = new Uint8Array(KEY_ID_BYTES);
  new DataView(id.buffer).setUint32(0, keyId);
  return `— ${name} ${encodeBase64(concatBytes(id, signature))}\n`;
}

/** @param text ends with a newline */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`;
}

/**
 * Opens a note: parses it and verifies every signature of a known key. Signatures of unknown keys are ignored, also
 * when they share the name or the ID with a known one; a repeated line of one key counts once.
 *
 * @returns NOTE_MALFORMED; NOTE_SIGNATURE_INVALID when a known key's signature is not of this text (the whole note is
 *   refused); NOTE_UNSIGNED when no known key has signed
 */
export function openNote(
  bytes: Uint8Array,
  known: readonly Vkey[],
  algorithms: SignatureAlgorithms = nobleAlgorithms,
): Verdict<OpenedNote> {
  const note = parseNote(bytes);
  if (!note.ok) return note;
  const verified: VerifiedSignature[] = [];
  for (const signature of note.value.signatures) {
    const vkey = known.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (vkey === undefined || !canVerify(vkey, algorithms) || verified.some((before) => before.vkey === vkey)) continue;
    const result = verifySignature(note.value, signature, vkey, algorithms);
    if (result === null) {
      return fail('NOTE_SIGNATURE_INVALID', `the signature of ${vkey.name}+${formatKeyId(vkey.keyId)} is not of this text`);
    }
    verified.push(result);
  }
  if (verified.length > 0) return pass({ ...note.value, verified });
  const signers = note.value.signatures.map(({ name, keyId }) => `${name}+${formatKeyId(keyId)}`).join(', ');
  return fail('NOTE_UNSIGNED', `signed by ${signers}; none of these keys is known`);
}

function canVerify(vkey: Vkey, algorithms: SignatureAlgorithms): boolean {
  return vkey.type !== ML_DSA_44_COSIGNATURE || algorithms.mlDsa44 !== undefined;
}

function verifySignature(
  note: ParsedNote,
  { signature }: NoteSignature,
  vkey: Vkey,
  algorithms: SignatureAlgorithms,
): VerifiedSignature | null {
  if (vkey.type === ED25519) return algorithms.ed25519(vkey.publicKey, note.textBytes, signature) ? { vkey } : null;
  const stamped = parseTimestampedSignature(signature);
  if (stamped === null) return null;
  const verify = vkey.type === ED25519_COSIGNATURE ? algorithms.ed25519 : algorithms.mlDsa44;
  const message = cosignatureMessage(note, vkey, stamped.time);
  if (verify === undefined || message === null) return null;
  return verify(vkey.publicKey, message, stamped.signature) ? { vkey, time: stamped.time } : null;
}

function cosignatureMessage(note: ParsedNote, vkey: Vkey, time: number): Uint8Array | null {
  if (vkey.type === ED25519_COSIGNATURE) return ed25519CosignatureMessage(time, note.textBytes);
  const checkpoint = parseCheckpoint(note.text);
  return checkpoint.ok ? mlDsa44CosignatureMessage(time, vkey.name, checkpoint.value) : null;
}
