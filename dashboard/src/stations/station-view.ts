/** One air station as the screens show it: joined from producer, dataset, latest reading and clock. Pure. */
import type { Bilingual, Dataset, LatestItem, Producer } from '@airtight/protocol';
import { type Freshness, freshnessOf } from '../live/freshness.ts';
import { type AqiLevel, levelOf } from './aqi-level.ts';

export interface StationView {
  readonly id: string;
  readonly name: Bilingual;
  readonly region: Bilingual | undefined;
  readonly location: { readonly lat: number; readonly lon: number } | undefined;
  readonly simulated: boolean;
  readonly dataset: string | undefined;
  readonly latest: LatestItem | undefined;
  readonly freshness: Freshness | undefined;
  /** A value that is there and not stale. */
  readonly reporting: boolean;
  readonly aqi: number | null;
  readonly level: AqiLevel | null;
  readonly primary: readonly string[];
}

export interface StationSources {
  readonly producers: Iterable<Producer>;
  readonly datasets: ReadonlyMap<string, Dataset>;
  readonly latest: ReadonlyMap<string, LatestItem>;
  /** Epoch ms, server clock. */
  readonly now: number;
}

/** All stations that are not revoked, in the order of the producers. */
export function stationViews(sources: StationSources): readonly StationView[] {
  const views: StationView[] = [];
  for (const producer of sources.producers) {
    if (producer.kind === 'air-station' && !producer.revoked) views.push(stationView(producer, sources));
  }
  return views;
}

export function stationView(producer: Producer, sources: StationSources): StationView {
  const dataset = indexedDataset(producer, sources.datasets);
  const latest = dataset === undefined ? undefined : sources.latest.get(`${dataset}/${producer.producer}`);
  const cadenceMs = dataset === undefined ? undefined : sources.datasets.get(dataset)?.cadenceMs;
  const freshness = latest && freshnessOf(Date.parse(latest.phenomenonTime), cadenceMs, sources.now);
  const aqi = latest?.index?.aqi ?? null;
  return {
    id: producer.producer,
    name: producer.name,
    region: producer.region,
    location: producer.location,
    simulated: producer.simulated,
    dataset,
    latest,
    freshness,
    reporting: freshness !== undefined && !freshness.stale,
    aqi,
    level: levelOf(aqi),
    primary: latest?.index?.primary ?? [],
  };
}

/** The dataset an index is computed from; else the producer's first. */
function indexedDataset(producer: Producer, datasets: ReadonlyMap<string, Dataset>): string | undefined {
  return producer.datasets.find((name) => datasets.get(name)?.index !== undefined) ?? producer.datasets[0];
}

/** Worst air first; stations that do not report come after those that do, by name. */
export function byUrgency(a: StationView, b: StationView): number {
  if (a.reporting !== b.reporting) return a.reporting ? -1 : 1;
  return (b.aqi ?? -1) - (a.aqi ?? -1) || a.id.localeCompare(b.id);
}

/** GB 3095 grade II is met up to an AQI of 100. */
const AQI_GRADE_II = 100;

export function isOverLimit(view: StationView): boolean {
  return view.reporting && view.aqi !== null && view.aqi > AQI_GRADE_II;
}
