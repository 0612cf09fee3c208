/** Conflation: of a stretch of the stream what a client needs that shows the present. */
import type { StreamItem } from './stream-items.ts';

/** Records of readings in one conflated frame: some 2 MiB of text. What is beyond comes with the next turn. */
export const CONFLATED_MAX = 4000;

export interface Conflated {
  /** In order of position. */
  readonly kept: readonly StreamItem[];
  /** Records of readings left out, by `{dataset}/{producer}`. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Position of the first item that was not looked at; undefined: all were. */
  readonly end: number | undefined;
}

interface Newest {
  time: number;
  /** Readings for one moment may come in several records: together they are the latest. */
  items: StreamItem[];
  skipped: number;
}

/**
 * Keeps of each producer the records that hold its newest reading by phenomenonTime, and everything that is no reading.
 * Of a producer whose readings are all history or in the future none is kept: they change nothing that is shown.
 * @param items in order of position
 */
export function conflate(items: Iterable<StreamItem>, max = CONFLATED_MAX): Conflated {
  const producers = new Map<string, Newest>();
  const others: StreamItem[] = [];
  let held = 0;
  let end: number | undefined;
  for (const item of items) {
    if (held >= max) {
      end = item.position;
      break;
    }
    if (item.newest === undefined) {
      others.push(item);
      held++;
    } else held += take(producers, item, item.newest);
  }
  const kept = [...producers.values()].flatMap((newest) => newest.items);
  kept.push(...others);
  kept.sort((a, b) => a.position - b.position);
  const skipped = new Map<string, number>();
  for (const [key, newest] of producers) if (newest.skipped > 0) skipped.set(key, newest.skipped);
  return { kept, skipped, end };
}

/** @returns by how many records more are held */
function take(producers: Map<string, Newest>, item: StreamItem, time: number | null): number {
  const key = `${item.dataset}/${item.producer}`;
  let known = producers.get(key);
  if (known === undefined) {
    known = { time: Number.NEGATIVE_INFINITY, items: [], skipped: 0 };
    producers.set(key, known);
  }
  if (time === null || time < known.time) {
    known.skipped++;
    return 0;
  }
  const before = known.items.length;
  if (time > known.time) {
    known.skipped += before;
    known.time = time;
    known.items = [];
  }
  known.items.push(item);
  return known.items.length - before;
}
