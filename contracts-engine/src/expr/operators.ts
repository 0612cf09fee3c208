/**
 * The operators of CEL as closures (cel-spec, "Operators" and "Runtime errors"): a double is a number, an int a bigint. What
 * cannot be computed is null and goes on as null, but for `&&` and `||`, which another operand can decide.
 */
import type { Built, Run, Value } from './shape.ts';

export type Comparison = '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/' | '%';

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);

/** `&&`: false when either is false, whatever the other one is. */
export function and(left: Run, right: Run): Run {
  return (slots, at) => {
    const a = left(slots, at);
    if (a === false) return false;
    const b = right(slots, at);
    if (b === false) return false;
    return a === true && b === true ? true : null;
  };
}

/** `||`: true when either is true, whatever the other one is. */
export function or(left: Run, right: Run): Run {
  return (slots, at) => {
    const a = left(slots, at);
    if (a === true) return true;
    const b = right(slots, at);
    if (b === true) return true;
    return a === false && b === false ? false : null;
  };
}

export function not(operand: Run): Run {
  return (slots, at) => {
    const a = operand(slots, at);
    return typeof a === 'boolean' ? !a : null;
  };
}

/** Only the branch that is chosen is computed. */
export function choose(condition: Run, then: Run, otherwise: Run): Run {
  return (slots, at) => {
    const a = condition(slots, at);
    if (typeof a !== 'boolean') return null;
    return a ? then(slots, at) : otherwise(slots, at);
  };
}

export function negate(operand: Run): Run {
  return (slots, at) => {
    const a = operand(slots, at);
    if (typeof a === 'number') return -a;
    return typeof a === 'bigint' ? inRange(-a) : null;
  };
}

/** Numbers compare by their mathematical value, across int and double; texts by code point; false is less than true. */
export function compare(operator: Comparison, left: Built, right: Built): Run {
  const limit = constantNumber(right);
  if (limit !== undefined && left.slot >= 0) return compareSlot(operator, left.slot, limit);
  if (left.kind === 'number' && limit !== undefined) return compareToNumber(operator, left.run, limit);
  const holds = ORDER[operator];
  const [a, b] = [left.run, right.run];
  const [numeric, byValue] = [isNumeric(left) && isNumeric(right), BY_VALUE[operator]];
  if (numeric) {
    return (slots, at) => {
      const x = a(slots, at) as number | null;
      const y = b(slots, at) as number | null;
      return x === null || y === null ? null : byValue(x, y);
    };
  }
  return (slots, at) => {
    const order = orderOf(a(slots, at), b(slots, at));
    return order === null ? null : holds(order);
  };
}

/** `==`: values of different types are unequal; int and double are equal when their mathematical values are. */
export function equal(left: Run, right: Run, negated: boolean): Run {
  return (slots, at) => {
    const same = isEqual(left(slots, at), right(slots, at));
    return same === null ? null : same !== negated;
  };
}

export function isIn(needle: Run, list: Run): Run {
  return (slots, at) => {
    const [a, among] = [needle(slots, at), list(slots, at)];
    if (a === null || !Array.isArray(among)) return null;
    let known = true;
    for (const element of among as readonly Value[]) {
      const same = isEqual(a, element);
      if (same === true) return true;
      known &&= same !== null;
    }
    return known ? false : null;
  };
}

export function arithmetic(operator: Arithmetic, left: Built, right: Built): Run {
  if (left.kind === 'number' && right.kind === 'number') return onNumbers(operator, left.run, right.run);
  const [a, b] = [left.run, right.run];
  return (slots, at) => compute(operator, a(slots, at), b(slots, at));
}

/** @returns null when it depends on an element that is not known */
function isEqual(a: Value, b: Value): boolean | null {
  if (a === null || b === null) return null;
  if (typeof a === 'object' && typeof b === 'object') return isEqualList(a, b);
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number, which no === compares
  if (typeof a === 'bigint' || typeof b === 'bigint') return typeof a !== 'string' && typeof b !== 'string' && isNumber(a, b) && a == b;
  return a === b;
}

