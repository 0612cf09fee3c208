/** Whether a rule is about what will be, rather than about what is. */
import type { AlertSource, Rule } from '../contract.ts';
import { inputsOf } from '../engine-state.ts';

/**
 * True when a rule judges forecasts, itself or by the alerts that it counts. That forecasts do not come is no forecast.
 * @param ruleOf the rule whose alerts are counted; undefined when it is not known
 */
export function isForetold(
  rule: Rule,
  ruleOf: (source: Pick<AlertSource, 'contract' | 'rule'>) => Rule | undefined,
  seen: ReadonlySet<Rule> = new Set(),
): boolean {
  if (rule.kind === 'no-data' || seen.has(rule)) return false;
  if (rule.kind !== 'alerts') return inputsOf(rule).some(({ isForecast }) => isForecast);
  return rule.frame.alerts.some(({ source }) => {
    const judged = ruleOf(source);
    return judged !== undefined && isForetold(judged, ruleOf, new Set([...seen, rule]));
  });
}
