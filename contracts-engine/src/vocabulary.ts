/** Everything that expressions of a contract may name, and the frames of rules that read some of it. */
import type { Node } from 'yaml';
import type { Schedule } from './calendar.ts';
import { type AlertSource, type Frame, type Input, NAMED_VALUES_MAX, type Probe, type Window } from './contract.ts';
import type { ContractYaml } from './contract-yaml.ts';
import { type ExpressionOutcome, expressionCompiler } from './expr/cel.ts';
import { EXPRESSION_MAX_LENGTH, type Expression, type VariableDeclaration } from './expr/expression.ts';

/** The named values of a contract, apart from those of its expressions. */
export interface NamedValues {
  readonly windows: ReadonlyMap<string, Window>;
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly alerts: ReadonlyMap<string, AlertSource>;
}

export interface Vocabulary extends NamedValues {
  readonly input: Input;
  readonly declarations: ReadonlyMap<string, VariableDeclaration>;
  /** In an order in which each reads only what stands before it. */
  readonly lets: ReadonlyMap<string, Expression>;
  compile(text: string): ExpressionOutcome;
}

const COUNT: VariableDeclaration = { type: 'number', unit: '1' };
const YES_NO: VariableDeclaration = { type: 'bool', unit: '1' };

/**
 * What a rule on an input may name.
 * @param yaml where faults are told; null: lets that cannot be computed on this input are left out in silence
 */
export function vocabularyOf(
  yaml: ContractYaml | null,
  input: Input,
  named: NamedValues,
  letsNode: Node | undefined,
  places: ContractYaml,
): Vocabulary {
  const declarations = new Map<string, VariableDeclaration>(input.properties);
  for (const [name, { declaration }] of named.windows) declarations.set(name, declaration);
  for (const name of named.schedules.keys()) declarations.set(name, YES_NO);
  for (const name of named.alerts.keys()) declarations.set(name, COUNT);
  const lets = new Map<string, Expression>();
  let waiting = letsNode === undefined ? [] : [...places.entries(letsNode, NAMED_VALUES_MAX)];
  for (let before = -1; waiting.length > 0 && waiting.length !== before; ) {
    before = waiting.length;
    waiting = waiting.filter(({ name, value }) => {
      const text = typeof (value as { value?: unknown }).value === 'string' ? String((value as { value?: unknown }).value).trimEnd() : '';
      const outcome = expressionCompiler(declarations)(text.slice(0, EXPRESSION_MAX_LENGTH + 1), 'value');
      if (!outcome.ok) return true;
      const { expression } = outcome;
      lets.set(name, expression);
      declarations.set(name, { type: expression.type, unit: expression.unit, ...lengthOf(expression) });
      return false;
    });
  }
  if (yaml !== null) faultLets(yaml, waiting, declarations);
  const compile = expressionCompiler(declarations);
  return { ...named, input, declarations, lets, compile: (text) => compile(text) };
}

function lengthOf({ type, maxLength }: Expression): { readonly maxLength?: number } {
  return type === 'numbers' ? { maxLength } : {};
}

/** Says of the lets that could not be compiled what is wrong with them. */
function faultLets(
  yaml: ContractYaml,
  waiting: readonly { readonly name: string; readonly value: Node }[],
  declarations: ReadonlyMap<string, VariableDeclaration>,
): void {
  const names = new Set(waiting.map(({ name }) => name));
  for (const { name, value } of waiting) {
    const text = yaml.text(value, EXPRESSION_MAX_LENGTH);
    if (text === null) continue;
    const outcome = expressionCompiler(declarations)(text, 'value');
    if (outcome.ok) continue;
    const isCycle = outcome.fault === 'property-unknown' && names.has(outcome.detail);
    if (isCycle) yaml.faultWithin('let-cycle', `${name} → ${outcome.detail}`, value, outcome.offset);
    else yaml.faultWithin(outcome.fault, outcome.detail, value, outcome.offset);
  }
}

/** The frame of a rule that asks these expressions. */
export function frameOf(vocabulary: Vocabulary, expressions: readonly Expression[]): Frame {
  const names = new Set<string>();
  const follow = ({ variables }: Expression): void => {
    for (const { name } of variables) {
      if (names.has(name)) continue;
      names.add(name);
      const read = vocabulary.lets.get(name);
      if (read !== undefined) follow(read);
    }
  };
  for (const expression of expressions) follow(expression);
  const { input, windows, schedules, alerts, lets } = vocabulary;
  const order = [input.properties, windows, schedules, alerts, lets].flatMap((map) => {
    const own = [...map.keys()].filter((name) => names.has(name));
    return map === lets ? own : own.sort();
  });
  const slotted = <T>(map: ReadonlyMap<string, T>): [number, string, T][] =>
    order.flatMap((name, slot): [number, string, T][] => (map.has(name) ? [[slot, name, map.get(name) as T]] : []));
  return {
    names: order,
    declarations: order.map((name) => vocabulary.declarations.get(name) as VariableDeclaration),
    properties: slotted(input.properties).map(([slot, name, { type }]) => ({ slot, name, isNumber: type === 'number' })),
    windows: slotted(windows).map(([slot, , window]) => ({ slot, window })),
    schedules: slotted(schedules).map(([slot, , schedule]) => ({ slot, schedule })),
    alerts: slotted(alerts).map(([slot, , source]) => ({ slot, source })),
    lets: slotted(lets).map(([slot, , expression]) => ({ slot, probe: probeOf(expression, order) })),
    isPlain: order.every((name) => input.properties.has(name)),
  };
}

/** An expression that finds its variables in a frame. */
export function probeOf(expression: Expression, order: readonly string[]): Probe {
  const from = expression.variables.map(({ name }) => order.indexOf(name));
  return { expression, from, isInPlace: from.every((slot, index) => slot === index) };
}

/** Slots of everything an expression reads, lets and what they read. */
export function slotsRead(vocabulary: Vocabulary, expression: Expression, order: readonly string[]): readonly number[] {
  const slots = new Set<number>();
  const follow = ({ variables }: Expression): void => {
    for (const { name } of variables) {
      slots.add(order.indexOf(name));
      const read = vocabulary.lets.get(name);
      if (read !== undefined) follow(read);
    }
  };
  follow(expression);
  return [...slots].sort((a, b) => a - b);
}
