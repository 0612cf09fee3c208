/**
 * Silence, judged when a tick is on record, without any message. A producer is watched once it has reported live (neither
 * late nor future by its flags), so a replayed history never raises. Silence is the time from its newest live event time
 * to the tick; time during which no ticks came (the platform itself was down) does not count.
 */
import type { AlertEffect } from '@airtight/protocol';
import { clear, raise } from './alert-effect.ts';
import type { Contract, NoDataRule } from './contract.ts';
import type { Subjects } from './engine-state.ts';
import type { Reading } from './reading.ts';

/** Takes note of a reading. */
export function hear(subjects: Subjects, { agency, producer, at, position, live }: Reading): void {
  if (!live) return;
  const subject = subjects.get(producer);
  if (subject === undefined) subjects.set(producer, { agency, at, position, since: null, sincePosition: -1, active: null });
  else if (at > subject.at) Object.assign(subject, { agency, at, position });
}

/**
 * Judges all watched producers at a tick.
 * @param listeningSince epoch ms since which ticks have come without a gap
 */
export function listen(
  contract: Contract,
  rule: NoDataRule,
  subjects: Subjects,
  tick: { readonly at: number; readonly position: number },
  listeningSince: number,
): AlertEffect[] {
  const effects: AlertEffect[] = [];
  for (const [producer, subject] of subjects) {
    const { active } = subject;
    if (active !== null) {
      const heard = subject.at > active.since && tick.at - subject.at < rule.afterMs;
      if (heard) effects.push(clear(subject, { at: tick.at, values: {}, evidence: [subject.position] }));
    } else if (tick.at - Math.max(subject.at, listeningSince) >= rule.afterMs) {
      const evidence = [subject.position, tick.position];
      effects.push(raise(contract, rule, producer, subject, subject.at, { at: tick.at, values: {}, evidence }));
    }
  }
  return effects;
}
