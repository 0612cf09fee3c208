/** What a contract needs to be tried: which datasets, how much time before, which other contracts. */
import type { Contract, Rule } from '../contract.ts';

export interface ContractNeeds {
  readonly datasets: readonly string[];
  /** After so much event time its state no longer depends on what was before, except for alerts that are still active. */
  readonly warmUpMs: number;
  /** Contracts whose alerts it reads, or that inhibit its own. */
  readonly contracts: readonly string[];
  /** It judges silence: without ticks it says nothing of it. */
  readonly ticks: boolean;
}

export function needsOf({ contract, inputs, rules }: Contract): ContractNeeds {
  const others = rules.flatMap((rule) => [
    ...rule.inhibitedBy.map((inhibition) => inhibition.contract),
    ...(rule.kind === 'alerts' ? rule.frame.alerts.map(({ source }) => source.contract) : []),
  ]);
  return {
    datasets: [...new Set(inputs.map(({ dataset }) => dataset))],
    warmUpMs: Math.max(...rules.map(reachMs)),
    contracts: [...new Set(others)].filter((name) => name !== contract),
    ticks: rules.some(({ kind }) => kind === 'no-data'),
  };
}

/** Windows, then the time a condition must hold, then lateness. */
function reachMs(rule: Rule): number {
  const { latenessMs, input } = rule;
  if (rule.kind === 'no-data') return latenessMs + (rule.afterMs ?? (rule.afterCadences ?? 0) * input.cadenceMs);
  const windows = rule.frame.windows.map(({ window: { overMs, shape } }) => (shape === 'tumbling' ? 2 * overMs : overMs));
  const conditions = rule.levels.flatMap(({ raise, clear }) => [raise, clear]);
  const held = conditions.map(({ forMs, times }) => times?.withinMs ?? (times?.ofLast ?? 0) * input.cadenceMs + forMs);
  return Math.max(0, ...windows) + Math.max(0, ...held) + rule.maxGapMs + latenessMs;
}
