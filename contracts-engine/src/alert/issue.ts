/** Alerts as the engine writes them. The same inputs under the same contract give the same bytes, id included. */
import { type AlertCorrected, type AlertRaised, type AlertValues, sha256Hex } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { LATENESS_MAX_MS, type Rule } from '../contract.ts';
import { type RuleState, ruleKey } from '../engine-state.ts';
import { fillMessage } from '../message-template.ts';
import { keptMs } from '../rule/kept-history.ts';
import type { Transition } from '../rule/machine.ts';
import { type Turn, touch } from '../turn.ts';
import { drawAttention, freshAttention } from './attention.ts';
import { effectBase } from './effect-base.ts';
import { type Episode, isActive } from './episode.ts';
import { joinGroup, leaveGroup, rejoinGroup } from './group.ts';
import { levelOf } from './level.ts';
import { continuation, type Draft, reconcile } from './reconcile.ts';
import { reasonsToSuppress } from './suppression.ts';
import { toldValues } from './told.ts';

/** Episodes kept per rule and subject for late data; beyond it the oldest that are over are forgotten. */
const EPISODES_MAX = 64;

export interface Subject {
  readonly subject: string;
  readonly agency: string;
}

/** Issues what happened in order. */
export function issue(turn: Turn, known: RuleState, subject: Subject, transitions: readonly Transition[]): void {
  for (const transition of transitions) {
    const episode = (known.episodes.get(subject.subject) ?? []).findLast(isActive);
    if (transition.kind === 'raise') raise(turn, known, subject, transition, false);
    else if (episode !== undefined) follow(turn, known, episode, transition);
  }
}

/**
 * Issues what late data make of the time since `start`.
 * @param at event time of the reading
 */
export function reissue(
  turn: Turn,
  known: RuleState,
  subject: Subject,
  start: number,
  transitions: readonly Transition[],
  at: number,
): void {
  const episodes = known.episodes.get(subject.subject) ?? [];
  const { retracted, drafts } = reconcile(episodes, start, transitions);
  for (const episode of retracted) correct(turn, known, episode, null, {}, at);
  for (const [episode, draft] of drafts) {
    if (episode === null) hindsight(turn, known, subject, draft);
    else amend(turn, known, episode, draft, at);
  }
}

function hindsight(turn: Turn, known: RuleState, subject: Subject, draft: Draft): void {
  const [first, ...rest] = draft.transitions;
  const episode = raise(turn, known, subject, first as Transition, true);
  for (const transition of rest) follow(turn, known, episode, transition);
}

function amend(turn: Turn, known: RuleState, episode: Episode, draft: Draft, at: number): void {
  const rest = continuation(episode, draft);
  if (rest === null) correct(turn, known, episode, draft, draft.transitions.at(-1)?.values ?? {}, at);
  else for (const transition of rest) follow(turn, known, episode, transition);
}

function raise(turn: Turn, known: RuleState, subject: Subject, transition: Transition, isHindsight: boolean): Episode {
  const { rule } = known;
  const { at, since, level } = transition;
  const { severity, message } = levelOf(rule, level);
  const alert = alertId(rule, subject.subject, since, known.episodes.get(subject.subject) ?? []);
  const episode = newEpisode(turn, rule, subject, alert, transition);
  episode.suppressedBy = reasonsToSuppress(turn.state, known, episode);
  const joined = joinGroup(turn, known, episode, severity, transition);
  episode.group = joined?.alert ?? null;
  remember(turn, known, episode);
  const values = toldValues(turn.state, rule, transition.values);
  const raised: AlertRaised = {
    ...{ v: 1, type: 'raise', alert, n: 0, at },
    ...{ contract: rule.contract, version: rule.version, rule: rule.id, severity },
    ...{ agency: subject.agency, dataset: rule.dataset, subject: subject.subject, since },
    values,
    message: fillMessage(message, subject.subject, since, values),
    evidence: transition.evidence,
    ...(rule.notify.length > 0 && episode.group === null ? { notify: rule.notify } : {}),
    ...(rule.approvals > 0 && episode.group === null ? { approvals: rule.approvals } : {}),
    ...(episode.group === null ? {} : { group: episode.group }),
    ...(episode.suppressedBy.length > 0 ? { suppressedBy: episode.suppressedBy } : {}),
    ...expiryOf(rule, at),
    ...(isHindsight ? { hindsight: true } : {}),
  };
  turn.effects.push(raised, ...(joined?.raised === undefined ? [] : [joined.raised]));
  touch(turn, known, at);
  return episode;
}

