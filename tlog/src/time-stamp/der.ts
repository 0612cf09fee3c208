/**
 * Reading DER (X.690 §10): definite lengths in their shortest form, tags below 31. Values are views on the input; nothing
 * is copied, and nothing nests deeper than the caller asks for.
 */

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [n] of a primitive, [n] of a constructed value. */
  context: (n: number) => 0x80 + n,
  constructed: (n: number) => 0xa0 + n,
} as const;

export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly bytes: Uint8Array;
}

/** The input is not the DER that was expected. The functions that take bytes from outside make a verdict of it. */
export class DerError extends Error {}

/** Values side by side. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next value; one of this tag, when it is given. @throws DerError */
  next(tag?: number): DerValue {
    const start = this.#at;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw new DerError('a tag of more than one byte');
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${hex(found)} where ${hex(tag)} must stand`);
    const length = this.#length();
    const from = this.#at;
    if (length > this.#bytes.length - from) throw new DerError('a value is cut off');
    this.#at = from + length;
    return { tag: found, content: this.#bytes.subarray(from, this.#at), bytes: this.#bytes.subarray(start, this.#at) };
  }

  /** The next value when it has this tag. @throws DerError */
  optional(tag: number): DerValue | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined;
  }

  /** A reader of what is in the next value. @throws DerError */
  enter(tag: number): DerReader {
    return new DerReader(this.next(tag).content);
  }

  /** All values that are left. @throws DerError */
  rest(tag?: number): DerValue[] {
    const values: DerValue[] = [];
    while (!this.isAtEnd) values.push(this.next(tag));
    return values;
  }

  /** @throws DerError when something is left */
  end(): void {
    if (!this.isAtEnd) throw new DerError('something stands behind the last value');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new DerError('a value is cut off');
    return byte;
  }

  /** X.690 §10.1: the definite form, in as few octets as possible. */
  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first - 0x80;
    if (count === 0 || count > 4) throw new DerError('an indefinite or too large length');
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that is not in its shortest form');
    return length;
  }
}

/** The one value that `bytes` are. @throws DerError */
export function wholeDer(bytes: Uint8Array, tag: number): DerReader {
  const reader = new DerReader(bytes);
  const inner = reader.enter(tag);
  reader.end();
  return inner;
}

/** An object identifier in dotted form. @throws DerError */
export function oidOf({ tag, content }: DerValue): string {
  if (tag !== DER.oid || content.length === 0 || content.length > 64) throw new DerError('no object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const [at, byte] of content.entries()) {
    if (arc === 0 && byte === 0x80) throw new DerError('an object identifier with a leading zero');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError('an object identifier with too large an arc');
    if (byte >= 0x80 && at === content.length - 1) throw new DerError('an object identifier is cut off');
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [joint = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(joint / 40));
  return [first, joint - first * 40, ...rest].join('.');
}

/** A whole number from 0 to 2^53 − 1. @throws DerError */
export function ordinalOf({ tag, content }: DerValue): number {
  if (tag !== DER.integer || content.length === 0 || content.length > 7 || (content[0] as number) >= 0x80) {
    throw new DerError('no whole number, or too large a one');
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** @throws DerError for anything but 00 and FF (X.690 §11.1) */
export function booleanOf({ content }: DerValue): boolean {
  const [byte] = content;
  if (content.length !== 1 || (byte !== 0 && byte !== 0xff)) throw new DerError('no boolean');
  return byte === 0xff;
}

/** The octets of a bit string without unused bits. @throws DerError */
export function octetsOfBitString({ tag, content }: DerValue): Uint8Array {
  if (tag !== DER.bitString || content[0] !== 0) throw new DerError('no bit string of whole octets');
  return content.subarray(1);
}

/** Epoch ms of a UTCTime or GeneralizedTime in UTC (RFC 5280 §4.1.2.5, with fractions of a second as RFC 3161 §2.4.2 allows). @throws DerError */
export function timeOf({ tag, content }: DerValue): number {
  const text = String.fromCharCode(...content.subarray(0, 40));
  const pattern = tag === DER.utcTime ? /^(\d{2})(\d{10})()Z$/ : /^(\d{4})(\d{10})(?:\.(\d{0,8}[1-9]))?Z$/;
  const [, year = '', rest = '', fraction = ''] = pattern.exec(text) ?? [];
  if ((tag !== DER.utcTime && tag !== DER.generalizedTime) || year === '') throw new DerError(`no time: ${JSON.stringify(text)}`);
  const full = year.length === 4 ? year : `${Number(year) < 50 ? '20' : '19'}${year}`;
  const [month, day, hour, minute, second] = rest.match(/\d{2}/g) as [string, string, string, string, string];
  const iso = `${full}-${month}-${day}T${hour}:${minute}:${second}`;
  const ms = Date.parse(`${iso}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // Date.parse takes February 30th for March 1st.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(iso)) throw new DerError(`no time: ${JSON.stringify(text)}`);
  return ms;
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
