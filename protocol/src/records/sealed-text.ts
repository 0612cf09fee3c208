/**
 * Files of ours that hold what is derived from the journal: one line of JSON and, under it, its SHA-256 in hex. A file with
 * a changed bit is not taken for what it was: whoever reads it makes it anew, and an audit names it.
 */
import { sha256Hex } from './digest.ts';

const NEWLINE = '\n';
/** 64 hex digits and the line end. */
const SEAL_LENGTH = 65;
const encoder = new TextEncoder();

type HashText = (text: string) => string;

/**
 * @param line JSON without line ends
 * @param hash lower-case hex SHA-256 of the UTF-8 text, e.g. node:crypto's
 */
export function sealText(line: string, hash: HashText = hashOf): string {
  return `${line}${NEWLINE}${hash(line)}${NEWLINE}`;
}

/** @returns the line; undefined when the text is not as it was sealed */
export function openSealedText(text: string, hash: HashText = hashOf): string | undefined {
  const end = text.length - SEAL_LENGTH;
  if (end < 1 || text[end - 1] !== NEWLINE) return undefined;
  const line = text.slice(0, end - 1);
  return sealText(line, hash) === text ? line : undefined;
}

function hashOf(text: string): string {
  return sha256Hex(encoder.encode(text));
}
