/**
 * One step of the engine: (state, event) → effects, advancing the state in place (copying it per reading would cost more
 * than judging). Deterministic: live, replay and backtest are this same function.
 */
import { type AlertEffect, type AlertTransition, isEffect, TICK_INTERVAL_MS, transitionMessageId } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { enactContract, enactDataset } from './contract-change.ts';
import type { EngineEvent } from './engine-event.ts';
import type { EngineState } from './engine-state.ts';
import { hear, listen } from './no-data-rule.ts';
import { readingsOf } from './reading.ts';
import { judge } from './threshold-rule.ts';

/** Ticks further apart than this mean that nothing could be received in between. */
export const TICK_GAP_MAX_MS = 3 * TICK_INTERVAL_MS;
/** Effects on their way through ingest. Beyond it the oldest is forgotten, and its record then counts as a mismatch. */
export const UNRECORDED_MAX = 10_000;

/** @returns what the event causes, in a fixed order: contracts in order of appearance, rules and readings in theirs */
export function step(state: EngineState, event: EngineEvent): AlertEffect[] {
  const effects = effectsOf(state, event);
  for (const effect of effects) {
    if (state.unrecorded.size >= UNRECORDED_MAX) state.unrecorded.delete(state.unrecorded.keys().next().value as string);
    state.unrecorded.set(transitionMessageId(effect), effect);
  }
  return effects;
}

function effectsOf(state: EngineState, event: EngineEvent): AlertEffect[] {
  switch (event.kind) {
    case 'observations':
      return onObservations(state, event);
    case 'tick':
      return onTick(state, event);
    case 'contract':
      return enactContract(state, event.position, event.record);
    case 'alert':
      checkRecorded(state, event.transition);
      return [];
    case 'dataset':
      enactDataset(state, event.definition);
      return [];
  }
}

function onObservations(state: EngineState, { observations, position }: Extract<EngineEvent, { kind: 'observations' }>): AlertEffect[] {
  const running = state.byDataset.get(observations[0]?.dataset ?? '');
  const effects: AlertEffect[] = [];
  if (running === undefined) return effects;
  for (const reading of readingsOf(observations, position)) {
    for (const { contract, rules } of running) {
      for (const rule of contract.rules) {
        const subjects = rules.get(rule.id);
        if (subjects === undefined) continue;
        if (rule.kind === 'no-data') hear(subjects, reading);
        else {
          const effect = judge(contract, rule, subjects, reading, state.counters);
          if (effect !== null) effects.push(effect);
        }
      }
    }
  }
  return effects;
}

function onTick(state: EngineState, tick: { readonly at: number; readonly position: number }): AlertEffect[] {
  const sinceLastMs = state.tickAt === null ? -1 : tick.at - state.tickAt;
  if (state.listeningSince === null || sinceLastMs < 0 || sinceLastMs > TICK_GAP_MAX_MS) state.listeningSince = tick.at;
  state.tickAt = tick.at;
  const effects: AlertEffect[] = [];
  for (const running of state.byDataset.values()) {
    for (const { contract, rules } of running) {
      for (const rule of contract.rules) {
        const subjects = rules.get(rule.id);
        if (rule.kind === 'no-data' && subjects !== undefined)
          effects.push(...listen(contract, rule, subjects, tick, state.listeningSince));
      }
    }
  }
  return effects;
}

/** An acknowledgement is a person's act and changes no condition; what the engine caused must come back as it was caused. */
function checkRecorded(state: EngineState, transition: AlertTransition): void {
  if (!isEffect(transition)) return;
  const messageId = transitionMessageId(transition);
  const caused = state.unrecorded.get(messageId);
  if (caused === undefined || canonicalJson(caused) !== canonicalJson(transition)) state.counters.mismatches++;
  state.unrecorded.delete(messageId);
}
