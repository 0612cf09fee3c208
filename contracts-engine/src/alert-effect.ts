/** Alerts as the engine writes them. The same inputs under the same contract give the same bytes, id included. */
import { type AlertCleared, type AlertRaised, type Result, sha256Hex } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { Contract, Rule } from './contract.ts';
import type { SubjectState } from './engine-state.ts';
import type { Variable } from './expr/expression.ts';
import { fillMessage } from './message-template.ts';

interface Moment {
  /** Event time of the transition. */
  readonly at: number;
  readonly values: { readonly [name: string]: Result };
  /** Positions; one that stands there twice is named once. */
  readonly evidence: readonly number[];
}

/** Raises: makes the subject's alert active and tells so. `since`: event time at which the condition began to hold. */
export function raise(contract: Contract, rule: Rule, producer: string, subject: SubjectState, since: number, moment: Moment): AlertRaised {
  const alert = alertId(contract, rule, producer, since);
  subject.active = { alert, since, at: moment.at };
  return {
    v: 1,
    type: 'raise',
    n: 0,
    alert,
    at: moment.at,
    contract: contract.contract,
    version: contract.version,
    rule: rule.id,
    severity: rule.severity,
    agency: subject.agency,
    dataset: contract.dataset,
    subject: producer,
    since,
    values: moment.values,
    message: fillMessage(rule.message, producer, since, moment.values),
    evidence: [...new Set(moment.evidence)],
  };
}

/** Clears the subject's active alert and tells so. */
export function clear(subject: SubjectState, moment: Moment): AlertCleared {
  const { alert } = subject.active as NonNullable<SubjectState['active']>;
  subject.active = null;
  return { v: 1, type: 'clear', n: 1, alert, at: moment.at, values: moment.values, evidence: [...new Set(moment.evidence)] };
}

/** The values of these variables alone. */
export function valuesOf(variables: readonly Variable[], values: { readonly [name: string]: Result }): { [name: string]: Result } {
  return Object.fromEntries(variables.map(({ name }) => [name, values[name] as Result]));
}

/**
 * One subject cannot raise twice with one `since` under one version: each raise needs a newer reading than the last. So
 * these five name the alert.
 */
function alertId(contract: Contract, rule: Rule, subject: string, since: number): string {
  const identity = { contract: contract.contract, version: contract.version, rule: rule.id, subject, since };
  return sha256Hex(new TextEncoder().encode(canonicalJson(identity))).slice(0, 32);
}
