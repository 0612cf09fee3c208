/**
 * The observations of many records, packed into columns: some 20 bytes each, a fifth of what they take as objects and less
 * than the text they came from, so that the history a backtest judges is decoded once and held.
 */
import type { Flag, Observation, Result } from '@airtight/protocol';

/** Entries of a page of a column: columns grow by pages, so nothing is copied. */
const PAGE_BITS = 16;
const PAGE_ENTRIES = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ENTRIES - 1;
/** Two doubles and the number of a kind. */
const ENTRY_BYTES = 20;
/** Of what many observations have in common, beside its texts: objects, and a key to find it by. */
const SHARED_BYTES = 200;

/** Whose observations they are, and when and where they came. */
export interface Origin {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
}

/** What many observations have in common. */
interface Kind {
  readonly observedProperty: string;
  readonly unit: string;
  readonly flags: readonly Flag[];
  /** False: the column of values holds the place of the result among the others. */
  readonly isNumber: boolean;
}

interface Page {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly kinds: Uint32Array;
}

export class PackedObservations {
  readonly #pages: Page[] = [];
  #count = 0;
  #sharedBytes = 0;
  readonly #kinds: Kind[] = [];
  readonly #kindByKey = new Map<string, number>();
  /** Of the last record, by place: the next one is likely to be of the same kinds. */
  #lastKinds: number[] = [];
  /** Results that are no numbers, each once. */
  readonly #others: Result[] = [];
  readonly #otherPlaces = new Map<Result, number>();

  get sizeBytes(): number {
    return this.#pages.length * PAGE_ENTRIES * ENTRY_BYTES + this.#sharedBytes;
  }

  /** Adds the observations of a record. @returns the place of the first; the others follow */
  add(observations: readonly Observation[]): number {
    const first = this.#count;
    for (let i = 0; i < observations.length; i++) {
      const observation = observations[i] as Observation;
      const entry = this.#count & PAGE_MASK;
      if (entry === 0) this.#pages.push(newPage());
      const { times, values, kinds } = this.#pages[this.#count >>> PAGE_BITS] as Page;
      const { result } = observation;
      times[entry] = observation.phenomenonTime;
      values[entry] = typeof result === 'number' ? result : this.#otherPlace(result);
      kinds[entry] = this.#kindOf(observation, i);
      this.#count++;
    }
    return first;
  }

  /** The observations of a record as they were, with `receivedAt` and `position` as given. */
  unpack(first: number, count: number, { agency, dataset, producer }: Origin, receivedAt: number, position: number): Observation[] {
    const observations: Observation[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const place = first + i;
      const { times, values, kinds } = this.#pages[place >>> PAGE_BITS] as Page;
      const { observedProperty, unit, flags, isNumber } = this.#kinds[kinds[place & PAGE_MASK] as number] as Kind;
      const value = values[place & PAGE_MASK] as number;
      const result = isNumber ? value : (this.#others[value] as Result);
      const phenomenonTime = times[place & PAGE_MASK] as number;
      observations[i] = { agency, dataset, producer, observedProperty, phenomenonTime, receivedAt, result, unit, flags, position };
    }
    return observations;
  }

  #kindOf(observation: Observation, place: number): number {
    const last = this.#lastKinds[place];
    if (last !== undefined && isOfKind(observation, this.#kinds[last] as Kind)) return last;
    const { observedProperty, unit, flags, result } = observation;
    const isNumber = typeof result === 'number';
    const key = JSON.stringify([observedProperty, unit, flags, isNumber]);
    let kind = this.#kindByKey.get(key);
    if (kind === undefined) {
      kind = this.#kinds.push({ observedProperty, unit, flags, isNumber }) - 1;
      this.#kindByKey.set(key, kind);
      this.#sharedBytes += SHARED_BYTES + 2 * key.length;
    }
    this.#lastKinds[place] = kind;
    return kind;
  }

  #otherPlace(result: Result): number {
    const known = this.#otherPlaces.get(result);
    if (known !== undefined) return known;
    const place = this.#others.push(result) - 1;
    this.#otherPlaces.set(result, place);
    this.#sharedBytes += SHARED_BYTES + 2 * String(result).length;
    return place;
  }
}

function newPage(): Page {
  return { times: new Float64Array(PAGE_ENTRIES), values: new Float64Array(PAGE_ENTRIES), kinds: new Uint32Array(PAGE_ENTRIES) };
}

function isOfKind({ observedProperty, unit, flags, result }: Observation, kind: Kind): boolean {
  if (observedProperty !== kind.observedProperty || unit !== kind.unit || (typeof result === 'number') !== kind.isNumber) return false;
  const marks = kind.flags;
  if (flags.length !== marks.length) return false;
  for (let i = 0; i < flags.length; i++) if (flags[i] !== marks[i]) return false;
  return true;
}
