/** What people have done about an alert, or a group's, and what time does about it when they have done nothing. */
import type { Severity } from '@airtight/protocol';
import type { Rule } from '../contract.ts';
import type { Turn } from '../turn.ts';
import { effectBase, type Numbered } from './effect-base.ts';

export interface Attention {
  /** Newest tick when it was raised or became worse, or when the last approval came: from then on escalation counts. */
  countsFrom: number | null;
  acknowledged: boolean;
  approvedBy: readonly string[];
  shelvedUntil: number | null;
  /** Steps of the escalation that were taken. */
  escalated: number;
}

/** Nobody has done anything yet. @param approvals how many different people must approve first */
export function freshAttention(tickAt: number | null, approvals: number): Attention {
  return { countsFrom: approvals > 0 ? null : tickAt, acknowledged: false, approvedBy: [], shelvedUntil: null, escalated: 0 };
}

/** True when as many people as the contract asks for have approved. */
export function isApproved({ approvals }: Rule, { approvedBy }: Attention): boolean {
  return approvedBy.length >= approvals;
}

export function approve(rule: Rule, attention: Attention, by: string, tickAt: number | null): void {
  if (!attention.approvedBy.includes(by)) attention.approvedBy = [...attention.approvedBy, by];
  if (isApproved(rule, attention)) attention.countsFrom ??= tickAt;
}

/** It has become worse: it must be acknowledged again, and the time for that begins anew. */
export function drawAttention(rule: Rule, attention: Attention, tickAt: number | null): void {
  Object.assign(attention, { acknowledged: false, escalated: 0, countsFrom: isApproved(rule, attention) ? tickAt : null });
}

/** Ends a shelf whose time has come. */
export function endShelf(turn: Turn, rule: Rule, attention: Attention & Numbered, at: number): void {
  if (attention.shelvedUntil === null || attention.shelvedUntil > at) return;
  attention.shelvedUntil = null;
  turn.effects.push({ type: 'shelf-end', ...effectBase(rule, attention), at, evidence: [turn.position] });
}

/** Takes the steps that are due while nobody acknowledges. */
export function escalate(turn: Turn, rule: Rule, attention: Attention & Numbered, current: Severity, at: number): void {
  const { escalation } = rule;
  if (attention.acknowledged || attention.shelvedUntil !== null || !isApproved(rule, attention)) return;
  attention.countsFrom ??= at;
  for (let due = escalation[attention.escalated]; due !== undefined; due = escalation[attention.escalated]) {
    if (at - attention.countsFrom < due.afterMs) return;
    const step = ++attention.escalated;
    const told = { at, step, severity: reached(rule, step, current), notify: due.notify, evidence: [turn.position] };
    turn.effects.push({ type: 'escalate', ...effectBase(rule, attention), ...told });
  }
}

/** A step that names no severity leaves what the steps before it have made of the alert's own. */
function reached({ escalation }: Rule, steps: number, current: Severity): Severity {
  return escalation.slice(0, steps).findLast(({ severity }) => severity !== null)?.severity ?? current;
}