function isEqualList(a: readonly Value[], b: readonly Value[]): boolean | null {
  if (a.length !== b.length) return false;
  let known = true;
  for (let i = 0; i < a.length; i++) {
    const same = isEqual(a[i] as Value, b[i] as Value);
    if (same === false) return false;
    known &&= same !== null;
  }
  return known ? true : null;
}

function isNumber(...values: readonly Value[]): boolean {
  return values.every((value) => typeof value === 'number' || typeof value === 'bigint');
}

function isNumeric({ kind }: Built): boolean {
  return kind === 'number' || kind === 'int';
}

/** A constant as a double, when it is one exactly. */
function constantNumber({ constant }: Built): number | undefined {
  if (typeof constant === 'number') return constant;
  return typeof constant === 'bigint' && BigInt(Number(constant)) === constant ? Number(constant) : undefined;
}

function compareSlot(operator: Comparison, slot: number, limit: number): Run {
  switch (operator) {
    case '<':
      return (slots) => {
        const a = slots[slot];
        return typeof a === 'number' ? a < limit : null;
      };
    case '<=':
      return (slots) => {
        const a = slots[slot];
        return typeof a === 'number' ? a <= limit : null;
      };
    case '>':
      return (slots) => {
        const a = slots[slot];
        return typeof a === 'number' ? a > limit : null;
      };
    case '>=':
      return (slots) => {
        const a = slots[slot];
        return typeof a === 'number' ? a >= limit : null;
      };
  }
}

function compareToNumber(operator: Comparison, left: Run, limit: number): Run {
  const byValue = BY_VALUE[operator];
  return (slots, at) => {
    const a = left(slots, at);
    return a === null ? null : byValue(a as number, limit);
  };
}

type OnNumbers = (a: number, b: number) => boolean;
const BY_VALUE: { readonly [operator in Comparison]: OnNumbers } = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
/** NaN, the order of what has none, is neither. */
const ORDER: { readonly [operator in Comparison]: (order: number) => boolean } = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** @returns NaN when a NaN is compared; null for values of two types */
function orderOf(a: Value, b: Value): number | null {
  if (typeof a === 'string' && typeof b === 'string') return codePointOrder(a, b);
  const numbers = isNumber(a, b);
  if (!numbers && !(typeof a === 'boolean' && typeof b === 'boolean')) return null;
  const [x, y] = [a as number, b as number];
  if (x < y) return -1;
  if (x > y) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number, which no === compares
  return x == y ? 0 : Number.NaN;
}

/** CEL orders texts by code points; JavaScript by UTF-16 units, where U+1F600 comes before U+FF5E. */
function codePointOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return byCodePoint(x) - byCodePoint(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function byCodePoint(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function onNumbers(operator: Arithmetic, left: Run, right: Run): Run {
  const apply = DOUBLE[operator];
  return (slots, at) => {
    const a = left(slots, at) as number | null;
    const b = right(slots, at) as number | null;
    return a === null || b === null ? null : apply(a, b);
  };
}

const DOUBLE: { readonly [operator in Arithmetic]: (a: number, b: number) => number | null } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  // CEL has no remainder of doubles.
  '%': () => null,
};

function compute(operator: Arithmetic, a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return DOUBLE[operator](a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return onInts(operator, a, b);
  if (operator !== '+') return null;
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  return Array.isArray(a) && Array.isArray(b) ? [...a, ...b] : null;
}

/** Int arithmetic that leaves 64 bits, and a division by zero, are errors. */
function onInts(operator: Arithmetic, a: bigint, b: bigint): bigint | null {
  switch (operator) {
    case '+':
      return inRange(a + b);
    case '-':
      return inRange(a - b);
    case '*':
      return inRange(a * b);
    case '/':
      return b === 0n ? null : inRange(a / b);
    case '%':
      return b === 0n || (a === INT_MIN && b === -1n) ? null : a % b;
  }
}

function inRange(value: bigint): bigint | null {
  return value >= INT_MIN && value <= INT_MAX ? value : null;
}
