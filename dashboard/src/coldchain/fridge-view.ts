/** One vaccine fridge as the screens show it: joined from producer, dataset, latest reading and clock. Pure. */
import type { Bilingual, Dataset, LatestItem, Producer } from '@airtight/protocol';
import { type Freshness, freshnessOf } from '../live/freshness.ts';
import type { StationSources } from '../stations/station-view.ts';
import { COLD_LOW_C, FREEZE_C, HEAT_C } from './who-pqs.ts';

export type FridgeCondition = 'ok' | 'warm' | 'cool' | 'freezing' | 'none';

export interface FridgeView {
  readonly id: string;
  readonly name: Bilingual;
  readonly region: Bilingual | undefined;
  readonly simulated: boolean;
  readonly dataset: string | undefined;
  readonly cadenceMs: number | undefined;
  readonly latest: LatestItem | undefined;
  readonly freshness: Freshness | undefined;
  readonly reporting: boolean;
  /** Name of the property that is the vaccine compartment's temperature. */
  readonly temperatureProperty: string | undefined;
  readonly temperatureC: number | null;
  /** By the newest value, current or not. */
  readonly condition: FridgeCondition;
  readonly doorOpen: boolean | null;
  readonly powered: boolean | null;
}

export function fridgeViews(sources: StationSources): readonly FridgeView[] {
  const views: FridgeView[] = [];
  for (const producer of sources.producers) {
    if (producer.kind === 'fridge' && !producer.revoked) views.push(fridgeView(producer, sources));
  }
  return views;
}

export function fridgeView(producer: Producer, sources: StationSources): FridgeView {
  const dataset = producer.datasets.find((name) => temperatureProperty(sources.datasets.get(name)) !== undefined) ?? producer.datasets[0];
  const definition = dataset === undefined ? undefined : sources.datasets.get(dataset);
  const latest = dataset === undefined ? undefined : sources.latest.get(`${dataset}/${producer.producer}`);
  const freshness = latest && freshnessOf(Date.parse(latest.phenomenonTime), definition?.cadenceMs, sources.now);
  const property = temperatureProperty(definition);
  const temperature = property === undefined ? undefined : latest?.values[property]?.result;
  const temperatureC = typeof temperature === 'number' ? temperature : null;
  return {
    id: producer.producer,
    name: producer.name,
    region: producer.region,
    simulated: producer.simulated,
    dataset,
    cadenceMs: definition?.cadenceMs,
    latest,
    freshness,
    reporting: freshness !== undefined && !freshness.stale,
    temperatureProperty: property,
    temperatureC,
    condition: conditionOf(temperatureC),
    doorOpen: stateOf(latest, /door/i),
    powered: stateOf(latest, /power|mains/i),
  };
}

/** The compartment's temperature: WHO/PQS calls it TVC; else the first property in degrees Celsius that is not the room's. */
export function temperatureProperty(dataset: Dataset | undefined): string | undefined {
  const inCelsius = Object.entries(dataset?.properties ?? {}).filter(([, property]) => property.unit === 'Cel');
  const names = inCelsius.map(([name]) => name);
  return names.find((name) => /^(tvc|temp|temperature)$/i.test(name)) ?? names.find((name) => !/amb|room/i.test(name));
}

/** A yes-or-no state sent as a boolean, 0/1 or an open/closed word. */
function stateOf(latest: LatestItem | undefined, pattern: RegExp): boolean | null {
  // `alarm_door: false` says that there is no alarm, not that the door is closed.
  const name = Object.keys(latest?.values ?? {}).find((key) => pattern.test(key) && !key.startsWith('alarm_'));
  const result = name === undefined ? undefined : latest?.values[name]?.result;
  if (typeof result === 'boolean') return result;
  if (typeof result === 'number') return result > 0;
  if (typeof result === 'string') return /^(open|on|true|1)$/i.test(result);
  return null;
}

export function conditionOf(temperatureC: number | null): FridgeCondition {
  if (temperatureC === null) return 'none';
  if (temperatureC <= FREEZE_C) return 'freezing';
  if (temperatureC < COLD_LOW_C) return 'cool';
  return temperatureC > HEAT_C ? 'warm' : 'ok';
}

/** A current value outside 2–8 °C. */
export function isOutside(view: FridgeView): boolean {
  return view.reporting && view.condition !== 'ok' && view.condition !== 'none';
}

const RANK: { readonly [condition in FridgeCondition]: number } = { freezing: 4, warm: 3, cool: 2, none: 1, ok: 0 };

/** Outside the range first, then those that do not report. */
export function byCondition(a: FridgeView, b: FridgeView): number {
  const rank = (view: FridgeView) => (view.reporting ? RANK[view.condition] : 1.5);
  return rank(b) - rank(a) || a.id.localeCompare(b.id);
}
