/** Alerts that something else explains: while it is active they are suppressed, visible, and nobody is told of them. */
import { OUT_OF_SERVICE } from '@airtight/protocol';
import type { Rule } from '../contract.ts';
import { type EngineState, type RuleState, ruleKey } from '../engine-state.ts';
import { inScope } from '../rule/places.ts';
import type { Turn } from '../turn.ts';
import { effectBase, type Numbered } from './effect-base.ts';
import { type Episode, isActive } from './episode.ts';

export interface OutOfServiceEntry {
  readonly contract: string;
  readonly rule: string | null;
  readonly subject: string | null;
  /** Epoch ms; null: until it is returned. */
  readonly until: number | null;
}

/** Explanations that are named; beyond it the rest changes nothing. */
export const REASONS_MAX = 8;

function isOutOfService(state: EngineState, known: RuleState, subject: string): boolean {
  const { contract, id } = known.rule;
  for (const entry of state.services.values()) {
    const isMeant = entry.contract === contract && (entry.rule ?? id) === id && (entry.subject ?? subject) === subject;
    if (isMeant) return true;
  }
  return false;
}

/** Ids of active alerts that suppress this one, and OUT_OF_SERVICE. */
export function reasonsToSuppress(state: EngineState, known: RuleState, episode: Pick<Episode, 'subject' | 'agency'>): readonly string[] {
  const reasons = isOutOfService(state, known, episode.subject) ? [OUT_OF_SERVICE] : [];
  for (const inhibition of known.rule.inhibitedBy) {
    const source = state.index.byKey.get(ruleKey(inhibition));
    if (source === undefined) continue;
    const candidates = inhibition.of === 'subject' ? [source.episodes.get(episode.subject) ?? []] : source.episodes.values();
    for (const episodes of candidates) {
      const active = episodes.findLast(isActive);
      if (active !== undefined && inScope(inhibition.of, active, episode, state.places)) reasons.push(active.alert);
      if (reasons.length >= REASONS_MAX) return reasons;
    }
  }
  return reasons;
}

/**
 * Tells what of the reasons to suppress an active alert has changed.
 * @param at when what explains it changed: event time, so that it is the same however fast the journal is read
 * @param evidence none when another alert changed: that one has its own
 */
export function reviewSuppression(turn: Turn, known: RuleState, episode: Episode, at: number, evidence: readonly number[]): void {
  const before = episode.suppressedBy;
  const now = reasonsToSuppress(turn.state, known, episode);
  episode.suppressedBy = now;
  if (now.length > 0 && before.length === 0 && raiseSuppressed(turn, episode, now)) return;
  tellSuppression(turn, known.rule, episode, before, now, Math.max(at, episode.raisedAt), evidence);
}

/**
 * The same event raised it and what explains it, whichever came first in the order of the contracts: it is raised suppressed,
 * so that nobody is told of it for an instant.
 */
function raiseSuppressed({ effects }: Turn, { alert }: Episode, suppressedBy: readonly string[]): boolean {
  const place = effects.findLastIndex((effect) => effect.alert === alert);
  const effect = effects[place];
  // What was told of it since would then stand before its reason.
  if (effect?.type !== 'raise') return false;
  effects[place] = { ...effect, suppressedBy };
  return true;
}

/** Tells which reasons to suppress an alert, or a group's, came and went. */
export function tellSuppression(
  turn: Turn,
  rule: Rule,
  numbered: Numbered,
  before: readonly string[],
  now: readonly string[],
  at: number,
  evidence: readonly number[],
): void {
  const told = { at, evidence };
  for (const by of now) if (!before.includes(by)) turn.effects.push({ type: 'suppress', ...effectBase(rule, numbered), ...told, by });
  for (const by of before) if (!now.includes(by)) turn.effects.push({ type: 'unsuppress', ...effectBase(rule, numbered), ...told, by });
}

/** Looks again at the alerts that a rule, whose alerts have changed from an event time on, may suppress. */
export function reviewInhibited(turn: Turn, source: RuleState, from: number): void {
  const { id, contract } = source.rule;
  for (const known of turn.state.index.inhibited.get(ruleKey({ contract, rule: id })) ?? []) {
    for (const episodes of known.episodes.values()) {
      for (const episode of episodes) if (isActive(episode)) reviewSuppression(turn, known, episode, from, []);
    }
  }
}
