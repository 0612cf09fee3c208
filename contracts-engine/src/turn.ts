/** One event on its way through the engine: what it causes is gathered here, in order. */
import type { AlertEffect } from '@airtight/protocol';
import type { EngineState, RuleState } from './engine-state.ts';

export interface Turn {
  readonly state: EngineState;
  /** Journal position of the event. */
  readonly position: number;
  readonly effects: AlertEffect[];
  /** Rules whose alerts have changed, with the earliest event time at which; not yet told to the rules that depend on them. */
  readonly touched: Map<RuleState, number>;
}

export function newTurn(state: EngineState, position: number): Turn {
  return { state, position, effects: [], touched: state.index.touched };
}

/** Notes that the alerts of a rule are others from an event time on. */
export function touch({ touched }: Turn, rule: RuleState, at: number): void {
  touched.set(rule, Math.min(at, touched.get(rule) ?? Number.POSITIVE_INFINITY));
}
