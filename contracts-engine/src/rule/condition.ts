/** How long and how often a condition has held: duration, n of the last m, n within a time. Event time alone. */
import type { Condition } from '../contract.ts';

/** Time and position of a reading that satisfied the condition. */
export type Hit = readonly [at: number, position: number];

/** A condition on its way to be met; null where nothing has begun. Immutable: a state can be kept and returned to. */
export interface Run {
  /** Time and position of what began it. */
  readonly since: number;
  readonly position: number;
  /** Of a condition with `times`: what was seen, the newest last; null is a reading that did not satisfy it. */
  readonly seen: readonly (Hit | null)[];
}

const NOTHING: readonly Hit[] = [];

/**
 * @param joined the time since the last instant is known: it was no longer ago than the rule's maxGap
 * @returns the run after an instant; the same object when nothing changed
 */
export function nextRun(condition: Condition, run: Run | null, held: boolean, joined: boolean, at: number, position: number): Run | null {
  if (condition.times !== null) return nextCount(condition.times, run, held, at, position);
  if (!held) return null;
  return run !== null && joined ? run : { since: at, position, seen: NOTHING };
}

function nextCount(
  { ofLast, withinMs }: NonNullable<Condition['times']>,
  run: Run | null,
  held: boolean,
  at: number,
  position: number,
): Run | null {
  if (!held && (run === null || withinMs !== null)) return run;
  let seen: readonly (Hit | null)[] = [...(run?.seen ?? NOTHING), held ? ([at, position] as const) : null];
  if (ofLast !== null) seen = seen.slice(-ofLast);
  if (withinMs !== null) seen = seen.filter((hit) => hit !== null && at - hit[0] <= withinMs);
  const first = seen.find((hit) => hit !== null);
  return first == null ? null : { since: first[0], position: first[1], seen };
}

/** True when a condition that holds now is met. */
export function isMet({ forMs, times }: Condition, run: Run | null, at: number): boolean {
  if (run === null) return false;
  if (times === null) return at - run.since >= forMs;
  let hits = 0;
  for (const hit of run.seen) if (hit !== null) hits++;
  return hits >= times.count;
}
