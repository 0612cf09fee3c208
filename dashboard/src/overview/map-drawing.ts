/** Draws the station map on a 2D canvas: land projected once into a Path2D, marks on every change. */
import { type GeoProjection, geoGraticule, geoPath } from 'd3-geo';
import { levelColour, SHAPE_PATHS } from '../stations/aqi-level.ts';
import type { StationView } from '../stations/station-view.ts';
import type { Point, Size, View } from './map-projection.ts';

export interface BaseMap {
  readonly land: Path2D;
  readonly graticule: Path2D;
}

export interface MapColours {
  readonly sea: string;
  readonly land: string;
  readonly coast: string;
  readonly graticule: string;
  readonly ink: string;
  readonly ink3: string;
  readonly outline: string;
  readonly halo: string;
  readonly focus: string;
  readonly surface: string;
  readonly font: string;
  readonly dark: boolean;
}

const GRATICULE_STEP: [number, number] = [1, 1];

/** @param land the land's outline: coasts only, never country borders */
export function baseMap(projection: GeoProjection, land: GeoJSON.GeoJSON | undefined): BaseMap {
  const path = geoPath(projection);
  return {
    land: new Path2D((land && path(land)) ?? ''),
    graticule: new Path2D(path(geoGraticule().step(GRATICULE_STEP)()) ?? ''),
  };
}

/** The colours of the present theme, read from the tokens. */
export function mapColours(element: Element, dark: boolean): MapColours {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    sea: token('sea'),
    land: token('land'),
    coast: token('coast'),
    graticule: token('graticule'),
    ink: token('ink'),
    ink3: token('ink-3'),
    outline: token('mark-outline'),
    halo: token('mark-halo'),
    focus: token('focus'),
    surface: token('surface'),
    font: style.fontFamily,
    dark,
  };
}

export function drawBase(
  context: CanvasRenderingContext2D,
  base: BaseMap,
  view: View,
  size: Size,
  ratio: number,
  colours: MapColours,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colours.sea;
  context.fillRect(0, 0, size.width, size.height);
  context.setTransform(ratio * view.k, 0, 0, ratio * view.k, ratio * view.x, ratio * view.y);
  context.fillStyle = colours.land;
  context.fill(base.land);
  context.lineWidth = 0.8 / view.k;
  context.strokeStyle = colours.graticule;
  context.stroke(base.graticule);
  context.lineWidth = 1.2 / view.k;
  context.strokeStyle = colours.coast;
  context.stroke(base.land);
}

export interface PlacedStation {
  readonly station: StationView;
  readonly point: Point;
}

/** Marks in the given order; the chosen one last and larger; numbers where there is room. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  placed: readonly PlacedStation[],
  chosen: string | null,
  palette: 'official' | 'friendly',
  ratio: number,
  colours: MapColours,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const ordered = [...placed].sort((a, b) => Number(a.station.id === chosen) - Number(b.station.id === chosen));
  for (const { station, point } of ordered) drawMark(context, station, point, station.id === chosen, palette, colours);
  drawNumbers(context, placed, chosen, colours);
}

function drawMark(
  context: CanvasRenderingContext2D,
  station: StationView,
  at: Point,
  chosen: boolean,
  palette: 'official' | 'friendly',
  colours: MapColours,
): void {
  const path = new Path2D(SHAPE_PATHS[station.level?.shape ?? 'circle']);
  const scale = chosen ? 1.35 : station.level === null ? 0.6 : 0.95;
  context.save();
  context.translate(at.x, at.y);
  context.scale(scale, scale);
  if (chosen) {
    context.beginPath();
    context.arc(0, 0, 13, 0, 2 * Math.PI);
    context.strokeStyle = colours.focus;
    context.lineWidth = 2.5 / scale;
    context.stroke();
  }
  if (station.reporting && station.level !== null) {
    context.strokeStyle = colours.halo;
    context.lineWidth = 3.2 / scale;
    context.stroke(path);
    context.fillStyle = levelColour(station.level, palette).fill;
    context.fill(path);
    context.strokeStyle = '#222222';
    context.lineWidth = 1 / scale;
    context.stroke(path);
  } else {
    drawHollow(context, path, colours, scale);
  }
  context.restore();
}

/** A station that does not report: hollow, with a dashed ring; never in a level's colour. */
function drawHollow(context: CanvasRenderingContext2D, path: Path2D, colours: MapColours, scale: number): void {
  context.fillStyle = colours.surface;
  context.fill(path);
  context.strokeStyle = colours.ink3;
  context.lineWidth = 1.4 / scale;
  context.stroke(path);
  context.setLineDash([3, 2.5]);
  context.beginPath();
  context.arc(0, 0, 11.5, 0, 2 * Math.PI);
  context.lineWidth = 1.2 / scale;
  context.stroke();
  context.setLineDash([]);
}

const NUMBER_HEIGHT = 13;
const NUMBER_OFFSET = 17;

/** Index values below their marks, worst first, each only where it covers no mark and no other number. */
function drawNumbers(
  context: CanvasRenderingContext2D,
  placed: readonly PlacedStation[],
  chosen: string | null,
  colours: MapColours,
): void {
  context.font = `600 11px ${colours.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const taken: { x: number; y: number; w: number; h: number }[] = placed.map(({ point }) => ({
    x: point.x - 8,
    y: point.y - 8,
    w: 16,
    h: 16,
  }));
  const free = (box: { x: number; y: number; w: number; h: number }) =>
    taken.every((other) => box.x + box.w < other.x || other.x + other.w < box.x || box.y + box.h < other.y || other.y + other.h < box.y);
  for (const { station, point } of [...placed].sort((a, b) => (b.station.aqi ?? 0) - (a.station.aqi ?? 0))) {
    if (station.aqi === null || !station.reporting || station.id === chosen) continue;
    const text = String(station.aqi);
    const w = context.measureText(text).width + 2;
    const box = { x: point.x - w / 2, y: point.y + NUMBER_OFFSET - NUMBER_HEIGHT / 2, w, h: NUMBER_HEIGHT };
    if (!free(box)) continue;
    taken.push(box);
    context.lineWidth = 3;
    context.strokeStyle = colours.land;
    context.lineJoin = 'round';
    context.strokeText(text, point.x, point.y + NUMBER_OFFSET);
    context.fillStyle = colours.ink;
    context.fillText(text, point.x, point.y + NUMBER_OFFSET);
  }
}

/** Names of the regions in the middle of their stations, wide and faint as on an atlas sheet: under the marks. */
export function drawRegions(
  context: CanvasRenderingContext2D,
  regions: readonly { readonly name: string; readonly point: Point }[],
  ratio: number,
  colours: MapColours,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `600 22px ${colours.font}`;
  context.letterSpacing = '6px';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.globalAlpha = 0.3;
  context.fillStyle = colours.ink3;
  for (const { name, point } of regions) context.fillText(name, point.x, point.y);
  context.globalAlpha = 1;
  context.letterSpacing = '0px';
}
