/** Expressions as the rest of the engine sees them; which CEL library stands behind is known to cel.ts alone. */
import type { Result } from '@airtight/protocol';
import type { FaultName } from '../contract-fault.ts';

/**
 * - `number`: a CEL double
 * - `text`, `bool`
 * - `any`: a number, a text or yes/no; which one it is shows when it is read (CEL dyn)
 * - `numbers`: a list of doubles in order of time, the newest last; null stands for one that is missing
 */
export type VariableType = 'number' | 'text' | 'bool' | 'any' | 'numbers';

/** What an expression may read: a property, a `let` value, a window. */
export interface VariableDeclaration {
  readonly type: VariableType;
  /**
   * UCUM; of a list, that of its numbers. '1' for what has no dimension, and for texts and yes/no; null for a bare number,
   * which takes the unit of what it meets.
   */
  readonly unit: string | null;
  /** Of a list: it never has more. */
  readonly maxLength?: number;
}

export interface Variable extends VariableDeclaration {
  readonly name: string;
}

/** What a variable may hold; null, undefined or another type than declared: not known. */
export type Input = Result | readonly (number | null)[] | null | undefined;
export type Inputs = { readonly [name: string]: Input };
/** What an expression comes to; null: it cannot be computed. */
export type Computed = Result | readonly (number | null)[] | null;

/** One sub-expression and what it came to. */
export interface Step {
  readonly text: string;
  readonly value: Computed;
}

export interface Expression {
  readonly text: string;
  /** What it reads, sorted by name; the slots of `run` are in this order. */
  readonly variables: readonly Variable[];
  /** What it gives: of a condition `bool`. */
  readonly type: VariableType;
  /** UCUM; null: a bare number, which takes the unit of what it meets. */
  readonly unit: string | null;
  /** Length of the list it gives, at most; 0 of everything else. */
  readonly maxLength: number;
  /** Worst case, in units of about 10 ns (a comparison is one); at most COST_MAX. */
  readonly cost: number;
  /**
   * @param at event time, epoch ms: which edition of a standard was in force
   * @returns null when it cannot be computed: something it needs is not known, a whole number is divided by zero …
   */
  holds(values: Inputs, at: number): boolean | null;
  value(values: Inputs, at: number): Computed;
  /** The same for hot paths: values by slot. */
  run(slots: readonly Input[], at: number): Computed;
  /** Every sub-expression with its value, from the whole to its parts; what lies inside of all, exists or exists_one is left out. */
  trace(values: Inputs, at: number): readonly Step[];
}

export interface ExpressionFault {
  readonly fault: FaultName;
  /** UTF-16 offset in the expression. */
  readonly offset: number;
  readonly detail: string;
}

export const EXPRESSION_MAX_LENGTH = 2000;
/** A rule that people can read has a few dozen nodes; the limits keep one evaluation within microseconds. */
export const AST_NODES_MAX = 200;
export const AST_DEPTH_MAX = 20;
export const LIST_ELEMENTS_MAX = 100;
export const CALL_ARGUMENTS_MAX = 10;
/** In units of about 10 ns: a fifth of a millisecond. */
export const COST_MAX = 20_000;
