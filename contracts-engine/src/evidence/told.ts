/** Who was told of an alert, from the records of deliveries in its evidence: held against the transitions that they tell of. */
import type { DeliveryOutcome } from '@airtight/protocol';

/** One attempt to tell one channel of one transition. */
export interface ToldAttempt {
  /** Of the record that says so. */
  readonly position: number;
  readonly outcome: DeliveryOutcome;
}

export interface ToldFault {
  readonly position: number;
  readonly detail: string;
}

/**
 * An attempt tells of a transition that was on record before it, and each message's attempts are there from the first to the
 * last: one that is left out in between shows.
 * @param attempts in order of position; one that stands in two records counts once
 * @param transitions positions of the alert's transitions
 */
export function toldFaults(attempts: readonly ToldAttempt[], transitions: ReadonlySet<number>): ToldFault[] {
  const faults: ToldFault[] = [];
  const reached = new Map<string, number>();
  for (const { position, outcome } of attempts) {
    const { channel, record, message, attempt } = outcome;
    if (record === undefined || !transitions.has(record))
      faults.push({ position, detail: `delivery to ${channel}: record ${record ?? 'none'} is no transition of the alert` });
    else if (record >= position) faults.push({ position, detail: `delivery to ${channel}: it is on record before what it tells` });
    const before = reached.get(message) ?? 0;
    if (attempt > before + 1) faults.push({ position, detail: `delivery to ${channel}: attempt ${before + 1} of ${message} is missing` });
    reached.set(message, Math.max(before, attempt));
  }
  return faults;
}

/** The last attempt of each message, in order of the messages. */
export function lastAttempts(attempts: readonly ToldAttempt[]): ToldAttempt[] {
  return [...new Map(attempts.map((attempt) => [attempt.outcome.message, attempt])).values()];
}
