/**
 * One alert for many: while any alert of a rule is active in a region (an agency, everywhere) so is its group's, and people
 * are told of that one alone. It is raised after its first member, so that who reads it knows whom it is about; who joined
 * and left is told at the next tick, so a storm of a thousand is two records.
 */
import { type AlertRaised, type Bilingual, OUT_OF_SERVICE, SEVERITIES, type Severity, sha256Hex } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { RuleState } from '../engine-state.ts';
import { fillMessage } from '../message-template.ts';
import type { Transition } from '../rule/machine.ts';
import { subjectOf } from '../rule/places.ts';
import type { Turn } from '../turn.ts';
import { type Attention, drawAttention, endShelf, escalate, freshAttention } from './attention.ts';
import { effectBase } from './effect-base.ts';
import type { Episode } from './episode.ts';
import { levelOf } from './level.ts';
import { REASONS_MAX, tellSuppression } from './suppression.ts';
import { toldValues } from './told.ts';

export interface GroupAlert extends Attention {
  readonly alert: string;
  readonly agency: string;
  readonly since: number;
  n: number;
  severity: Severity;
  readonly message: Bilingual;
  /** Ids of the active alerts in it. */
  members: readonly string[];
  /** As of the last update. */
  told: readonly string[];
  suppressedBy: readonly string[];
}

/** Ids that one update names; the count is always right. */
const NAMED_MAX = 100;

/** @returns the alert of the group, and its raise when this is its first member; undefined when the rule does not group */
export function joinGroup(
  turn: Turn,
  known: RuleState,
  episode: Episode,
  severity: Severity,
  transition: Transition,
): { readonly alert: string; readonly raised?: AlertRaised } | undefined {
  const name = groupName(turn, known, episode);
  if (name === undefined) return undefined;
  const group = known.groups.get(name);
  if (group === undefined) return open(turn, known, name, episode, severity, transition);
  group.members = [...group.members, episode.alert];
  return { alert: group.alert };
}

/** Late data opened an alert again. One whose group is over is told of by itself. */
export function rejoinGroup(known: RuleState, episode: Episode): void {
  const group = [...known.groups.values()].find(({ alert }) => alert === episode.group);
  if (group === undefined) episode.group = null;
  else group.members = [...group.members, episode.alert];
}

/** Its group hears of it at the next tick. */
export function leaveGroup(known: RuleState, { alert, group: id }: Episode): void {
  if (id === null) return;
  for (const group of known.groups.values()) {
    if (group.alert === id) group.members = group.members.filter((member) => member !== alert);
  }
}

/** Tells at a tick what has become of the groups of a rule, and escalates them; one that is empty is over. */
export function settleGroups(turn: Turn, known: RuleState, at: number): void {
  for (const [name, group] of known.groups) {
    if (group.members.length === 0) {
      known.groups.delete(name);
      const told = { at, evidence: [turn.position], values: {}, reason: 'group-empty' } as const;
      turn.effects.push({ type: 'clear', ...effectBase(known.rule, group), ...told });
      continue;
    }
    endShelf(turn, known.rule, group, at);
    reviewGroup(turn, known, group, at);
    tellMembers(turn, known, group, at);
    if (group.suppressedBy.length === 0) escalate(turn, known.rule, group, group.severity, at);
  }
}

/** A group is suppressed as long as all of its members are. */
function reviewGroup(turn: Turn, { rule }: RuleState, group: GroupAlert, at: number): void {
  const before = group.suppressedBy;
  const now = reasonsOf(turn, group);
  group.suppressedBy = now;
  tellSuppression(turn, rule, group, before, now, at, [turn.position]);
}

/** Out of service when all members are; else what suppresses the members one by one; none when a member is not suppressed. */
function reasonsOf({ state }: Turn, { members }: GroupAlert): readonly string[] {
  const each = members.map((member) => state.index.active.get(member)?.episode.suppressedBy ?? []);
  if (each.some((reasons) => reasons.length === 0)) return [];
  if (each.every((reasons) => reasons.includes(OUT_OF_SERVICE))) return [OUT_OF_SERVICE];
  const others = new Set(each.flat().filter((by) => by !== OUT_OF_SERVICE));
  return [...others].slice(0, REASONS_MAX);
}

