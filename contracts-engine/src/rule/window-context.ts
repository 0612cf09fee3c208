/** What windows of one rule have in common. */
import type { EngineState, RuleState } from '../engine-state.ts';
import { type TimeZone, UTC } from '../time-zone.ts';

export interface WindowContext {
  readonly zone: TimeZone;
  readonly latenessMs: number;
}

const contexts = new WeakMap<RuleState['rule'], WindowContext>();

/** The same object for the same rule. */
export function contextOf(state: EngineState, { rule }: RuleState): WindowContext {
  const known = contexts.get(rule);
  if (known !== undefined) return known;
  const zone = state.contracts.get(rule.contract)?.contract?.zone ?? UTC;
  const context = { zone, latenessMs: rule.latenessMs };
  contexts.set(rule, context);
  return context;
}
