/** Geometry of the station map. Pure: no canvas, no DOM. */
import { type GeoProjection, geoMercator } from 'd3-geo';

export interface Place {
  readonly lat: number;
  readonly lon: number;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}
/** Zoom k about the fitted map, then shift: screen = k · point + (x, y). */
export interface View {
  readonly k: number;
  readonly x: number;
  readonly y: number;
}

export const FITTED: View = { k: 1, x: 0, y: 0 };
export const ZOOM_MIN = 0.6;
export const ZOOM_MAX = 12;
/** Room for marks and their numbers at the edge, px. */
const PADDING = 44;
/** Shown while no station has a place: Beijing, Tianjin, Hebei. */
const DEFAULT_EXTENT: readonly Place[] = [
  { lat: 36.1, lon: 113.5 },
  { lat: 42.6, lon: 119.8 },
];

/** A Mercator map fitted around the places; land beyond twice the screen is cut off so that paths stay short. */
export function fitProjection(places: readonly Place[], size: Size): GeoProjection {
  const shown = places.length > 1 ? places : DEFAULT_EXTENT;
  const coordinates = shown.map((place): [number, number] => [place.lon, place.lat]);
  const { width, height } = size;
  const right = Math.max(width - PADDING, PADDING + 1);
  const bottom = Math.max(height - PADDING, PADDING + 1);
  return geoMercator()
    .fitExtent(
      [
        [PADDING, PADDING],
        [right, bottom],
      ],
      { type: 'MultiPoint', coordinates },
    )
    .clipExtent([
      [-2 * width, -2 * height],
      [3 * width, 3 * height],
    ]);
}

export function toScreen(projection: GeoProjection, view: View, place: Place): Point {
  const [x, y] = projection([place.lon, place.lat]) ?? [Number.NaN, Number.NaN];
  return { x: view.k * x + view.x, y: view.k * y + view.y };
}

/** The view after zooming by `factor` with the point under the pointer kept where it is. */
export function zoomAt(view: View, factor: number, at: Point, size: Size): View {
  const k = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, view.k * factor));
  const scale = k / view.k;
  return bounded({ k, x: at.x - scale * (at.x - view.x), y: at.y - scale * (at.y - view.y) }, size);
}

/** Keeps some of the fitted map on the screen. */
export function bounded(view: View, size: Size): View {
  const limit = (shift: number, length: number) => Math.min(length * 0.8, Math.max(length * 0.2 - view.k * length, shift));
  return { k: view.k, x: limit(view.x, size.width), y: limit(view.y, size.height) };
}

export type Direction = 'up' | 'down' | 'left' | 'right';

/**
 * The next mark in a direction: the nearest within 45° of it, distance across counted double.
 * @returns its index, or the index given where there is none
 */
export function nextInDirection(points: readonly Point[], from: number, direction: Direction): number {
  const origin = points[from];
  if (origin === undefined) return points.length > 0 ? 0 : -1;
  let best = from;
  let bestCost = Number.POSITIVE_INFINITY;
  points.forEach((point, index) => {
    const dx = point.x - origin.x;
    const dy = point.y - origin.y;
    const [along, across] = { up: [-dy, dx], down: [dy, dx], left: [-dx, dy], right: [dx, dy] }[direction] as [number, number];
    const cost = along + 2 * Math.abs(across);
    if (index !== from && along > 0 && Math.abs(across) <= along && cost < bestCost) {
      best = index;
      bestCost = cost;
    }
  });
  return best;
}

/** Index of the mark nearest to a point within `reach` px; −1 where there is none. */
export function nearest(points: readonly Point[], at: Point, reach: number): number {
  let best = -1;
  let bestDistance = reach * reach;
  points.forEach((point, index) => {
    const distance = (point.x - at.x) ** 2 + (point.y - at.y) ** 2;
    if (distance <= bestDistance) {
      best = index;
      bestDistance = distance;
    }
  });
  return best;
}

/** A length for the scale bar: 1, 2 or 5 times a power of ten km, at most `maxPx` wide. */
export function scaleBar(projection: GeoProjection, view: View, size: Size, maxPx: number): { readonly km: number; readonly px: number } {
  const y = (size.height / 2 - view.y) / view.k;
  const x = (size.width / 2 - view.x) / view.k;
  const here = projection.invert?.([x, y]);
  const there = projection.invert?.([x + 100 / view.k, y]);
  if (!here || !there) return { km: 0, px: 0 };
  const EARTH_KM_PER_DEGREE = 111.195;
  const kmPerPx = (Math.abs(there[0] - here[0]) * EARTH_KM_PER_DEGREE * Math.cos((here[1] * Math.PI) / 180)) / 100;
  const wanted = kmPerPx * maxPx;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [5, 2, 1].find((n) => n * power <= wanted) ?? 1;
  return { km: step * power, px: (step * power) / kmPerPx };
}
