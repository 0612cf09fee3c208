/** Which stations stand near by: from the positions in the device records that came before in the journal. */
import { type DeviceRecord, NEIGHBOURS_MAX } from '@airtight/protocol';

/** JSON. */
export interface StationPlace {
  readonly lat: number;
  readonly lon: number;
  readonly datasets: readonly string[];
}

interface NearBy {
  readonly version: number;
  readonly producers: readonly string[];
}

/** Mean radius of the Earth (IUGG), km. */
const EARTH_RADIUS_KM = 6371.0088;
/** Of a great circle, less than any of them. */
const KM_PER_DEGREE = 111;

export class Neighbours {
  readonly #places: Map<string, StationPlace>;
  /** By dataset, distance and producer; found when first asked for after a place has changed. */
  readonly #near = new Map<string, Map<string, NearBy>>();
  #version = 0;

  constructor(places: Iterable<readonly [string, StationPlace]> = []) {
    this.#places = new Map(places);
  }

  get places(): readonly (readonly [string, StationPlace])[] {
    return [...this.#places];
  }

  take({ producer, location, datasets, revoked }: DeviceRecord): void {
    const known = this.#places.get(producer);
    if (location === undefined || revoked) {
      if (this.#places.delete(producer)) this.#version++;
      return;
    }
    const { lat, lon } = location;
    if (known?.lat === lat && known.lon === lon && known.datasets.join(' ') === datasets.join(' ')) return;
    this.#places.set(producer, { lat, lon, datasets: [...datasets] });
    this.#version++;
  }

  /** @returns the nearest producers of the dataset within the distance, nearest first, at most NEIGHBOURS_MAX */
  of(producer: string, dataset: string, withinKm: number): readonly string[] {
    const key = `${dataset} ${withinKm}`;
    let near = this.#near.get(key);
    if (near === undefined) {
      near = new Map();
      this.#near.set(key, near);
    }
    const known = near.get(producer);
    if (known?.version === this.#version) return known.producers;
    const producers = this.#find(producer, dataset, withinKm);
    near.set(producer, { version: this.#version, producers });
    return producers;
  }

  #find(producer: string, dataset: string, withinKm: number): readonly string[] {
    const own = this.#places.get(producer);
    if (own === undefined) return [];
    const found: { readonly producer: string; readonly km: number }[] = [];
    for (const [other, place] of this.#places) {
      if (other === producer || Math.abs(place.lat - own.lat) * KM_PER_DEGREE > withinKm || !place.datasets.includes(dataset)) continue;
      const km = distanceKm(own, place);
      if (km <= withinKm) found.push({ producer: other, km });
    }
    found.sort((a, b) => a.km - b.km || (a.producer < b.producer ? -1 : 1));
    return found.slice(0, NEIGHBOURS_MAX).map((near) => near.producer);
  }
}

interface Point {
  /** WGS 84 degrees. */
  readonly lat: number;
  readonly lon: number;
}

/** Great-circle distance by the haversine formula. */
export function distanceKm(a: Point, b: Point): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half = (from: number, to: number): number => Math.sin(radians(to - from) / 2) ** 2;
  const h = half(a.lat, b.lat) + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * half(a.lon, b.lon);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The middle value, or the mean of the two in the middle; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
