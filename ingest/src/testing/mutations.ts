/** Wrong inputs made from right ones, the same for the same seed. */

export type Random = () => number;

/** mulberry32: from 0 to below 1. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** No input grows beyond it, so that memory and time say something about the decoder. */
const INPUT_MAX_BYTES = 64 * 1024;
const NESTING_MAX = 20_000;
const EXTREMES = [
  '1e999',
  '-1e999',
  '-0',
  '9007199254740993',
  '1e-400',
  '253402300800000',
  '-1',
  'NaN',
  'Infinity',
  '0x10',
  '""',
  'null',
  '{}',
  '[]',
  '"\\ud800"',
];
const OPENERS = ['[', '{"a":', '[{"n":"a","v":', '\u0081', '¿', '\u009f'];
/** Lengths and numbers at the edges of their bytes; NaN and infinity of every width. */
const BYTES = [
  '00',
  'ff',
  '7fff',
  '8000',
  'ffffffff',
  '7fffffff',
  '7f800000',
  'ffc00000',
  '7ff0000000000000',
  'fb7ff8000000000000',
  '9bffffffffffffffff',
  'f97c00',
];

/** Members that mean something to one decoder or another, and some that mean something to JavaScript. */
const MEMBERS = [
  't',
  'm',
  'v',
  'bt',
  'bn',
  'vd',
  'bver',
  'x_',
  'meta',
  'data',
  'ABST',
  'deviceInfo',
  'end_device_ids',
  '__proto__',
  'constructor',
  '0',
];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1e308,
    5e-324,
    2 ** 53,
    253_402_300_799_999,
    '',
    'x'.repeat(300),
    '\ud800',
    '2026-11-22T08:30:00Z',
    '20260231T000000Z',
    'AAAA',
    'ff',
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    { v: 1 },
    Array(1500).fill({ t: 1, m: { a: 1 } }),
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, i])),
  ],
];

type Mutation = (input: Buffer, random: Random, other: Buffer) => Buffer;

const whole = (random: Random, below: number): number => Math.floor(random() * below);
const pick = <T>(random: Random, items: readonly T[]): T => items[whole(random, items.length)] as T;
const replaced = (input: Buffer, from: number, to: number, by: Buffer): Buffer =>
  Buffer.concat([input.subarray(0, from), by, input.subarray(to)]);

const MUTATIONS: readonly Mutation[] = [
  function flipBit(input, random) {
    const copy = Buffer.from(input);
    const at = whole(random, copy.length);
    if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << whole(random, 8));
    return copy;
  },
  function truncate(input, random) {
    return random() < 0.5 ? input.subarray(0, whole(random, input.length)) : input.subarray(whole(random, input.length));
  },
  function splice(input, random, other) {
    const from = whole(random, other.length);
    const piece = other.subarray(from, from + whole(random, other.length - from));
    const at = whole(random, input.length);
    return replaced(input, at, at + whole(random, input.length - at), piece);
  },
  function insertBytes(input, random) {
    const at = whole(random, input.length + 1);
    return replaced(input, at, at, Buffer.from(Array.from({ length: 1 + whole(random, 8) }, () => whole(random, 256))));
  },
  function insertText(input, random) {
    const at = whole(random, input.length + 1);
    return replaced(input, at, at, Buffer.from(pick(random, [...'{}[]",:;=&# \\\r\n', '##', '&&', '__proto__', 'é', '\u0000'])));
  },
  function extremeNumber(input, random) {
    const text = input.toString('latin1');
    const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)];
    const found = numbers[whole(random, numbers.length)];
    if (found === undefined) return input;
    return replaced(input, found.index, found.index + found[0].length, Buffer.from(pick(random, EXTREMES)));
  },
  function extremeBytes(input, random) {
    const bytes = Buffer.from(pick(random, BYTES), 'hex');
    const at = whole(random, input.length + 1);
    return replaced(input, at, random() < 0.5 ? at : at + bytes.length, bytes);
  },
  function nest(input, random) {
    // Mostly a little, sometimes thousands of levels.
    const depth = 1 + whole(random, random() < 0.02 ? NESTING_MAX : 40);
    const at = whole(random, input.length + 1);
    return replaced(input, at, at, Buffer.from(pick(random, OPENERS).repeat(depth), 'latin1'));
  },
  function changeMember(input, random) {
    return Buffer.from(withChangedMember(input.toString('utf8'), random));
  },
  function repeatPiece(input, random) {
    const at = whole(random, input.length);
    const piece = input.subarray(at, at + 1 + whole(random, 64));
    return replaced(input, at, at, Buffer.concat(Array.from({ length: 1 + whole(random, 200) }, () => piece)));
  },
];

/** Stays JSON, so that it reaches what lies behind the parser. What is no JSON stays as it is. */
function withChangedMember(text: string, random: Random): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text;
  }
  const containers = containersOf(json);
  const container = containers[whole(random, containers.length)];
  if (container === undefined) return text;
  const name = pick(random, [...Object.keys(container), Array.isArray(container) ? '0' : pick(random, MEMBERS)]);
  if (random() < 0.25) delete container[name];
  else container[name] = pick(random, [...VALUES, ...containers.slice(0, 3).map((other) => structuredClone(other))]);
  return JSON.stringify(json);
}

type Container = { [member: string]: unknown };

function containersOf(json: unknown): Container[] {
  if (json === null || typeof json !== 'object') return [];
  return [json as Container, ...Object.values(json).flatMap(containersOf)];
}

/** One to four changes, mostly one. @param other another right input, from which pieces are taken */
export function mutate(input: Uint8Array, other: Uint8Array, random: Random): Buffer {
  let mutated: Buffer = Buffer.from(input);
  for (let changes = random() < 0.6 ? 1 : 1 + whole(random, 4); changes > 0; changes--)
    mutated = pick(random, MUTATIONS)(mutated, random, Buffer.from(other));
  return mutated.subarray(0, INPUT_MAX_BYTES);
}