function follow(turn: Turn, known: RuleState, episode: Episode, transition: Transition): void {
  const { at, kind, level, flapping, evidence } = transition;
  const values = toldValues(turn.state, known.rule, transition.values);
  touch(turn, known, at);
  if (kind === 'update') {
    const before = episode.steps.at(-1)?.level ?? -1;
    const { severity, message } = levelOf(known.rule, level);
    episode.steps = [...episode.steps, { at, level, flapping }];
    if (level > before) drawAttention(known.rule, episode, turn.state.tickAt);
    const text = fillMessage(message, episode.subject, transition.since, values);
    const told = { type: 'update', ...effectBase(known.rule, episode), at, severity, since: transition.since, values } as const;
    const { notify } = known.rule;
    const wasFlapping = episode.steps.at(-2)?.flapping === true;
    turn.effects.push({
      ...told,
      ...{ message: text, evidence },
      ...(notify.length > 0 && episode.group === null ? { notify } : {}),
      ...(flapping === wasFlapping ? {} : { flapping }),
      ...expiryOf(known.rule, at),
    });
    return;
  }
  end(turn, known, episode, at);
  // What a person cleared is on record by that act.
  if (kind === 'close') return;
  const reason = transition.reason === undefined ? {} : { reason: transition.reason };
  turn.effects.push({ type: 'clear', ...effectBase(known.rule, episode), at, values, evidence, ...reason });
}

/** What has confirmed it at that time does so for as long as the contract says. */
function expiryOf(rule: Rule, at: number): { readonly expires?: number } {
  return rule.kind !== 'no-data' && rule.expiresMs !== null ? { expires: at + rule.expiresMs } : {};
}

/** Ends an alert in the books, without telling. */
export function end(turn: Turn, known: RuleState, episode: Episode, at: number): void {
  episode.clearedAt = at;
  turn.state.index.active.delete(episode.alert);
  leaveGroup(known, episode);
  touch(turn, known, at);
}

function correct(turn: Turn, known: RuleState, episode: Episode, draft: Draft | null, judged: AlertValues, at: number): void {
  const values = toldValues(turn.state, known.rule, judged);
  turn.state.counters.corrected++;
  touch(turn, known, Math.min(episode.raisedAt, draft?.raisedAt ?? episode.raisedAt));
  const wasActive = isActive(episode);
  if (draft === null) episode.retracted = true;
  else {
    const { since, raisedAt, steps, clearedAt } = draft;
    Object.assign(episode, { since, raisedAt, steps, clearedAt, retracted: false });
  }
  if (isActive(episode)) {
    turn.state.index.active.add({ state: known, episode });
    if (!wasActive && episode.group !== null) rejoinGroup(known, episode);
  } else if (wasActive) end(turn, known, episode, episode.clearedAt ?? episode.raisedAt);
  const outcome: AlertCorrected['outcome'] =
    draft === null
      ? null
      : {
          ...{ since: draft.since, raisedAt: draft.raisedAt },
          severities: draft.steps.map((step) => ({ at: step.at, severity: levelOf(known.rule, step.level).severity })),
          clearedAt: draft.clearedAt,
        };
  turn.effects.push({ type: 'correct', ...effectBase(known.rule, episode), at, outcome, values, evidence: [turn.position] });
}

function newEpisode(turn: Turn, rule: Rule, { subject, agency }: Subject, alert: string, { at, since, level }: Transition): Episode {
  return {
    ...{ alert, subject, agency, version: rule.version, n: 1, since, raisedAt: at },
    ...{ steps: [{ at, level, flapping: false }], clearedAt: null, retracted: false },
    ...freshAttention(turn.state.tickAt, rule.approvals),
    ...{ suppressedBy: [], group: null },
  };
}

function remember(turn: Turn, known: RuleState, episode: Episode): void {
  const { rule, episodes, trackers } = known;
  const { index } = turn.state;
  const isRead = index.readers.has(ruleKey({ contract: rule.contract, rule: rule.id }));
  const horizon = episode.raisedAt - (isRead ? LATENESS_MAX_MS : keptMs(rule));
  const before = episodes.get(episode.subject) ?? [];
  const recent = before.filter((old) => isActive(old) || old.retracted || endOf(old) > horizon);
  const kept = recent.slice(-EPISODES_MAX);
  episodes.set(episode.subject, [...kept, episode]);
  index.active.add({ state: known, episode });
  // Without the alert there is nothing that late data could correct.
  const forgotten = before.filter((old) => !old.retracted && !kept.includes(old));
  if (forgotten.length > 0) trackers.get(episode.subject)?.forgetBefore(Math.max(...forgotten.map(endOf)));
}

function endOf({ clearedAt, raisedAt }: Episode): number {
  return clearedAt ?? raisedAt;
}

/**
 * In order one subject cannot raise twice with one `since` under one version: each raise needs a newer reading than the
 * last. So these five name the alert. Only where late data moved the beginning of an alert with that name, and then brought
 * forth another that begins there, the number of such others is the sixth.
 */
function alertId({ contract, version, id }: Rule, subject: string, since: number, others: readonly Episode[]): string {
  const identity = { contract, version, rule: id, subject, since };
  for (let again = 0; ; again++) {
    const named = again === 0 ? identity : { ...identity, again };
    const alert = sha256Hex(new TextEncoder().encode(canonicalJson(named))).slice(0, 32);
    if (others.every((other) => other.alert !== alert)) return alert;
  }
}
