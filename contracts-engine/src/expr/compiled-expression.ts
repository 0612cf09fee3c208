/** What the engine calls: closures behind the interface of expression.ts. */
import type { SyntaxNode } from './allow-list.ts';
import type { BuiltExpression } from './build.ts';
import type { Computed, Expression, Input, Inputs, Variable, VariableType } from './expression.ts';
import type { Run, Shape, Value } from './shape.ts';

/** The type of a whole expression; null for a list of anything but numbers. */
export function typeOf({ kind, element }: Shape): VariableType | null {
  if (kind === 'int') return 'number';
  if (kind !== 'list') return kind;
  return element?.kind === 'number' ? 'numbers' : null;
}

/**
 * @param variables in the order of their slots
 * @param textOf how a sub-expression is written
 */
export function compiledExpression(
  text: string,
  variables: readonly Variable[],
  type: VariableType,
  { whole, steps }: BuiltExpression,
  textOf: (node: SyntaxNode) => string,
): Expression {
  const names = variables.map(({ name }) => name);
  const run = whole.kind === 'bool' ? (whole.run as Expression['run']) : withoutInts(whole.run);
  // One array for all calls: a call ends before the next one begins.
  const slots: Input[] = names.map(() => null);
  const fill = (values: Inputs): readonly Input[] => {
    for (let i = 0; i < names.length; i++) slots[i] = values[names[i] as string];
    return slots;
  };
  return {
    text,
    variables,
    type,
    unit: whole.unit,
    maxLength: whole.kind === 'list' ? whole.length : 0,
    cost: whole.cost,
    holds: (values, at) => {
      const value = run(fill(values), at);
      return typeof value === 'boolean' ? value : null;
    },
    value: (values, at) => run(fill(values), at),
    run,
    trace: (values, at) => {
      fill(values);
      return steps.map(({ node, run: step }) => ({ text: textOf(node), value: withoutInts(step)(slots, at) }));
    },
  };
}

/** Outside of expressions there is one kind of number. */
function withoutInts(run: Run): Expression['run'] {
  return (slots, at) => plain(run(slots, at));
}

function plain(value: Value): Computed {
  if (typeof value === 'bigint') return Number(value);
  return Array.isArray(value) ? (value.map((element) => plain(element)) as Computed) : (value as Computed);
}
