/** Erased content leaves the engine too: no value of it is in a later snapshot. */
import type { ErasureRecord } from '@airtight/protocol';
import { type EngineState, inputsOf, type RuleState } from './engine-state.ts';
import { countReadings } from './rule/room.ts';

/**
 * Forgets all readings of the producer in the erased datasets, those of other days too: a reading may be put together of
 * records of two days. Alerts stay as they stand. What was judged is not judged again: late readings would find the others gone.
 */
export function forgetErased(state: EngineState, { producer, datasets }: Pick<ErasureRecord, 'producer' | 'datasets'>): void {
  const isErased = new Set(datasets);
  for (const dataset of datasets) {
    const feed = state.feeds.get(dataset)?.get(producer);
    if (feed === undefined) continue;
    feed.series.forgetAll();
    countReadings(state, feed);
  }
  for (const contract of state.contracts.values()) {
    for (const known of contract.rules.values()) forgetIn(known, producer, isErased);
  }
}

function forgetIn(known: RuleState, producer: string, isErased: ReadonlySet<string>): void {
  const { rule, field, trackers } = known;
  const inputs = inputsOf(rule).filter(({ dataset }) => isErased.has(dataset));
  if (inputs.length === 0) return;
  for (const { name } of inputs) {
    field.stations.get(name)?.get(producer)?.series.forgetAll();
    field.forecasts.get(name)?.delete(producer);
  }
  if (rule.kind === 'series') trackers.get(producer)?.settle();
  else for (const tracker of trackers.values()) tracker.settle();
}