function tellMembers(turn: Turn, known: RuleState, group: GroupAlert, at: number): void {
  const severity = worstOf(turn, known, group);
  const [before, now] = [new Set(group.told), new Set(group.members)];
  const added = group.members.filter((member) => !before.has(member));
  const removed = group.told.filter((member) => !now.has(member));
  if (severity === group.severity && added.length + removed.length === 0) return;
  const count = group.members.length;
  const { notify } = known.rule;
  const isWorse = SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(group.severity);
  if (isWorse) drawAttention(known.rule, group, turn.state.tickAt);
  Object.assign(group, { severity, told: group.members });
  turn.effects.push({
    ...{ type: 'update', ...effectBase(known.rule, group), at, evidence: [turn.position], severity },
    ...{ since: group.since, values: { members: count }, message: group.message },
    members: { count, added: added.slice(0, NAMED_MAX), removed: removed.slice(0, NAMED_MAX) },
    ...(isWorse && notify.length > 0 ? { notify } : {}),
  });
}

/** The group with that alert, among all; undefined when there is none. */
export function findGroup({ state }: Turn, alert: string): { readonly known: RuleState; readonly group: GroupAlert } | undefined {
  for (const known of state.index.rules) {
    for (const group of known.groups.values()) if (group.alert === alert) return { known, group };
  }
  return undefined;
}

/** A person closed the group's alert: the next member opens another. */
export function forgetGroup({ groups }: RuleState, alert: string): void {
  for (const [name, group] of groups) if (group.alert === alert) groups.delete(name);
}

function open(
  turn: Turn,
  known: RuleState,
  name: string,
  episode: Episode,
  severity: Severity,
  transition: Transition,
): { readonly alert: string; readonly raised: AlertRaised } {
  const { rule } = known;
  const { contract, version, id } = rule;
  const { at, since } = transition;
  const values = toldValues(turn.state, rule, transition.values);
  const identity = { contract, version, rule: id, group: name, since, position: turn.position };
  const alert = sha256Hex(new TextEncoder().encode(canonicalJson(identity))).slice(0, 32);
  const message = fillMessage(levelOf(rule, transition.level).message, name, since, values);
  const group: GroupAlert = {
    alert,
    agency: episode.agency,
    since,
    n: 1,
    severity,
    message,
    members: [episode.alert],
    told: [],
    suppressedBy: episode.suppressedBy,
    ...freshAttention(turn.state.tickAt, rule.approvals),
  };
  known.groups.set(name, group);
  const raised: AlertRaised = {
    ...{ v: 1, type: 'raise', alert, n: 0, at, contract, version, rule: id, severity },
    ...{ agency: episode.agency, dataset: rule.dataset, subject: name, since, values, message, evidence: transition.evidence },
    ...(rule.notify.length > 0 ? { notify: rule.notify } : {}),
    ...(rule.approvals > 0 ? { approvals: rule.approvals } : {}),
    ...(group.suppressedBy.length > 0 ? { suppressedBy: group.suppressedBy } : {}),
  };
  return { alert, raised };
}

function groupName({ state }: Turn, { rule }: RuleState, { subject, agency }: Episode): string | undefined {
  if (rule.group === null) return undefined;
  const name = subjectOf(rule.group, subject, agency, state.places);
  return name === undefined ? undefined : `group:${name}`;
}

function worstOf({ state }: Turn, known: RuleState, group: GroupAlert): Severity {
  let worst = 0;
  for (const member of group.members) {
    const level = state.index.active.get(member)?.episode.steps.at(-1)?.level;
    if (level !== undefined) worst = Math.max(worst, SEVERITIES.indexOf(levelOf(known.rule, level).severity));
  }
  return SEVERITIES[worst] as Severity;
}
