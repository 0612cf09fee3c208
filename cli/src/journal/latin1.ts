/** Bytes [from, to) as text, a character a byte: the cheapest way to look into a header. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, from, to);
}
