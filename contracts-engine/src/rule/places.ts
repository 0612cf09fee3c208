/** Where producers stand and whose they are: from their registration. */
import type { Bilingual, DeviceRecord } from '@airtight/protocol';
import type { Input, Scope } from '../contract.ts';

export interface Place {
  readonly agency: string;
  readonly region: Bilingual | null;
  /** WGS 84 degrees. */
  readonly location: { readonly lat: number; readonly lon: number } | null;
  readonly datasets: readonly string[];
  readonly revoked: boolean;
  /** Newest tick when it was first registered; null before the first tick. */
  readonly knownFrom: number | null;
}

export type Places = ReadonlyMap<string, Place>;

/** Mean radius of the Earth (IUGG), km. */
const EARTH_RADIUS_KM = 6371.0088;
const REGION = 'region:';
const AGENCY = 'agency:';

/** @param known what was registered before */
export function placeOf(record: DeviceRecord, known: Place | undefined, tickAt: number | null): Place {
  const { agency, region, location, datasets, revoked } = record;
  return { agency, region: region ?? null, location: location ?? null, datasets, revoked, knownFrom: known?.knownFrom ?? tickAt };
}

/** True when an input takes the readings of a producer. */
export function isOf(input: Input, producer: string, agency: string, places: Places): boolean {
  const { agencies, regions, producers } = input;
  if (agencies !== null && !agencies.has(agency)) return false;
  if (producers !== null && !producers.some((pattern) => matches(pattern, producer))) return false;
  if (regions === null) return true;
  const region = places.get(producer)?.region;
  return region != null && (regions.has(region.zh) || regions.has(region.en));
}

/** `*` stands for any run of characters. Time is linear in the product of both lengths, and names are short. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const [first, last] = [parts[0] as string, parts.at(-1) as string];
  if (parts.length === 1) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}

/** What a rule over several stations calls the subject to which a producer belongs; undefined: it belongs to none. */
export function subjectOf(
  kind: 'producer' | 'region' | 'agency' | 'all',
  producer: string,
  agency: string,
  places: Places,
): string | undefined {
  if (kind === 'producer') return producer;
  if (kind === 'agency') return `${AGENCY}${agency}`;
  if (kind === 'all') return 'all';
  const region = regionOf(producer, places);
  return region === undefined ? undefined : `${REGION}${region}`;
}

/** The region of a subject, by its English name. */
export function regionOf(subject: string, places: Places): string | undefined {
  return subject.startsWith(REGION) ? subject.slice(REGION.length) : places.get(subject)?.region?.en;
}

/** True when two subjects are the same, or lie in the same region or agency. */
export function inScope(
  scope: Scope,
  a: { readonly subject: string; readonly agency: string },
  b: { readonly subject: string; readonly agency: string },
  places: Places,
): boolean {
  if (scope === 'all') return true;
  if (scope === 'subject') return a.subject === b.subject;
  if (scope === 'agency') return a.agency === b.agency;
  const region = regionOf(a.subject, places);
  return region !== undefined && region === regionOf(b.subject, places);
}

/** Great-circle distance by the haversine formula, km; undefined when either place is not known. */
export function distanceKm(a: Place | undefined, b: Place | undefined): number | undefined {
  if (a?.location == null || b?.location == null) return undefined;
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const halfLat = Math.sin(radians(b.location.lat - a.location.lat) / 2);
  const halfLon = Math.sin(radians(b.location.lon - a.location.lon) / 2);
  const h = halfLat * halfLat + Math.cos(radians(a.location.lat)) * Math.cos(radians(b.location.lat)) * halfLon * halfLon;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
