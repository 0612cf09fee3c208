/** What a level of a rule is to people. */
import type { Bilingual, Severity } from '@airtight/protocol';
import type { Rule } from '../contract.ts';

/** Severity and message of a level. One that a later version of the rule does not have any more is its highest. */
export function levelOf(rule: Rule, level: number): { readonly severity: Severity; readonly message: Bilingual } {
  return rule.kind === 'no-data' ? rule : (rule.levels[Math.min(level, rule.levels.length - 1)] as (typeof rule.levels)[number]);
}
