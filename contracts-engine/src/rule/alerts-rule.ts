/**
 * Rules that judge the alerts of other rules: how many of them are active, about the same subject, in the same region.
 * They are judged at the event times at which any of these begins, changes or ends, and again when a correction moves one.
 */

import { SEVERITIES } from '@airtight/protocol';
import type { Episode } from '../alert/episode.ts';
import { levelAt } from '../alert/episode.ts';
import { reissue } from '../alert/issue.ts';
import { levelOf } from '../alert/level.ts';
import type { AlertSource, AlertsRule } from '../contract.ts';
import { type RuleState, ruleKey } from '../engine-state.ts';
import type { Turn } from '../turn.ts';
import { fillRest } from './frame.ts';
import type { Instant, Transition } from './machine.ts';
import { inScope, subjectOf } from './places.ts';
import { Tracker } from './tracker.ts';

/** Judges what may have changed since an event time because the alerts of another rule did. */
export function judgeAlerts(turn: Turn, known: RuleState, rule: AlertsRule, source: RuleState, from: number): void {
  for (const [subject, agency] of subjectsOf(turn, rule, source)) {
    const tracker = known.trackers.get(subject) ?? new Tracker(subject, agency);
    known.trackers.set(subject, tracker);
    const transitions: Transition[] = [];
    // What lies further back than is kept stands.
    const earliest = tracker.earliestFrom(from);
    const start = tracker.rejudge(rule, earliest, (after) => instantsOf(turn, known, rule, tracker, after), transitions);
    if (start !== null) reissue(turn, known, tracker, start, transitions, from);
  }
}

function subjectsOf({ state }: Turn, rule: AlertsRule, source: RuleState): ReadonlyMap<string, string> {
  const subjects = new Map<string, string>();
  for (const episodes of source.episodes.values()) {
    const { subject, agency } = episodes[0] as Episode;
    const own = rule.subject === 'producer' ? subject : subjectOf(rule.subject, subject, agency, state.places);
    if (own !== undefined && !subjects.has(own)) subjects.set(own, agency);
  }
  return subjects;
}

function* instantsOf(turn: Turn, known: RuleState, rule: AlertsRule, tracker: Tracker, after: number): Iterable<Instant> {
  const seen = rule.frame.alerts.map(({ slot, source }) => ({ slot, source, ...episodesOf(turn, source, tracker) }));
  const times = new Set<number>();
  for (const { episodes } of seen) {
    for (const { retracted, steps, clearedAt } of episodes) {
      if (retracted) continue;
      for (const { at } of steps) times.add(at);
      if (clearedAt !== null) times.add(clearedAt);
    }
  }
  const { values } = known;
  for (const at of [...times].filter((time) => time > after).sort((a, b) => a - b)) {
    for (const { slot, source, state, episodes } of seen) values[slot] = countAt(source, state, episodes, at);
    fillRest(rule.frame, at, values);
    yield { at, position: turn.position, values };
  }
}

function episodesOf(turn: Turn, source: AlertSource, tracker: Tracker): { state: RuleState | undefined; episodes: readonly Episode[] } {
  const state = turn.state.index.byKey.get(ruleKey(source));
  if (state === undefined) return { state, episodes: [] };
  const all = source.of === 'subject' ? (state.episodes.get(tracker.subject) ?? []) : [...state.episodes.values()].flat();
  return { state, episodes: all.filter((episode) => inScope(source.of, episode, tracker, turn.state.places)) };
}

function countAt({ leastRank }: AlertSource, state: RuleState | undefined, episodes: readonly Episode[], at: number): number {
  let count = 0;
  for (const episode of episodes) {
    const level = levelAt(episode, at);
    if (level >= 0 && state !== undefined && SEVERITIES.indexOf(levelOf(state.rule, level).severity) >= leastRank) count++;
  }
  return count;
}
