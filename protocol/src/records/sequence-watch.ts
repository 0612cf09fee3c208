/**
 * Which numbers of one producer in one dataset are missing. A pure fold over its messages in journal order:
 *
 * - A number beyond the next one leaves a **hole**; what arrives in it later fills it.
 * - A number that came already, or lies below all, is a correction. When RESTART_RUN such numbers come one after the other,
 *   the device counts anew: holes of before can no longer be filled. When it then goes on where it had been, it had only
 *   sent history.
 * - A number JUMP_MAX beyond the last one, or another session, begins a new counting too; nothing is missing between.
 */
import type { GapRecord } from '../control.ts';
import type { SequenceNumbers } from './sequence-number.ts';

/** A larger step forward is a counter that was set, not messages that were lost: two months of one a minute. */
export const JUMP_MAX = 100_000;
/** Low numbers in a row that make a restart. */
export const RESTART_RUN = 3;
/** Numbers that may be left out within such a run, and at the return from history. */
const RUN_STEP_MAX = 16;
/** Holes that are watched for one producer and dataset; the oldest is given up for a newer one. */
export const HOLES_MAX = 64;
/** Stretches into which late numbers may cut a hole; one that would cut it further is passed over. */
export const STRETCHES_MAX = 64;

export interface SequencePlace {
  readonly position: number;
  readonly receivedAt: number;
}

export interface Hole {
  readonly session: string;
  /** The numbers that were missing when it was noticed. */
  readonly first: number;
  readonly last: number;
  /** Journal positions of the message with the highest number below it, and of the one that showed it. */
  readonly after: number;
  readonly before: number;
  /** receivedAt of the message that showed it. */
  readonly noticedAt: number;
  /** What of it has not arrived, ascending. */
  missing: [number, number][];
  /** Position of the last message that filled some of it. */
  filledBy?: number;
  /** The device has begun to count anew: it cannot be filled any more. */
  isFinal: boolean;
  /** Numbers that were missing by the last record of it; undefined: there is none yet. */
  told?: number;
}

/** As it is kept over a restart: plain JSON. */
export interface SequenceState {
  session: string;
  highest: number;
  /** Position of the message with the highest number. */
  position: number;
  holes: Hole[];
  run?: { last: number; length: number };
  /** Where the counting stood before a restart. */
  earlier?: number;
  /** Holes that were given up unfilled, because there were too many. */
  givenUp: number;
}

export class SequenceWatch {
  state: SequenceState | undefined;

  constructor(state?: SequenceState) {
    this.state = state;
  }

  get holes(): Hole[] {
    return this.state?.holes ?? [];
  }

  /** Takes the numbers of the next message, in journal order. */
  take(numbers: SequenceNumbers, place: SequencePlace): void {
    const { state } = this;
    if (state === undefined) {
      this.state = { session: numbers.session, highest: numbers.last, position: place.position, holes: [], givenUp: 0 };
      return;
    }
    if (state.session !== numbers.session || numbers.first > state.highest + JUMP_MAX) this.#begin(state, numbers, place);
    else if (numbers.last > state.highest) this.#forward(state, numbers, place);
    else if (fill(state, numbers, place)) delete state.run;
    else this.#backward(state, numbers, place);
  }

  #forward(state: SequenceState, numbers: SequenceNumbers, place: SequencePlace): void {
    delete state.run;
    fill(state, numbers, place);
    const { earlier } = state;
    if (earlier !== undefined && numbers.first > earlier && numbers.first <= earlier + RUN_STEP_MAX) {
      delete state.earlier;
      state.highest = earlier;
    }
    if (numbers.first > state.highest + 1) addHole(state, numbers, place);
    Object.assign(state, { highest: numbers.last, position: place.position });
  }

  #backward(state: SequenceState, numbers: SequenceNumbers, place: SequencePlace): void {
    const { run } = state;
    const goesOn = run !== undefined && numbers.first > run.last && numbers.first <= run.last + RUN_STEP_MAX;
    state.run = { last: numbers.last, length: goesOn ? run.length + 1 : 1 };
    if (state.run.length < RESTART_RUN) return;
    const { highest } = state;
    this.#begin(state, numbers, place);
    state.earlier = highest;
  }

  #begin(state: SequenceState, { session, last }: SequenceNumbers, { position }: SequencePlace): void {
    for (const hole of state.holes) hole.isFinal = true;
    delete state.run;
    delete state.earlier;
    Object.assign(state, { session, highest: last, position });
  }
}

function addHole(state: SequenceState, { session, first }: SequenceNumbers, { position, receivedAt }: SequencePlace): void {
  const [from, to] = [state.highest + 1, first - 1];
  state.holes.push({
    ...{ session, first: from, last: to, after: state.position, before: position, noticedAt: receivedAt },
    ...{ missing: [[from, to]], isFinal: false },
  });
  if (state.holes.length <= HOLES_MAX) return;
  state.holes.shift();
  state.givenUp++;
}

/** Takes the numbers out of the holes that can be filled. @returns false when they stand in none */
function fill(state: SequenceState, { first, last }: SequenceNumbers, { position }: SequencePlace): boolean {
  let isFilling = false;
  for (const hole of state.holes) {
    if (hole.isFinal || last < hole.first || first > hole.last) continue;
    const rest = hole.missing.flatMap(([from, to]): [number, number][] => {
      if (last < from || first > to) return [[from, to]];
      isFilling = true;
      return [...(from < first ? [[from, first - 1] as [number, number]] : []), ...(to > last ? [[last + 1, to] as [number, number]] : [])];
    });
    if (countOf(rest) === countOf(hole.missing) || rest.length > STRETCHES_MAX) continue;
    hole.missing = rest;
    hole.filledBy = position;
  }
  if (isFilling) state.holes = state.holes.filter(({ missing, told }) => missing.length > 0 || told !== undefined);
  return isFilling;
}

/** What is put on record of a hole. @param names whose numbers they are */
export function gapRecordOf(hole: Hole, names: Pick<GapRecord, 'agency' | 'dataset' | 'producer'>, unrecorded: number): GapRecord {
  const { agency, dataset, producer } = names;
  const { session, first, last, after, before, noticedAt, missing, filledBy } = hole;
  return {
    ...{ type: 'gap', gap: `${before}-${first}`, agency, dataset, producer },
    ...(session === '' ? {} : { session }),
    ...{ first, last, after, before, noticedAt, missing: missing.map(([from, to]) => [from, to] as const) },
    ...(filledBy === undefined ? {} : { filledBy }),
    ...(unrecorded === 0 ? {} : { unrecorded }),
  };
}

/** Numbers in these stretches. */
export function countOf(stretches: readonly (readonly [number, number])[]): number {
  return stretches.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}
