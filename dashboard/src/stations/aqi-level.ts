/**
 * The six levels of HJ 633 (2012 and 2026 alike): ranges, official colours (HJ 633-2026 table A.1) and, because green
 * and orange are one colour to a deuteranope, a shape for each. The friendly palette runs from light to dark, so it
 * can be told apart without hue too. Text colours give at least 4.5:1 (WCAG 2.2 AA); a test computes them.
 */
export type LevelNumber = 1 | 2 | 3 | 4 | 5 | 6;
export type Shape = 'circle' | 'diamond' | 'triangle' | 'square' | 'pentagon' | 'cross';
export interface LevelColour {
  readonly fill: string;
  readonly text: string;
}

export interface AqiLevel {
  readonly level: LevelNumber;
  /** AQI range, both ends included. */
  readonly from: number;
  readonly to: number;
  readonly shape: Shape;
  readonly official: LevelColour;
  readonly friendly: LevelColour;
}

const DARK = '#111111';
const LIGHT = '#ffffff';

function level(n: LevelNumber, from: number, to: number, shape: Shape, official: LevelColour, friendly: LevelColour): AqiLevel {
  return { level: n, from, to, shape, official, friendly };
}

export const AQI_LEVELS: readonly AqiLevel[] = [
  level(1, 0, 50, 'circle', { fill: '#00e400', text: DARK }, { fill: '#fdf4b8', text: DARK }),
  level(2, 51, 100, 'diamond', { fill: '#ffff00', text: DARK }, { fill: '#f9c55e', text: DARK }),
  level(3, 101, 150, 'triangle', { fill: '#ff7e00', text: DARK }, { fill: '#ee8a45', text: DARK }),
  level(4, 151, 200, 'square', { fill: '#ff0000', text: DARK }, { fill: '#c4424f', text: LIGHT }),
  level(5, 201, 300, 'pentagon', { fill: '#99004c', text: LIGHT }, { fill: '#7c256b', text: LIGHT }),
  level(6, 301, 500, 'cross', { fill: '#7e0023', text: LIGHT }, { fill: '#33104a', text: LIGHT }),
];

export const AQI_MAX = 500;

/** The level an index value lies in; null where no index is published (NA). */
export function levelOf(aqi: number | null | undefined): AqiLevel | null {
  if (aqi === null || aqi === undefined || !Number.isFinite(aqi)) return null;
  return AQI_LEVELS.find((entry) => aqi <= entry.to) ?? AQI_LEVELS[AQI_LEVELS.length - 1] ?? null;
}

export function levelColour(entry: AqiLevel, palette: 'official' | 'friendly'): LevelColour {
  return palette === 'friendly' ? entry.friendly : entry.official;
}

const point = (angle: number, radius: number): string => {
  const radians = (angle * Math.PI) / 180;
  return `${(radius * Math.sin(radians)).toFixed(2)} ${(-radius * Math.cos(radians)).toFixed(2)}`;
};
const polygon = (angles: readonly number[], radius: number): string => `M${angles.map((a) => point(a, radius)).join('L')}Z`;

/** SVG path data around (0, 0), of about equal area, for a mark of radius 8: used by the map's canvas and by icons. */
export const SHAPE_PATHS: { readonly [shape in Shape]: string } = {
  circle: 'M0-7A7 7 0 1 1 0 7A7 7 0 1 1 0-7Z',
  diamond: polygon([0, 90, 180, 270], 8.4),
  triangle: 'M0-8.2L8 6.2L-8 6.2Z',
  square: 'M-6.4-6.4H6.4V6.4H-6.4Z',
  pentagon: polygon([0, 72, 144, 216, 288], 8),
  cross: 'M-7.4-4.6L-4.6-7.4L0-2.8L4.6-7.4L7.4-4.6L2.8 0L7.4 4.6L4.6 7.4L0 2.8L-4.6 7.4L-7.4 4.6L-2.8 0Z',
};
