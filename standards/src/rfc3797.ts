/**
 * RFC 3797, Publicly Verifiable Nominations Committee (NomCom) Random Selection: who is drawn follows from published sources of
 * randomness by arithmetic that anyone can repeat (sections 3 to 6).
 */
import { md5 } from '@noble/hashes/legacy.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** Section 4.1: the counter before and behind the key has 16 bits. */
const DRAWS_MAX = 65_536;

/**
 * The key string of section 4.1: each source is a number or a list of numbers, which are sorted; `.` behind each number, `/` behind each source.
 * @param sources decimal numbers as text; ["9319", ["2", "5", "12"]] → "9319./2.5.12./"
 * @throws RangeError for what is no whole number
 */
export function rfc3797Key(sources: readonly (string | readonly string[])[]): string {
  return sources
    .map((source) => {
      const numbers = typeof source === 'string' ? [source] : source;
      const bad = numbers.find((number) => !/^\d+$/.test(number));
      if (bad !== undefined) throw new RangeError(`not a whole number: ${bad.slice(0, 40)}`);
      const sorted = numbers.map(BigInt).sort((a, b) => (a < b ? -1 : 1));
      return `${sorted.map((number) => `${number}.`).join('')}/`;
    })
    .join('');
}

/**
 * The digest of one draw: MD5 over counter, key, counter.
 * @param draw 0 for the first
 * @returns 16 bytes
 */
export function rfc3797Digest(key: string, draw: number): Uint8Array {
  const counter = Uint8Array.of(draw >> 8, draw & 0xff);
  return md5(concatBytes(counter, utf8ToBytes(key), counter));
}

/**
 * Draws from a pool numbered from 1: each digest, as a whole number, modulo what remains names the place among those not drawn yet.
 * @returns the numbers in the order of the draw
 * @throws RangeError when more are wanted than there are, or than the counter can count
 */
export function rfc3797Select(key: string, poolSize: number, count: number): readonly number[] {
  if (count > poolSize || count > DRAWS_MAX) throw new RangeError(`${count} of ${poolSize}`);
  const remaining = Array.from({ length: poolSize }, (_, i) => i + 1);
  return Array.from({ length: count }, (_, draw) => {
    const place = BigInt(`0x${bytesToHex(rfc3797Digest(key, draw))}`) % BigInt(remaining.length);
    return remaining.splice(Number(place), 1)[0] as number;
  });
}
