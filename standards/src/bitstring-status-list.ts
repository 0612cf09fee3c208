/** W3C Bitstring Status List 1.0: one bit for each credential, in a list that is published compressed. */

/** "bitstring … MUST be at least 131,072 entries" (section 6.1). */
export const STATUS_ENTRIES_MIN = 131_072;
/** Whole groups of base64url, the last one without its padding. */
const ENCODED_LIST = /^u(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/;

/**
 * The bitstring of an `encodedList`: multibase `u`, base64url without padding, GZIP.
 * @param gunzip given, as it differs from place to place; must bound what it gives
 * @returns null for what is no such text, or shorter than STATUS_ENTRIES_MIN
 */
export function decodeStatusList(encodedList: string, gunzip: (compressed: Uint8Array) => Uint8Array | null): Uint8Array | null {
  if (!ENCODED_LIST.test(encodedList)) return null;
  const bits = gunzip(Uint8Array.fromBase64(encodedList.slice(1), { alphabet: 'base64url' }));
  return bits === null || bits.length * 8 < STATUS_ENTRIES_MIN ? null : bits;
}

/** Where the bit of an index stands: index 0 is the most significant bit of the first byte. */
export function statusPlace(index: number): { readonly byte: number; readonly mask: number } {
  return { byte: Math.floor(index / 8), mask: 0x80 >> (index % 8) };
}

/** @returns null for an index beyond the list */
export function statusAt(bits: Uint8Array, index: number): boolean | null {
  if (!Number.isInteger(index) || index < 0) return null;
  const { byte, mask } = statusPlace(index);
  const found = bits[byte];
  return found === undefined ? null : (found & mask) !== 0;
}
