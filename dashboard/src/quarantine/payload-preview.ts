/** A payload in one line of a table. */

/** Characters shown; the row opens to show the rest. */
const PREVIEW_LENGTH = 72;

/** Text on one line, or hex when the bytes are no text. */
export function payloadPreview(bytes: Uint8Array): string {
  let text: string;
  try {
    // The last character may be cut in the middle: `stream` leaves it out.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true }).replace(/\s+/g, ' ');
  } catch {
    text = [...bytes.subarray(0, PREVIEW_LENGTH)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
  return text.length > PREVIEW_LENGTH ? `${text.slice(0, PREVIEW_LENGTH)}…` : text;
}
