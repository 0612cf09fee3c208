/** A person's word on values, or its withdrawal: values that are held are judged by it, and what they decided is judged anew. */
import type { FlagRecord } from '@airtight/protocol';
import type { EngineState } from '../engine-state.ts';
import { rejudgeStation } from '../rule/grid-rule.ts';
import type { Series } from '../rule/series.ts';
import { rejudgeSeries } from '../rule/series-rule.ts';
import type { Turn } from '../turn.ts';
import { type PersonsWords, personsVerdicts } from './value-verdict.ts';

/** Flags in force per producer and dataset: what the service takes for a dozen properties. Beyond it the oldest is forgotten. */
export const WORDS_MAX = 2400;
const NONE: PersonsWords = [];

export function wordsOn({ words }: EngineState, dataset: string, producer: string): PersonsWords {
  return words.size === 0 ? NONE : (words.get(dataset)?.get(producer) ?? NONE);
}

/** Takes a record of `sys.flags`. What is later than a rule's lateness keeps its outcome, as with late data. */
export function takeWord(turn: Turn, record: FlagRecord): void {
  const { state } = turn;
  const { dataset, producer } = record;
  const others = wordsOn(state, dataset, producer).filter(({ id }) => id !== record.id);
  const words = record.flag === null ? others : [...others.slice(1 - WORDS_MAX), record];
  const ofDataset = state.words.get(dataset) ?? new Map<string, PersonsWords>();
  state.words.set(dataset, ofDataset);
  if (words.length > 0) ofDataset.set(producer, words);
  else ofDataset.delete(producer);
  if (ofDataset.size === 0) state.words.delete(dataset);
  const feed = state.feeds.get(dataset)?.get(producer);
  if (feed === undefined) return;
  const changed = judgeAnew(feed.series, words, record);
  const route = feed.route(state, feed.agency);
  if (changed !== undefined) rejudgeSeries(turn, feed, route, record.observedProperty, changed);
  for (const known of route.overStations) {
    if (known.rule.kind === 'grid') rejudgeStation(turn, known, known.rule, feed, (series) => judgeAnew(series, words, record));
  }
}

/** @returns time of the first reading that counts otherwise now; undefined: none does */
function judgeAnew(
  series: Pick<Series, 'readings' | 'replace'>,
  words: PersonsWords,
  { observedProperty, from, to }: FlagRecord,
): number | undefined {
  let first: number | undefined;
  for (const [i, reading] of series.readings.entries()) {
    if (reading.at < from || reading.at >= to || !Object.hasOwn(reading.values, observedProperty)) continue;
    const manual = personsVerdicts(words, reading.at, Object.keys(reading.values));
    if (manual?.[observedProperty] === reading.manual?.[observedProperty]) continue;
    series.replace(i, { ...reading, manual });
    first ??= reading.at;
  }
  return first;
}
