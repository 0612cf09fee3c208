/**
 * The quick way through admission: recognises, byte by byte and without building anything, a single reading in the
 * plain form that nearly every device sends. Whatever is not plainly that (escapes, exponents, arrays, RFC 3339 times,
 * bytes beyond ASCII, anything malformed) is left to the parser of protocol/reading.ts, which alone refuses. So the scan
 * may answer "don't know" freely, but where it accepts, the parser accepts too, with the same identity: a test with
 * hundreds of thousands of mutated payloads holds the two together. Measured: a quarter of the parser's time.
 */
import { MEASUREMENTS_MAX } from '@airtight/protocol';

/** Not plain: ask the parser. */
export const NOT_PLAIN = Symbol('not plain');

/** What the dataset demands of a plain reading; without it, nothing. */
export interface ScanRules {
  /** Epoch ms. */
  readonly earliest: number;
  takesUnit(property: string, unit: string): boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const SPACE = 0x20;
const LETTER_Q = 0x71;
const LETTER_U = 0x75;
const LETTER_V = 0x76;
/** Digits of a whole number that is surely within the bounds of a time and of a double. */
const INTEGER_DIGITS_MAX = 14;
const NUMBER_BYTES_MAX = 24;
const NAME_MAX_BYTES = 64;
const STRING_MAX_BYTES = 32;
const QUALITY_MAX_BYTES = 16;
const ID_MAX_BYTES = 128;

/** A letter, digit or underscore, as in property names. */
function isWord(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

class Scanner {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  taken: TakenUnits | undefined;

  /** Next byte after blanks, not consumed; -1 at the end. */
  peek(): number {
    while (this.at < this.bytes.length) {
      const byte = this.bytes[this.at] as number;
      if (byte !== SPACE) return byte;
      this.at++;
    }
    return -1;
  }

  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** A string of plain ASCII without escapes; returns its length and leaves `at` behind the closing quote, or -1. */
  string(maxBytes: number): number {
    if (!this.take(QUOTE)) return -1;
    const from = this.at;
    const end = Math.min(this.bytes.length, from + maxBytes + 1);
    for (let at = from; at < end; at++) {
      const byte = this.bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return at - from;
      }
      if (byte < SPACE || byte > 0x7e || byte === BACKSLASH) return -1;
    }
    return -1;
  }

  /** A JSON number without exponent, short enough to be finite. */
  number(): boolean {
    const from = this.at;
    if (this.peek() === MINUS) this.at++;
    const first = this.at;
    const digits = this.#digits();
    if (digits === 0 || (digits > 1 && this.bytes[first] === ZERO)) return false;
    if (this.at < this.bytes.length && this.bytes[this.at] === DOT) {
      this.at++;
      if (this.#digits() === 0) return false;
    }
    return this.at - from <= NUMBER_BYTES_MAX;
  }

  /** A whole number from 0, or -1 when it is not plainly one. */
  integer(): number {
    this.peek();
    const from = this.at;
    const digits = this.#digits();
    if (digits === 0 || digits > INTEGER_DIGITS_MAX || (digits > 1 && this.bytes[from] === ZERO)) return -1;
    let value = 0;
    for (let at = from; at < this.at; at++) value = value * 10 + (this.bytes[at] as number) - ZERO;
    return value;
  }

  #digits(): number {
    const from = this.at;
    while (this.at < this.bytes.length && isDigit(this.bytes[this.at] as number)) this.at++;
    return this.at - from;
  }

  /** `{"v": number, "u": "…", "q": "…"}` in this order, `u` and `q` optional. @param nameFrom where the property's name begins */
  #withUnit(nameFrom: number, nameLength: number): boolean {
    if (this.string(1) !== 1 || this.bytes[this.at - 2] !== LETTER_V || !this.take(COLON) || !this.number()) return false;
    if (this.take(CLOSE)) return true;
    if (!this.take(COMMA) || this.string(1) !== 1) return false;
    if (this.bytes[this.at - 2] === LETTER_U) {
      // A unit is not empty (protocol/reading.ts).
      if (!this.take(COLON)) return false;
      const length = this.string(STRING_MAX_BYTES);
      if (length < 1 || !this.#takesUnit(nameFrom, nameLength, length)) return false;
      if (this.take(CLOSE)) return true;
      if (!this.take(COMMA) || this.string(1) !== 1) return false;
    }
    if (this.bytes[this.at - 2] !== LETTER_Q || !this.take(COLON) || this.string(QUALITY_MAX_BYTES) < 0) return false;
    return this.take(CLOSE);
  }

  /** @param length of the unit, which has just been read */
  #takesUnit(nameFrom: number, nameLength: number, length: number): boolean {
    return this.taken?.takes(this.bytes, nameFrom, nameLength, this.at - 1, length) ?? true;
  }

