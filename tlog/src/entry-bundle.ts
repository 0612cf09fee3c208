/** Entry bundles of c2sp.org/tlog-tiles: entries with a big-endian uint16 length before each. */
import { TILE_WIDTH } from './tile.ts';
import { fail, pass, type Verdict } from './verdict.ts';

/** The length prefix is a uint16. */
export const ENTRY_MAX_BYTES = 65_535;
export const LENGTH_PREFIX_BYTES = 2;

/**
 * Splits length-prefixed entries, however many. They are views on `bytes`, not copies; an empty entry is legal.
 * @returns ENTRY_BUNDLE_MALFORMED with the offset of the entry that the bytes end in
 */
export function splitEntries(bytes: Uint8Array): Verdict<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = 256 * (bytes[at] ?? 0) + (bytes[at + 1] ?? 0);
    const end = at + LENGTH_PREFIX_BYTES + length;
    if (at + LENGTH_PREFIX_BYTES > bytes.length || end > bytes.length) {
      return fail('ENTRY_BUNDLE_MALFORMED', `entry ${entries.length} at offset ${at} reaches beyond the end at ${bytes.length}`);
    }
    entries.push(bytes.subarray(at + LENGTH_PREFIX_BYTES, end));
    at = end;
  }
  return pass(entries);
}

/**
 * Splits a bundle of a log.
 * @param width how many entries there must be; none: 1 to 256
 * @returns ENTRY_BUNDLE_MALFORMED as splitEntries, or for another number of entries
 */
export function parseEntryBundle(bytes: Uint8Array, width?: number): Verdict<Uint8Array[]> {
  const entries = splitEntries(bytes);
  if (!entries.ok) return entries;
  const count = entries.value.length;
  if (width === undefined ? count >= 1 && count <= TILE_WIDTH : count === width) return entries;
  return fail('ENTRY_BUNDLE_MALFORMED', `${count} entries, ${width ?? `1 to ${TILE_WIDTH}`} expected`);
}

/** Joins entries of at most 65,535 bytes each. */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_MAX_BYTES) throw new RangeError(`an entry of ${entry.length} bytes; at most ${ENTRY_MAX_BYTES} fit`);
    length += LENGTH_PREFIX_BYTES + entry.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) {
    bytes[at] = Math.floor(entry.length / 256);
    bytes[at + 1] = entry.length % 256;
    bytes.set(entry, at + LENGTH_PREFIX_BYTES);
    at += LENGTH_PREFIX_BYTES + entry.length;
  }
  return bytes;
}
