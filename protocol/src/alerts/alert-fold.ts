/** How an alert stands after its transitions. The API and the screens use this same fold. */

import type { AlertItem } from '../interfaces/http-api.ts';
import { type AlertTransition, isEffect, OUT_OF_SERVICE } from './alert.ts';

export type AlertState = AlertItem['state'];

/**
 * ISA-18.2 states, the most telling first: proposed (not approved by enough people yet), out of service, suppressed,
 * shelved, acknowledged, unacknowledged; when it is over: returned (nobody has acknowledged it), closed.
 * What nobody was to act on (proposed, put aside or part of a group when it ended) closes by itself.
 */
export function alertStateOf(item: Omit<AlertItem, 'state'>): AlertState {
  const isProposed = item.approvedBy.length < item.approvals;
  const isAside = item.suppressedBy.length > 0 || item.shelvedUntil !== null;
  if (item.clearedAt !== null || item.retracted) {
    const isSettled = item.acknowledgedBy !== null || item.closedBy !== null;
    return isSettled || isProposed || isAside || item.group !== null ? 'closed' : 'returned';
  }
  if (isProposed) return 'proposed';
  if (item.suppressedBy.includes(OUT_OF_SERVICE)) return 'out-of-service';
  if (item.suppressedBy.length > 0) return 'suppressed';
  if (item.shelvedUntil !== null) return 'shelved';
  return item.acknowledgedBy === null ? 'unacknowledged' : 'acknowledged';
}

/**
 * Folds the next transition into an alert.
 * @param item the alert as known; undefined before its raise
 * @param position journal position of the transition's record
 * @returns the alert after it; the same item when the record is known already; undefined when the alert is not known and
 * this is not its raise
 */
export function foldAlert(item: AlertItem | undefined, transition: AlertTransition, position: number): AlertItem | undefined {
  const record = String(position);
  if (item === undefined) return transition.type === 'raise' ? raised(transition, record) : undefined;
  if (item.timeline.some((entry) => entry.record === record)) return item;
  const evidence = isEffect(transition) ? [...new Set([...item.evidence, ...transition.evidence.map(String)])] : item.evidence;
  const next = { ...item, ...changesOf(item, transition), evidence, timeline: [...item.timeline, timelineOf(transition, record)] };
  return { ...next, state: alertStateOf(next) };
}

function raised(transition: Extract<AlertTransition, { type: 'raise' }>, record: string): AlertItem {
  const item: Omit<AlertItem, 'state'> = {
    alert: transition.alert,
    severity: transition.severity,
    contract: transition.contract,
    version: transition.version,
    rule: transition.rule,
    agency: transition.agency,
    dataset: transition.dataset,
    subject: transition.subject,
    message: transition.message,
    since: rfc3339(transition.since),
    raisedAt: rfc3339(transition.at),
    clearedAt: null,
    expires: expiryOf(transition),
    acknowledgedBy: null,
    closedBy: null,
    assignedTo: null,
    shelvedUntil: null,
    suppressedBy: [...(transition.suppressedBy ?? [])],
    approvals: transition.approvals ?? 0,
    approvedBy: [],
    group: transition.group ?? null,
    retracted: false,
    flapping: false,
    values: { ...transition.values },
    evidence: transition.evidence.map(String),
    timeline: [timelineOf(transition, record)],
  };
  return { ...item, state: alertStateOf(item) };
}

function changesOf(item: AlertItem, transition: AlertTransition): Partial<AlertItem> {
  switch (transition.type) {
    case 'update':
      return updated(item, transition);
    case 'clear':
      return { clearedAt: rfc3339(transition.at), flapping: false };
    case 'close':
      return { clearedAt: item.clearedAt ?? rfc3339(transition.at), closedBy: transition.by };
    case 'correct':
      return corrected(item, transition);
    case 'escalate':
      return { severity: transition.severity };
    case 'suppress':
      return { suppressedBy: [...new Set([...item.suppressedBy, transition.by])] };
    case 'unsuppress':
      return { suppressedBy: item.suppressedBy.filter((by) => by !== transition.by) };
    default:
      return changesByPeople(item, transition);
  }
}

function changesByPeople(item: AlertItem, transition: AlertTransition): Partial<AlertItem> {
  switch (transition.type) {
    case 'acknowledge':
      return { acknowledgedBy: item.acknowledgedBy ?? transition.by };
    case 'shelve':
      return { shelvedUntil: rfc3339(transition.until) };
    case 'unshelve':
    case 'shelf-end':
      return { shelvedUntil: null };
    case 'assign':
      return { assignedTo: transition.to === '' ? null : transition.to };
    case 'approve':
      return { approvedBy: [...new Set([...item.approvedBy, transition.by])] };
    default:
      return {};
  }
}

/**
 * What has become worse must be acknowledged again (ISA-18.2, re-alarming). Worse is judged by what the rule said before: a
 * severity that an escalation gave stays until the rule says another.
 */
function updated(item: AlertItem, transition: Extract<AlertTransition, { type: 'update' }>): Partial<AlertItem> {
  const before = item.timeline.findLast(({ type, severity }) => type !== 'escalate' && severity !== undefined)?.severity ?? item.severity;
  const isWorse = SEVERITY_RANK[transition.severity] > SEVERITY_RANK[before as keyof typeof SEVERITY_RANK];
  return {
    severity: transition.severity === before ? item.severity : transition.severity,
    message: transition.message,
    values: { ...transition.values },
    expires: expiryOf(transition) ?? item.expires,
    flapping: transition.flapping ?? item.flapping,
    acknowledgedBy: isWorse ? null : item.acknowledgedBy,
  };
}

function corrected(item: AlertItem, { outcome }: Extract<AlertTransition, { type: 'correct' }>): Partial<AlertItem> {
  if (outcome === null) return { retracted: true };
  const severity = outcome.severities.at(-1)?.severity ?? item.severity;
  const { since, raisedAt, clearedAt } = outcome;
  return {
    retracted: false,
    severity,
    since: rfc3339(since),
    raisedAt: rfc3339(raisedAt),
    clearedAt: clearedAt === null ? null : rfc3339(clearedAt),
  };
}

const SEVERITY_RANK = { minor: 0, moderate: 1, severe: 2, extreme: 3 } as const;

function timelineOf(transition: AlertTransition, record: string): AlertItem['timeline'][number] {
  const entry = { type: transition.type, at: rfc3339(transition.at), record };
  if (transition.type === 'correct') {
    const severity = transition.outcome?.severities.at(-1)?.severity;
    return severity === undefined ? entry : { ...entry, severity };
  }
  if (isEffect(transition)) return 'severity' in transition ? { ...entry, severity: transition.severity } : entry;
  const said = textOf(transition);
  return { ...entry, by: transition.by, ...(said === undefined ? {} : { comment: said }) };
}

/** What the person said or decided, in one text. */
function textOf(act: Exclude<AlertTransition, { n: number }>): string | undefined {
  if ('comment' in act) return act.comment;
  if ('reason' in act) return act.reason;
  if ('text' in act) return act.text;
  return 'to' in act ? act.to : undefined;
}

function expiryOf({ expires }: { readonly expires?: number }): string | null {
  return expires === undefined ? null : rfc3339(expires);
}

function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
