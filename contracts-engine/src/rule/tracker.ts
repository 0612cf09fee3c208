/**
 * What is known of one rule about one subject: its state, how it came there as far back as late data may reach, and the
 * alerts that were issued of it. A late reading goes back to the state before it and judges everything since anew; what
 * comes out is what would have come out in order.
 */
import { keptMs } from './kept-history.ts';
import { advance, close, expire, IDLE, type Instant, isPending, type LeveledRule, type MachineState, type Transition } from './machine.ts';

/** The state from a time on. */
interface Entry {
  readonly at: number;
  readonly state: MachineState;
  readonly lastAt: number;
}

/** While a state depends on the last instant it is kept every so many instants: that much at most is judged again in vain. */
const ENTRY_EVERY = 16;
const HISTORY_TRIM = 32;
/** States kept per rule and subject; beyond it late data reach back less far. */
const HISTORY_MAX = 2000;
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;
const START: readonly Entry[] = [{ at: BEFORE_ALL, state: IDLE, lastAt: BEFORE_ALL }];

export interface TrackerSnapshot {
  readonly subject: string;
  readonly agency: string;
  readonly state: MachineState;
  readonly lastAt: number;
  readonly live: boolean;
  readonly sinceEntry: number;
  readonly history: readonly Entry[];
  readonly closes: readonly number[];
}

export class Tracker {
  readonly subject: string;
  agency: string;
  state: MachineState = IDLE;
  /** The newest instant that was judged. */
  lastAt = BEFORE_ALL;
  /** It was reported when it was measured, so ticks tell how long ago it is. */
  live = false;
  #sinceEntry = 0;
  #history: readonly Entry[] | Entry[] = START;
  /** Times at which a person cleared it. */
  #closes: readonly number[] = [];

  constructor(subject: string, agency: string) {
    this.subject = subject;
    this.agency = agency;
  }

  /** True when it says no more than a new one. */
  get isPristine(): boolean {
    return this.state === IDLE && this.#history === START && this.#closes.length === 0;
  }

