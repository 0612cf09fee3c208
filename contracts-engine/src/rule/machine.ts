/**
 * A rule about one subject as a state machine in event time: levels with a condition to raise and one to clear each,
 * and damping of what flaps. Its state is small and immutable, so that a late reading can be judged from the state
 * before it. It knows nothing of people, records or the clock.
 */
import type { AlertValues } from '@airtight/protocol';
import type { AlertsRule, GridRule, SeriesRule } from '../contract.ts';
import { isMet, nextRun, type Run } from './condition.ts';
import { holds, type Values, valuesRead } from './probe.ts';

export type LeveledRule = SeriesRule | GridRule | AlertsRule;

export interface MachineState {
  /** Index of the level that is active; -1: none. */
  readonly level: number;
  /** By level: the conditions to raise above it, and to clear it and those below. Missing is null. */
  readonly up: readonly (Run | null)[];
  readonly down: readonly (Run | null)[];
  /** Times of the newest raises and clears, as far back as flapping asks. */
  readonly changes: readonly number[];
  /** Held active; since the lowest level last held at `troubleAt`. */
  readonly flapping: boolean;
  readonly troubleAt: number;
  /** A person cleared it: it raises again only after the condition has not held. */
  readonly disarmed: boolean;
}

export const IDLE: MachineState = { level: -1, up: [], down: [], changes: [], flapping: false, troubleAt: 0, disarmed: false };

export interface Transition {
  readonly kind: 'raise' | 'update' | 'clear' | 'close';
  readonly at: number;
  /** The level from now on; of a clear the one that was active. */
  readonly level: number;
  readonly flapping: boolean;
  readonly since: number;
  readonly evidence: readonly number[];
  readonly values: AlertValues;
  readonly reason?: 'expired';
}

/** One moment that is judged. */
export interface Instant {
  readonly at: number;
  /** Of the record that completes it. */
  readonly position: number;
  readonly values: Values;
}

/** True while the state depends on when the last instant was. */
export function isPending({ up, down, level }: MachineState, rule: LeveledRule): boolean {
  return (level >= 0 && rule.expiresMs !== null) || up.some((run) => run !== null) || down.some((run) => run !== null);
}

/**
 * Judges an instant.
 * @param joined the time since the last instant is known
 * @param out receives what changed
 * @returns the state after it, the same object when nothing changed; null when the instant says nothing
 */
export function advance(rule: LeveledRule, state: MachineState, joined: boolean, instant: Instant, out: Transition[]): MachineState | null {
  if (state.disarmed) return rearm(rule, state, instant);
  const { levels } = rule;
  let { up, down } = state;
  let reached = -1;
  for (let k = levels.length - 1; k > state.level; k--) {
    const { raise } = levels[k] as (typeof levels)[number];
    const held = holds(raise.when, instant.values, instant.at);
    if (held === null) return null;
    const before = up[k] ?? null;
    const run = nextRun(raise, before, held, joined, instant.at, instant.position);
    if (run !== before) up = withItem(up, k, run);
    if (reached < 0 && held && isMet(raise, run, instant.at)) reached = k;
  }
  if (reached >= 0) return rise(rule, state, up, reached, instant, out);
  if (state.level < 0) return up === state.up ? state : { ...state, up };
  let lowest = state.level + 1;
  for (let k = state.level; k >= 0; k--) {
    const { clear } = levels[k] as (typeof levels)[number];
    const held = holds(clear.when, instant.values, instant.at);
    if (held === null) return null;
    const before = down[k] ?? null;
    const run = nextRun(clear, before, held, joined, instant.at, instant.position);
    if (run !== before) down = withItem(down, k, run);
    if (lowest === k + 1 && held && isMet(clear, run, instant.at)) lowest = k;
  }
  const next = up === state.up && down === state.down ? state : { ...state, up, down };
  const watched = state.flapping ? withTrouble(rule, next, instant) : next;
  return lowest > state.level ? watched : fall(rule, watched, lowest, instant, out);
}