  /** The object of measurements. */
  measurements(): boolean {
    if (!this.take(OPEN)) return false;
    for (let count = 1; count <= MEASUREMENTS_MAX; count++) {
      const length = this.string(NAME_MAX_BYTES);
      if (length < 1) return false;
      const from = this.at - 1 - length;
      if (isDigit(this.bytes[from] as number) || this.bytes[from] === 0x5f) return false;
      for (let i = from; i < this.at - 1; i++) if (!isWord(this.bytes[i] as number)) return false;
      if (!this.take(COLON)) return false;
      if (!(this.take(OPEN) ? this.#withUnit(from, length) : this.number())) return false;
      if (this.take(CLOSE)) return true;
      if (!this.take(COMMA)) return false;
    }
    return false;
  }
}

/** Places for pairs that were taken: a dataset has a few dozen. */
const TAKEN_PAIRS = 256;

/**
 * Pairs of property and unit that the rules have taken, as bytes: a device names the same few again and again, and
 * building two texts for each would cost more than all the rest of the scan.
 */
class TakenUnits {
  readonly rules: ScanRules;
  /** Name and unit behind one another, at the place that a few of their bytes give; another pair may take it over. */
  readonly #pairs: (Buffer | undefined)[] = new Array(TAKEN_PAIRS).fill(undefined);
  readonly #nameLengths = new Uint8Array(TAKEN_PAIRS);

  constructor(rules: ScanRules) {
    this.rules = rules;
  }

  /** @param unitEnd behind the last byte of the unit */
  takes(bytes: Buffer, nameFrom: number, nameLength: number, unitEnd: number, unitLength: number): boolean {
    const unitFrom = unitEnd - unitLength;
    const place = placeOf(bytes, nameFrom, nameLength, unitFrom, unitLength);
    const pair = this.#pairs[place];
    if (pair?.length === nameLength + unitLength && this.#nameLengths[place] === nameLength) {
      if (isRun(bytes, nameFrom, nameLength, pair, 0) && isRun(bytes, unitFrom, unitLength, pair, nameLength)) return true;
    }
    const name = bytes.toString('latin1', nameFrom, nameFrom + nameLength);
    const unit = bytes.toString('latin1', unitFrom, unitEnd);
    if (!this.rules.takesUnit(name, unit)) return false;
    this.#pairs[place] = Buffer.from(name + unit, 'latin1');
    this.#nameLengths[place] = nameLength;
    return true;
  }
}

function placeOf(bytes: Buffer, nameFrom: number, nameLength: number, unitFrom: number, unitLength: number): number {
  const name = (bytes[nameFrom] as number) * 7 + (bytes[nameFrom + nameLength - 1] as number) * 31 + nameLength;
  return (name * 5 + (bytes[unitFrom] as number) + unitLength * 3) % TAKEN_PAIRS;
}

function isRun(bytes: Buffer, from: number, length: number, other: Buffer, otherFrom: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[from + i] !== other[otherFrom + i]) return false;
  return true;
}

const takenUnits = new WeakMap<ScanRules, TakenUnits>();
/** The readings of a device come one after the other: the last rules are the likely ones. */
let lastTaken: TakenUnits | undefined;

function takenUnitsOf(rules: ScanRules): TakenUnits {
  if (lastTaken?.rules === rules) return lastTaken;
  const taken = takenUnits.get(rules) ?? new TakenUnits(rules);
  takenUnits.set(rules, taken);
  lastTaken = taken;
  return taken;
}

const scanner = new Scanner();

/**
 * @param rules of the dataset, as far as a scan can keep them: which properties there are it does not tell
 * @returns the message id (`seq:…`, `id:…`) or undefined where the reading has none; NOT_PLAIN when the parser has to look
 */
export function scanReading(payload: Buffer, rules?: ScanRules): string | undefined | typeof NOT_PLAIN {
  scanner.bytes = payload;
  scanner.at = 0;
  scanner.taken = rules === undefined ? undefined : takenUnitsOf(rules);
  const earliest = rules?.earliest ?? 0;
  if (!scanner.take(OPEN)) return NOT_PLAIN;
  let id: string | undefined;
  let hasTime = false;
  let hasMeasurements = false;
  for (;;) {
    const length = scanner.string(NAME_MAX_BYTES);
    const keyFrom = scanner.at - 1 - length;
    if (length < 0 || !scanner.take(COLON)) return NOT_PLAIN;
    if (isKey(payload, keyFrom, length, 'm')) {
      if (hasMeasurements || !scanner.measurements()) return NOT_PLAIN;
      hasMeasurements = true;
    } else if (isKey(payload, keyFrom, length, 't')) {
      if (hasTime || scanner.integer() < earliest) return NOT_PLAIN;
      hasTime = true;
    } else if (isKey(payload, keyFrom, length, 'seq') || isKey(payload, keyFrom, length, 'id')) {
      // Both at once, or one twice, is rare enough for the parser.
      const text = id === undefined ? identity(length) : '';
      if (text === '') return NOT_PLAIN;
      id = text;
    } else if (!(scanner.peek() === QUOTE ? scanner.string(payload.length) >= 0 : scanner.number())) return NOT_PLAIN;
    if (scanner.take(CLOSE)) break;
    if (!scanner.take(COMMA)) return NOT_PLAIN;
  }
  return hasTime && hasMeasurements && scanner.peek() === -1 ? id : NOT_PLAIN;
}

function isKey(bytes: Buffer, from: number, length: number, key: string): boolean {
  if (length !== key.length) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== key.charCodeAt(i)) return false;
  return true;
}

/** The value of `seq` (a key of 3 characters) or `id` as a message id; empty when it is not plain. */
function identity(keyLength: number): string {
  if (keyLength === 3) {
    const seq = scanner.integer();
    return seq < 0 ? '' : `seq:${seq}`;
  }
  const length = scanner.string(ID_MAX_BYTES);
  return length < 1 ? '' : `id:${scanner.bytes.toString('latin1', scanner.at - 1 - length, scanner.at - 1)}`;
}
