/** A payload as a person can read it. */

/** Bytes that are no UTF-8 text are shown as hex up to this length. */
const HEX_MAX_BYTES = 4096;

/** JSON is indented, other text stands as it is, anything else as hex. */
export function payloadText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const shown = [...bytes.subarray(0, HEX_MAX_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return bytes.length > HEX_MAX_BYTES ? `${shown} …` : shown;
  }
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @returns undefined when the text is not base64 */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
