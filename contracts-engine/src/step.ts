/**
 * One step of the engine: (state, event) → effects, advancing the state in place (copying it per reading would cost more
 * than judging). Deterministic: live, replay and backtest are this same function.
 */
import {
  type AlertEffect,
  type AlertTransition,
  isEffect,
  type Observation,
  TICK_INTERVAL_MS,
  transitionMessageId,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { applyAct } from './alert/acts.ts';
import { issue } from './alert/issue.ts';
import { reviewInhibited } from './alert/suppression.ts';
import { passTime } from './alert/timers.ts';
import { enactContract, enactDataset, enactDevice, enactDue, withdrawContract } from './contract-change.ts';
import type { EngineEvent } from './engine-event.ts';
import { type EngineState, ruleKey } from './engine-state.ts';
import { forgetErased } from './erase.ts';
import { takeWord, wordsOn } from './quality/persons-words.ts';
import { type Judges, readingsOf } from './reading.ts';
import { judgeAlerts } from './rule/alerts-rule.ts';
import { Feed, type Route } from './rule/feed.ts';
import { judgeStation, judgeStationsAt } from './rule/grid-rule.ts';
import type { Transition } from './rule/machine.ts';
import { hearReading, listen } from './rule/no-data-rule.ts';
import { countReadings, giveRoom } from './rule/room.ts';
import type { Reading } from './rule/series.ts';
import { judgeReading } from './rule/series-rule.ts';
import { newTurn, type Turn } from './turn.ts';

/** Ticks further apart than this mean that nothing could be received in between. */
export const TICK_GAP_MAX_MS = 3 * TICK_INTERVAL_MS;
/** Effects on their way through ingest. Beyond it the oldest are forgotten, and their records then count as mismatches. */
export const UNRECORDED_MAX = 10_000;
/** Rules over alerts that judge each other's: so many one after the other, then the next event goes on. */
const ROUNDS_MAX = 8;

const NOTHING: readonly AlertEffect[] = [];

/** @returns what the event causes, in a fixed order: readings, contracts and rules in theirs, then what follows from it */
export function step(state: EngineState, event: EngineEvent): readonly AlertEffect[] {
  const turn = newTurn(state, event.position);
  take(turn, event);
  if (turn.touched.size > 0) followUp(turn);
  if (turn.effects.length === 0) return NOTHING;
  for (const effect of turn.effects) {
    if (state.unrecorded.size >= UNRECORDED_MAX) forgetOldest(state.unrecorded);
    state.unrecorded.set(transitionMessageId(effect), effect);
  }
  return turn.effects;
}

/** A tenth at a time: the first key of a map is found slowly once many before it are gone. */
function forgetOldest(unrecorded: EngineState['unrecorded']): void {
  let left = UNRECORDED_MAX / 10;
  for (const messageId of unrecorded.keys()) {
    if (left-- <= 0) return;
    unrecorded.delete(messageId);
  }
}

function take(turn: Turn, event: EngineEvent): void {
  switch (event.kind) {
    case 'observations':
      if (turn.state.index.datasets.has(event.observations[0]?.dataset ?? ''))
        for (const reading of readingsOf(event.observations, event.position, judgesOf(turn.state, event.observations[0])))
          onReading(turn, reading);
      return;
    case 'tick':
      return onTick(turn, event.at);
    case 'contract':
      return enactContract(turn, event.record);
    case 'withdrawal':
      return withdrawContract(turn, event.record);
    case 'alert':
      return onAlert(turn, event.transition);
    case 'device':
      return enactDevice(turn.state, event.record);
    case 'dataset':
      return enactDataset(turn, event.definition);
    case 'flag':
      return takeWord(turn, event.record);
    case 'erasure':
      return forgetErased(turn.state, event.record);
  }
}

function judgesOf(state: EngineState, first: Observation | undefined): Judges {
  if (first === undefined) return { tests: undefined, words: [] };
  return { tests: state.index.valueTests.get(first.dataset), words: wordsOn(state, first.dataset, first.producer) };
}

function onReading(turn: Turn, reading: Reading): void {
  const { state } = turn;
  // A time that cannot be is no event time.
  for (const name in reading.flags) if (reading.flags[name]?.includes('future')) return;
  const feed = feedOf(state, reading);
  const route = feed.route(state, reading.agency);
  if (route.explaining.length > 0) expireExplanations(turn, route, reading.at);
  if (route.bounds.length > 0) judgeReading(turn, feed, route, reading);
  countReadings(state, feed);
  giveRoom(state, feed);
  for (const known of route.silences) hearReading(known, reading);
  for (const known of route.overStations) if (known.rule.kind === 'grid') judgeStation(turn, known, known.rule, reading);
}

/**
 * What has expired by the time of a reading explains nothing any more, also when the reading does not concern it: ended in order
 * of time before the reading is judged, so that what it suppressed comes back the same with ticks and without.
 */
function expireExplanations(turn: Turn, { explaining }: Route, at: number): void {
  for (;;) {
    const first = Math.min(...explaining.map(({ rule, tracker }) => tracker.deadline(rule)));
    if (first >= at) return;
    for (const { state: known, rule, tracker } of explaining) {
      const transitions: Transition[] = [];
      if (tracker.deadline(rule) === first) tracker.expireBefore(rule, at, transitions);
      issue(turn, known, tracker, transitions);
    }
    followUp(turn);
  }
}

function feedOf({ feeds }: EngineState, { dataset, producer, agency }: Reading): Feed {
  let ofDataset = feeds.get(dataset);
  if (ofDataset === undefined) {
    ofDataset = new Map();
    feeds.set(dataset, ofDataset);
  }
  let feed = ofDataset.get(producer);
  if (feed === undefined) {
    feed = new Feed(dataset, producer, agency);
    ofDataset.set(producer, feed);
  }
  return feed;
}

function onTick(turn: Turn, at: number): void {
  const { state } = turn;
  const sinceLastMs = state.tickAt === null ? -1 : at - state.tickAt;
  if (state.listeningSince === null || sinceLastMs < 0 || sinceLastMs > TICK_GAP_MAX_MS) state.listeningSince = at;
  // Registered before time began: known from now on.
  if (state.tickAt === null) for (const [producer, place] of state.places) state.places.set(producer, { ...place, knownFrom: at });
  state.tickAt = at;
  if (state.scheduled.length > 0) enactDue(turn, at);
  for (const known of state.index.rules) {
    const { rule } = known;
    if (rule.kind === 'no-data') listen(turn, known, rule, at, state.listeningSince);
    else if (rule.kind === 'grid') judgeStationsAt(turn, known, rule, at);
  }
  passTime(turn, at);
}

/** What the engine caused must come back as it was caused; what people do changes how alerts stand. */
function onAlert(turn: Turn, transition: AlertTransition): void {
  if (!isEffect(transition)) return applyAct(turn, transition);
  const { unrecorded, counters } = turn.state;
  const messageId = transitionMessageId(transition);
  const caused = unrecorded.get(messageId);
  if (caused === undefined || canonicalJson(caused) !== canonicalJson(transition)) counters.mismatches++;
  unrecorded.delete(messageId);
}

/** Rules over alerts, and suppression: until nothing changes any more. */
function followUp(turn: Turn): void {
  const { readers, inhibited } = turn.state.index;
  if (readers.size + inhibited.size === 0) {
    turn.touched.clear();
    return;
  }
  for (let round = 0; turn.touched.size > 0 && round < ROUNDS_MAX; round++) {
    const touched = [...turn.touched];
    turn.touched.clear();
    for (const [source, from] of touched) {
      const { contract, id } = source.rule;
      for (const known of readers.get(ruleKey({ contract, rule: id })) ?? []) {
        if (known.rule.kind === 'alerts') judgeAlerts(turn, known, known.rule, source, from);
      }
      reviewInhibited(turn, source, from);
    }
  }
  turn.touched.clear();
}
