/** What is known of a sub-expression before any value is: its type, unit, length; and the closure that computes it. */
import type { Input } from './expression.ts';

/** `number` is a CEL double, `int` a CEL int (a bigint: expressions get whole numbers from literals alone). */
export type Kind = 'number' | 'int' | 'text' | 'bool' | 'any' | 'list';

/** null: not computable. An error of CEL and a value that is not known are the same here. */
export type Value = number | bigint | string | boolean | readonly Value[] | null;
export type Run = (slots: readonly Input[], at: number) => Value;

export interface Shape {
  readonly kind: Kind;
  /** UCUM; null: a bare number, written out, which takes the unit of what it meets. Of a list: of its elements. */
  readonly unit: string | null;
  /** True of a sum, difference or multiple: on a scale with a zero of its own (Cel) it must not be converted. */
  readonly derived: boolean;
  /** Of a list; null of the empty one. */
  readonly element: Shape | null;
  /** Of a list: it never has more. */
  readonly length: number;
}

export interface Built extends Shape {
  readonly run: Run;
  /** Worst case, in comparisons. */
  readonly cost: number;
  /** The value when it depends on nothing; undefined when it does. */
  readonly constant: Value | undefined;
  /** The slot when it is nothing but a variable of type number; -1 otherwise. */
  readonly slot: number;
}

export const BARE_BOOL: Shape = { kind: 'bool', unit: null, derived: false, element: null, length: 0 };
export const BARE_TEXT: Shape = { ...BARE_BOOL, kind: 'text' };

/** The text of a kind in error messages: CEL's own word. */
export function celTypeOf({ kind, element }: Shape): string {
  if (kind === 'list') return `list<${element === null ? 'dyn' : celTypeOf(element)}>`;
  return { number: 'double', int: 'int', text: 'string', bool: 'bool', any: 'dyn' }[kind];
}

/** An operation on parts: one comparison's worth and what it adds to them; constant when all its parts are. */
export function combine(parts: readonly Built[], shape: Shape, run: Run, extraCost = 0): Built {
  const cost = parts.reduce((sum, part) => sum + part.cost, 1 + extraCost);
  const isConstant = parts.every(({ constant }) => constant !== undefined);
  return { ...shapeOf(shape), run, cost, constant: isConstant ? run([], 0) : undefined, slot: -1 };
}

export function shapeOf({ kind, unit, derived, element, length }: Shape): Shape {
  return { kind, unit, derived, element, length };
}
