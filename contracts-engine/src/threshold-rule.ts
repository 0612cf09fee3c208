/**
 * A threshold with duration and hysteresis, in event time. Between two readings that both satisfy the condition it is
 * known to hold, if they are no further apart than `maxGap`; across a longer gap nobody knows, and the time starts anew.
 */
import { type AlertEffect, CONVERTED_FLAG } from '@airtight/protocol';
import { clear, raise, valuesOf } from './alert-effect.ts';
import type { Contract, ThresholdRule } from './contract.ts';
import type { EngineCounters, SubjectState, Subjects } from './engine-state.ts';
import type { Reading } from './reading.ts';

/** Judges one reading. Without an active alert the raise condition is asked, with one the clear condition. */
export function judge(
  contract: Contract,
  rule: ThresholdRule,
  subjects: Subjects,
  reading: Reading,
  counters: EngineCounters,
): AlertEffect | null {
  if (!isAcceptable(rule, reading)) return null;
  const subject = subjects.get(reading.producer) ?? unknownSubject(reading);
  if (reading.at <= subject.at) {
    counters.late++;
    return null;
  }
  const condition = subject.active === null ? rule.raise : rule.clear;
  const holds = condition.when.holds(reading.values, reading.at);
  if (holds === null) {
    counters.uncomputable++;
    return null;
  }
  if (subject.at < 0) subjects.set(reading.producer, subject);
  const joined = reading.at - subject.at <= rule.maxGapMs;
  subject.agency = reading.agency;
  subject.at = reading.at;
  subject.position = reading.position;
  if (!holds) {
    subject.since = null;
    return null;
  }
  if (subject.since === null || !joined) {
    subject.since = reading.at;
    subject.sincePosition = reading.position;
  }
  return reading.at - subject.since < condition.forMs ? null : fire(contract, rule, subject, subject.since, reading);
}

function fire(contract: Contract, rule: ThresholdRule, subject: SubjectState, since: number, reading: Reading): AlertEffect {
  const { variables } = (subject.active === null ? rule.raise : rule.clear).when;
  const evidence = [subject.sincePosition, reading.position];
  const moment = { at: reading.at, values: valuesOf(variables, reading.values), evidence };
  subject.since = null;
  return subject.active === null ? raise(contract, rule, reading.producer, subject, since, moment) : clear(subject, moment);
}

function unknownSubject(reading: Reading): SubjectState {
  return { agency: reading.agency, at: -1, position: -1, since: null, sincePosition: -1, active: null };
}

/** A reading counts for a rule when every variable is there, of its type, with no flag the rule does not tolerate. */
function isAcceptable(rule: ThresholdRule, reading: Reading): boolean {
  for (const { name, type } of rule.variables) {
    // Own members only: a property may be called `constructor`.
    if (!Object.hasOwn(reading.values, name)) return false;
    if (type === 'number' && typeof reading.values[name] !== 'number') return false;
    if (
      Object.hasOwn(reading.flags, name) &&
      !reading.flags[name]?.every((flag) => flag === CONVERTED_FLAG || rule.acceptedFlags.has(flag))
    )
      return false;
  }
  return true;
}
