/**
 * Silence, judged when a tick is on record, without any message. A producer is watched once it has reported live (neither
 * late nor future by its flags), so a replayed history never raises; or, where the rule says so, once it is registered.
 * Silence is the time from its newest live event time to the tick; time during which no ticks came (the platform itself was
 * down) does not count. That it was silent stays true whatever comes later: nothing is corrected.
 */
import { issue } from '../alert/issue.ts';
import type { NoDataRule } from '../contract.ts';
import type { RuleState } from '../engine-state.ts';
import type { Turn } from '../turn.ts';
import type { Transition } from './machine.ts';
import { isOf } from './places.ts';
import type { Reading } from './series.ts';
import { cadenceOf, hear, lookAgain, type Silence } from './silence.ts';

/** Takes note of a reading. */
export function hearReading(known: RuleState, { agency, producer, at, position, live }: Reading): void {
  if (!live) return;
  const silence = known.silences.get(producer) ?? newSilence(agency);
  known.silences.set(producer, silence);
  silence.agency = agency;
  hear(silence, at, position);
  lookAgain(known.quiet);
}

/** Judges all watched producers at a tick. @param listeningSince epoch ms since which ticks have come without a gap */
export function listen(turn: Turn, known: RuleState, rule: NoDataRule, at: number, listeningSince: number): void {
  const { quiet } = known;
  const { epoch } = turn.state.index;
  const isKnown = quiet.listeningSince === listeningSince && quiet.epoch === epoch && at >= quiet.at;
  if (isKnown && at < quiet.until) return;
  if (rule.neverMs !== null) watchRegistered(turn, known, rule);
  let until = Number.POSITIVE_INFINITY;
  for (const [producer, silence] of known.silences) {
    const transition = judge(turn, rule, producer, silence, at, listeningSince);
    if (transition !== null) issue(turn, known, { subject: producer, agency: silence.agency }, [transition]);
    // One that is active, or that a person cleared, ends when something is heard.
    if (!silence.active && !silence.disarmed) until = Math.min(until, dueAt(turn, rule, producer, silence, at, listeningSince));
  }
  Object.assign(quiet, { until, at, listeningSince, epoch });
}

function judge(turn: Turn, rule: NoDataRule, producer: string, silence: Silence, at: number, listeningSince: number): Transition | null {
  const isNew = silence.at < 0;
  const newest = newestOf(turn, producer, silence, at);
  const afterMs = afterOf(rule, silence);
  const told = { at, level: 0, flapping: false, values: {} };
  if (silence.active) {
    if (newest <= silence.since || at - newest >= afterMs) return null;
    silence.active = false;
    return { kind: 'clear', ...told, since: newest, evidence: [silence.position] };
  }
  if (silence.disarmed || at - Math.max(newest, listeningSince) < afterMs) return null;
  Object.assign(silence, { active: true, since: newest });
  return { kind: 'raise', ...told, since: newest, evidence: isNew ? [turn.position] : [silence.position, turn.position] };
}

/** From when on a producer that stays silent is told of. */
function dueAt(turn: Turn, rule: NoDataRule, producer: string, silence: Silence, at: number, listeningSince: number): number {
  return Math.max(newestOf(turn, producer, silence, at), listeningSince) + afterOf(rule, silence);
}

/** The newest that was heard; of one that never reported when it was registered. */
function newestOf({ state }: Turn, producer: string, silence: Silence, at: number): number {
  return silence.at < 0 ? (state.places.get(producer)?.knownFrom ?? at) : silence.at;
}

function afterOf({ neverMs, afterMs, afterCadences, input }: NoDataRule, silence: Silence): number {
  if (silence.at < 0) return neverMs ?? Number.POSITIVE_INFINITY;
  return afterMs ?? (afterCadences ?? 0) * cadenceOf(silence, input.cadenceMs);
}

function watchRegistered(turn: Turn, known: RuleState, { input }: NoDataRule): void {
  for (const [producer, { agency, datasets, revoked }] of turn.state.places) {
    if (known.silences.has(producer) || revoked || !datasets.includes(input.dataset)) continue;
    if (isOf(input, producer, agency, turn.state.places)) known.silences.set(producer, newSilence(agency));
  }
}

function newSilence(agency: string): Silence {
  return { agency, at: -1, position: -1, gaps: [], disarmed: false, active: false, since: -1 };
}