function rise(
  rule: LeveledRule,
  state: MachineState,
  up: MachineState['up'],
  level: number,
  { at, position, values }: Instant,
  out: Transition[],
): MachineState {
  const condition = (rule.levels[level] as LeveledRule['levels'][number]).raise;
  const run = up[level] as Run;
  const isNew = state.level < 0;
  out.push({
    kind: isNew ? 'raise' : 'update',
    ...{ at, level, flapping: state.flapping, since: run.since },
    evidence: distinct(run.position, position),
    values: valuesRead(rule.frame, condition, values),
  });
  const changes = isNew ? withChange(rule, state, at) : state.changes;
  return { ...state, level, up: up.map((above, k) => (k > level ? above : null)), down: [], changes };
}

/** @param lowest the lowest level whose clear condition is met, and with it that of every level above */
function fall(rule: LeveledRule, state: MachineState, lowest: number, instant: Instant, out: Transition[]): MachineState {
  const { at, position, values } = instant;
  const condition = (rule.levels[lowest] as LeveledRule['levels'][number]).clear;
  const run = state.down[lowest] as Run;
  const told = { at, since: run.since, evidence: distinct(run.position, position), values: valuesRead(rule.frame, condition, values) };
  if (lowest > 0) {
    // The message of the level it falls to may name what that level's own condition reads.
    const below = valuesRead(rule.frame, (rule.levels[lowest - 1] as LeveledRule['levels'][number]).raise, values);
    out.push({ kind: 'update', ...told, values: { ...below, ...told.values }, level: lowest - 1, flapping: state.flapping });
    // What is below goes on clearing; what is above must be reached anew.
    return { ...state, level: lowest - 1, up: [], down: state.down.slice(0, lowest) };
  }
  if (state.flapping && at - state.troubleAt < (rule.flap?.withinMs ?? 0)) return state;
  const changes = withChange(rule, state, at);
  if (!state.flapping && rule.flap !== null && changes.length >= rule.flap.changes) {
    out.push({ kind: 'update', ...told, level: state.level, flapping: true });
    return { ...state, flapping: true, troubleAt: at };
  }
  out.push({ kind: 'clear', ...told, level: state.level, flapping: false });
  return changes.length === 0 ? IDLE : { ...IDLE, changes };
}

function withTrouble(rule: LeveledRule, state: MachineState, { at, values }: Instant): MachineState {
  const held = holds((rule.levels[0] as LeveledRule['levels'][number]).raise.when, values, at);
  return held === true ? { ...state, troubleAt: at } : state;
}

/** Nothing has confirmed it for too long: over, without anything that says so. */
export function expire(rule: LeveledRule, state: MachineState, at: number, out: Transition[]): MachineState {
  out.push({ kind: 'clear', at, level: state.level, flapping: false, since: at, evidence: [], values: {}, reason: 'expired' });
  return { ...IDLE, changes: withChange(rule, state, at) };
}

/** A person cleared it. */
export function close(rule: LeveledRule, state: MachineState, at: number, out: Transition[]): MachineState {
  if (state.level < 0) return state;
  out.push({ kind: 'close', at, level: state.level, flapping: false, since: at, evidence: [], values: {} });
  return { ...IDLE, changes: withChange(rule, state, at), disarmed: true };
}

function rearm(rule: LeveledRule, state: MachineState, { at, values }: Instant): MachineState | null {
  const held = holds((rule.levels[0] as LeveledRule['levels'][number]).raise.when, values, at);
  if (held === null) return null;
  return held ? state : { ...state, disarmed: false };
}

function withChange(rule: LeveledRule, { changes }: MachineState, at: number): readonly number[] {
  const { flap } = rule;
  if (flap === null) return changes;
  return [...changes.filter((change) => at - change <= flap.withinMs), at];
}

function withItem<T>(items: readonly (T | null)[], index: number, item: T | null): readonly (T | null)[] {
  const copy = [...items];
  while (copy.length < index) copy.push(null);
  copy[index] = item;
  return copy;
}

function distinct(a: number, b: number): readonly number[] {
  return a === b ? [a] : [a, b];
}