  /**
   * Judges an instant after all others.
   * @returns false when it says nothing
   */
  advance(rule: LeveledRule, instant: Instant, out: Transition[]): boolean {
    this.expireBefore(rule, instant.at, out);
    const joined = instant.at - this.lastAt <= rule.maxGapMs;
    const next = advance(rule, this.state, joined, instant, out);
    if (next === null) return false;
    this.lastAt = instant.at;
    if (next !== this.state) this.#remember(rule, instant.at, next);
    else if (next !== IDLE && isPending(next, rule) && ++this.#sinceEntry >= ENTRY_EVERY) this.#remember(rule, instant.at, next);
    return true;
  }

  /**
   * True when the clock has cleared it at this time or after: nothing had confirmed it until then, and now something is said
   * of the time before. That must be judged anew.
   */
  isBehindExpiry(at: number): boolean {
    return (this.#history.at(-1) as Entry).at >= at;
  }

  /** Until when it is active without anything that confirms it; infinite when it is not, or does not expire. */
  deadline({ expiresMs }: LeveledRule): number {
    return expiresMs === null || this.state.level < 0 ? Number.POSITIVE_INFINITY : this.lastAt + expiresMs;
  }

  /** Clears what nothing has confirmed until a time. */
  expireBefore(rule: LeveledRule, at: number, out: Transition[]): void {
    const deadline = this.deadline(rule);
    if (at > deadline) this.#remember(rule, deadline, expire(rule, this.state, deadline, out));
  }

  /** A person clears what is active. */
  close(rule: LeveledRule, out: Transition[]): void {
    if (this.state.level < 0) return;
    this.#closes = [...this.#closes, this.lastAt];
    this.#remember(rule, this.lastAt, close(rule, this.state, this.lastAt, out));
  }

  /**
   * Judges everything from a time on anew.
   * @param instants those after a time, in order
   * @param out receives what changes after the time returned
   * @returns the time before which nothing was judged again; null when it lies too far back
   */
  rejudge(rule: LeveledRule, from: number, instants: (after: number) => Iterable<Instant>, out: Transition[]): number | null {
    const index = this.#history.findLastIndex(({ at }) => at < from);
    const entry = this.#history[index];
    if (entry === undefined) return null;
    this.#history = entry.at === BEFORE_ALL ? START : this.#history.slice(0, index + 1);
    this.state = entry.state;
    this.lastAt = entry.lastAt;
    this.#sinceEntry = 0;
    const start = isPending(entry.state, rule) ? entry.at : from - 1;
    const closes = this.#closes.filter((at) => at >= from);
    for (const instant of instants(start)) {
      this.#closeBefore(rule, closes, instant.at, out);
      this.advance(rule, instant, out);
    }
    this.#closeBefore(rule, closes, Number.POSITIVE_INFINITY, out);
    return start;
  }

  #closeBefore(rule: LeveledRule, closes: number[], at: number, out: Transition[]): void {
    for (let first = closes[0]; first !== undefined && first < at; first = closes[0]) {
      this.#remember(rule, first, close(rule, this.state, first, out));
      closes.shift();
    }
  }

  /** Under the next version of its rule: what is active stays, times begin anew, late data do not reach behind it. */
  succeed(levels: number): void {
    const level = Math.min(this.state.level, levels - 1);
    this.state = level < 0 ? IDLE : { ...IDLE, level };
    this.#history = level < 0 ? START : [{ at: this.lastAt, state: this.state, lastAt: this.lastAt }];
    this.#closes = [];
    this.#sinceEntry = 0;
  }

  /** Readings before are gone: what is active stays, times begin anew, and late data change nothing of what was judged. */
  settle(): void {
    this.state = this.state.level < 0 ? IDLE : { ...IDLE, level: this.state.level };
    this.#history = [{ at: this.lastAt, state: this.state, lastAt: this.lastAt }];
    this.#closes = [];
    this.#sinceEntry = 0;
  }

  /** The time from which readings are needed to judge again what lies after `horizon`. */
  neededFrom(rule: LeveledRule, horizon: number): number {
    const entry = this.#history.findLast(({ at }) => at <= horizon);
    return entry !== undefined && entry.at !== BEFORE_ALL && isPending(entry.state, rule) ? entry.at : horizon;
  }

  #remember(rule: LeveledRule, at: number, state: MachineState): void {
    this.state = state;
    this.#sinceEntry = 0;
    const history = this.#history === START ? [...START] : (this.#history as Entry[]);
    // Two states of one time: the later stands.
    if (history.at(-1)?.at === at) history.pop();
    history.push({ at, state, lastAt: this.lastAt });
    this.#history = history;
    // Not behind `at`: the clock may have cleared it long after the newest instant.
    if (history.length >= HISTORY_TRIM) this.#trim(this.lastAt - keptMs(rule));
  }

  /** Late data do not reach behind a time any more: the alerts from before it are forgotten. */
  forgetBefore(at: number): void {
    if (this.#history !== START) this.#trim(at);
  }

  /** The earliest time from which can be judged anew, at or after the one that is asked for. */
  earliestFrom(from: number): number {
    return Math.max(from, (this.#history[0] as Entry).at + 1);
  }

  #trim(horizon: number): void {
    const last = this.#history.findLastIndex(({ at }) => at <= horizon);
    const from = Math.max(last, this.#history.length - HISTORY_MAX);
    if (from > 0) this.#history = this.#history.slice(from);
    this.#closes = this.#closes.filter((at) => at > horizon);
  }

  snapshot(): TrackerSnapshot {
    const { subject, agency, state, lastAt, live } = this;
    return { subject, agency, state, lastAt, live, sinceEntry: this.#sinceEntry, history: this.#history, closes: this.#closes };
  }

  static from({ subject, agency, state, lastAt, live, sinceEntry, history, closes }: TrackerSnapshot): Tracker {
    const tracker = new Tracker(subject, agency);
    const isIdle = (known: MachineState) => known.level < 0 && JSON.stringify(known) === JSON.stringify(IDLE);
    const revive = (known: MachineState) => (isIdle(known) ? IDLE : known);
    tracker.state = revive(state);
    tracker.lastAt = lastAt;
    tracker.live = live;
    tracker.#sinceEntry = sinceEntry;
    tracker.#history =
      history.length === 1 && history[0]?.at === BEFORE_ALL ? START : history.map((e) => ({ ...e, state: revive(e.state) }));
    tracker.#closes = closes;
    return tracker;
  }
}
