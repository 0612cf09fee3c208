/** Why an alert is as it is: each expression that decided it, with every sub-expression and its value. */
import type { AlertEffect, AlertValues, Severity } from '@airtight/protocol';
import type { Condition, Contract, Frame, Probe } from '../contract.ts';
import type { Computed, Inputs } from '../expr/expression.ts';

export interface ExplainedStep {
  readonly text: string;
  /** null: it cannot be computed from what the alert names. */
  readonly value: Computed;
}

export interface ExplainedExpression {
  /** `raise`, `clear`, or the name under `let`. */
  readonly name: string;
  readonly text: string;
  /** Innermost first; the last is the whole. */
  readonly steps: readonly ExplainedStep[];
}

export interface Explanation {
  readonly n: number;
  readonly type: AlertEffect['type'];
  readonly at: number;
  readonly values: AlertValues;
  /** What the condition must do beside holding: how long it must hold, or how often; absent: nothing. */
  readonly forMs?: number;
  readonly times?: NonNullable<Condition['times']>;
  /** None for an effect that no condition decides: silence, escalation, expiry, suppression. */
  readonly expressions: readonly ExplainedExpression[];
}

/** Computed from the contract and the values that the effect names alone: whoever has both comes to the same. */
export function explain({ rules }: Contract, rule: string, effect: AlertEffect): Explanation {
  const values = 'values' in effect ? effect.values : {};
  const told = { n: effect.n, type: effect.type, at: effect.at, values };
  const known = rules.find(({ id }) => id === rule);
  if (known === undefined || known.kind === 'no-data') return { ...told, expressions: [] };
  const condition = conditionOf(known.levels, effect);
  if (condition === undefined) return { ...told, expressions: [] };
  const { frame } = known;
  const inputs = inputsOf(frame, values);
  const lets = frame.lets.filter(({ slot }) => condition.probe.reads.includes(slot));
  return {
    ...told,
    ...(condition.probe.forMs > 0 ? { forMs: condition.probe.forMs } : {}),
    ...(condition.probe.times === null ? {} : { times: condition.probe.times }),
    expressions: [
      ...lets.map(({ slot, probe }) => traced(frame.names[slot] as string, probe, inputs, effect.at)),
      traced(condition.name, condition.probe.when, inputs, effect.at),
    ],
  };
}

interface LevelConditions {
  readonly severity: Severity;
  readonly raise: Condition;
  readonly clear: Condition;
}

function conditionOf(
  levels: readonly LevelConditions[],
  effect: AlertEffect,
): { readonly name: 'raise' | 'clear'; readonly probe: Condition } | undefined {
  if (effect.type === 'raise' || effect.type === 'update') {
    const level = levels.find(({ severity }) => severity === effect.severity);
    return level === undefined ? undefined : { name: 'raise', probe: level.raise };
  }
  const [lowest] = levels;
  return effect.type === 'clear' && effect.reason === undefined && lowest !== undefined
    ? { name: 'clear', probe: lowest.clear }
    : undefined;
}

/** Lists stand among an alert's values as JSON. */
function inputsOf({ names, declarations }: Frame, values: AlertValues): Inputs {
  const inputs: { [name: string]: Inputs[string] } = {};
  for (const [slot, name] of names.entries()) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) inputs[name] = null;
    else inputs[name] = declarations[slot]?.type === 'numbers' && typeof value === 'string' ? listIn(value) : value;
  }
  return inputs;
}

function listIn(text: string): readonly (number | null)[] | null {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => item === null || typeof item === 'number') ? list : null;
  } catch {
    return null;
  }
}

function traced(name: string, { expression }: Probe, inputs: Inputs, at: number): ExplainedExpression {
  return { name, text: expression.text, steps: expression.trace(inputs, at).map(({ text, value }) => ({ text, value: value ?? null })) };
}
