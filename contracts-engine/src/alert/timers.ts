/** What the passing of time does to alerts: judged at ticks, which are on record. */
import type { Rule } from '../contract.ts';
import { type ActiveAlert, activeAlerts } from '../engine-state.ts';
import type { Transition } from '../rule/machine.ts';
import type { Turn } from '../turn.ts';
import { effectBase } from './effect-base.ts';
import { settleGroups } from './group.ts';
import { isApproved, issue } from './issue.ts';
import { levelOf } from './level.ts';
import { endServiceBreaks } from './service.ts';

/** Ends service breaks, shelves and what nothing confirms any more, escalates what nobody acknowledges, tells of groups. */
export function passTime(turn: Turn, at: number): void {
  endServiceBreaks(turn, at);
  for (const alert of activeAlerts(turn.state)) {
    endShelf(turn, alert, at);
    expire(turn, alert, at);
    escalate(turn, alert, at);
  }
  for (const known of turn.state.index.rules) if (known.groups.size > 0) settleGroups(turn, known, at);
}

function endShelf(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  if (episode.shelvedUntil === null || episode.shelvedUntil > at) return;
  episode.shelvedUntil = null;
  turn.effects.push({ type: 'shelf-end', ...effectBase(known.rule, episode), at, evidence: [turn.position] });
}

/** Only what was reported live is watched by the clock: readings of long ago expire by those that follow. */
function expire(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  const { rule } = known;
  const tracker = known.trackers.get(episode.subject);
  if (rule.kind === 'no-data' || rule.expiresMs === null || tracker === undefined || !tracker.live) return;
  const transitions: Transition[] = [];
  tracker.expireBefore(rule, at, transitions);
  issue(turn, known, episode, transitions);
}

function escalate(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  const { escalation } = known.rule;
  const isAside = episode.suppressedBy.length > 0 || episode.shelvedUntil !== null || episode.group !== null;
  if (escalation.length === 0 || episode.acknowledged || isAside || !isApproved(known.rule, episode)) return;
  if (episode.clearedAt !== null || episode.retracted) return;
  episode.countsFrom ??= at;
  for (let due = escalation[episode.escalated]; due !== undefined; due = escalation[episode.escalated]) {
    if (at - episode.countsFrom < due.afterMs) return;
    const step = ++episode.escalated;
    const severity = due.severity ?? currentSeverity(known.rule, episode.steps.at(-1)?.level ?? 0);
    const { notify } = due;
    turn.effects.push({ type: 'escalate', ...effectBase(known.rule, episode), at, step, severity, notify, evidence: [turn.position] });
  }
}

function currentSeverity(rule: Rule, level: number) {
  return levelOf(rule, level).severity;
}
