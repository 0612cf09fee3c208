/** Expressions as the rest of the engine sees them; which CEL library stands behind is known to cel.ts alone. */
import type { Result } from '@airtight/protocol';
import type { FaultName } from '../contract-fault.ts';

/**
 * A property with a unit is a number (CEL double). One of the unit "1" may be a number, a text or yes/no; which one it is
 * shows when it is read (CEL dyn).
 */
export type VariableType = 'number' | 'any';

export interface Variable {
  readonly name: string;
  readonly type: VariableType;
}

export interface Expression {
  /** Properties it reads, sorted by name. */
  readonly variables: readonly Variable[];
  /**
   * @param values one reading: every variable must be there, of its type
   * @returns null when it cannot be computed (e.g. a whole number divided by zero)
   */
  holds(values: { readonly [property: string]: Result }): boolean | null;
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
