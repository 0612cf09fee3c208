/**
 * Which stations a window of a subject looks at. Found once and kept until a place changes or a station comes: of a network
 * of thousands every pair would else be measured at every time that is judged.
 */
import type { Window } from '../contract.ts';
import type { Station } from './grid-field.ts';
import { distanceKm, type Places, regionOf, subjectOf } from './places.ts';

/** One degree of latitude is never less, km: what is further north or south need not be measured. */
const DEGREE_KM = 110;

/** Whose windows: the kind of subject, and what the answer follows from. */
export interface Viewer {
  readonly kind: 'producer' | 'region' | 'agency' | 'all';
  readonly places: Places;
  /** Grows when a place changes. */
  readonly epoch: number;
  /** Grows when a station comes or changes its agency. */
  readonly changes: number;
}

const NONE: readonly Station[] = [];

export class StationIndex {
  #epoch = -1;
  #changes = -1;
  /** By window and name of the group, region or subject. */
  readonly #lists = new Map<string, Map<string, Station[]>>();

  /** @param stations all of the window's input */
  seenBy(viewer: Viewer, window: Window, subject: string, stations: ReadonlyMap<string, Station>): readonly Station[] {
    if (this.#epoch !== viewer.epoch || this.#changes !== viewer.changes) {
      this.#lists.clear();
      this.#epoch = viewer.epoch;
      this.#changes = viewer.changes;
    }
    const { across, km, input } = window;
    if (across === 'own') {
      const own = stations.get(subject);
      return own === undefined ? NONE : [own];
    }
    const key = `${across} ${km} ${input.name}`;
    let lists = this.#lists.get(key);
    if (lists === undefined) {
      lists = across === 'neighbours' ? new Map() : byName(viewer, across, stations);
      this.#lists.set(key, lists);
    }
    if (across === 'group') return lists.get(subject) ?? NONE;
    if (across === 'region') return lists.get(regionOf(subject, viewer.places) ?? '') ?? NONE;
    const known = lists.get(subject);
    if (known !== undefined) return known;
    const near = [...stations.values()].filter(({ producer }) => producer !== subject && isNear(viewer.places, producer, subject, km));
    lists.set(subject, near);
    return near;
  }
}

function byName({ kind, places }: Viewer, across: 'group' | 'region', stations: ReadonlyMap<string, Station>): Map<string, Station[]> {
  const lists = new Map<string, Station[]>();
  for (const station of stations.values()) {
    const { producer, agency } = station;
    const name = across === 'group' ? subjectOf(kind, producer, agency, places) : regionOf(producer, places);
    if (name === undefined) continue;
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [station]);
    else list.push(station);
  }
  return lists;
}

function isNear(places: Places, a: string, b: string, km: number): boolean {
  const [from, to] = [places.get(a), places.get(b)];
  if (from?.location == null || to?.location == null) return false;
  if (Math.abs(from.location.lat - to.location.lat) * DEGREE_KM > km) return false;
  return (distanceKm(from, to) ?? Number.POSITIVE_INFINITY) <= km;
}
