/** One alert from its raise to its end, as the world was told of it. */
import type { Attention } from './attention.ts';

export interface Step {
  readonly at: number;
  readonly level: number;
  readonly flapping: boolean;
}

export interface Episode extends Attention {
  readonly alert: string;
  readonly subject: string;
  readonly agency: string;
  /** Of the contract under which it was raised. */
  readonly version: string;
  /** Number of the next effect. */
  n: number;
  since: number;
  raisedAt: number;
  /** The first is the raise. */
  steps: readonly Step[];
  clearedAt: number | null;
  retracted: boolean;
  suppressedBy: readonly string[];
  group: string | null;
}

/** True while it is neither cleared nor retracted. */
export function isActive({ clearedAt, retracted }: Episode): boolean {
  return clearedAt === null && !retracted;
}

/** Level at an event time, as it is known now; -1: not active then. */
export function levelAt(episode: Episode, at: number): number {
  const { retracted, raisedAt, clearedAt, steps } = episode;
  if (retracted || at < raisedAt || (clearedAt !== null && at >= clearedAt)) return -1;
  return steps.findLast((step) => step.at <= at)?.level ?? -1;
}
