/** The values as a small drawing, in SVG: a line, and a mark on every value that is not proven. */
import type { CheckedValue } from './check-evidence.ts';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 960;
const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 22;
const TOP = 10;
const RIGHT = 8;

export interface ChartInput {
  readonly values: readonly CheckedValue[];
  readonly from: number;
  readonly to: number;
  readonly title: (low: string, high: string) => string;
  readonly time: (ms: number) => string;
  readonly number: (value: number) => string;
}

/** null when there is no number to draw. */
export function evidenceChart({ values, from, to, title, time, number }: ChartInput): SVGElement | null {
  const points = values.flatMap((value) => (typeof value.result === 'number' ? [{ ...value, y: value.result }] : []));
  if (points.length === 0) return null;
  let [low, high] = [Infinity, -Infinity];
  for (const { y } of points) {
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  const span = high - low || 1;
  const x = (ms: number) => LEFT + ((ms - from) / Math.max(1, to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + (1 - (value - low) / span) * (HEIGHT - TOP - BOTTOM);
  const place = (point: (typeof points)[number]) => `${x(point.phenomenonTime).toFixed(1)},${y(point.y).toFixed(1)}`;
  const svg = element('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  svg.append(text('title', title(number(low), number(high)), {}));
  for (const value of [low, high]) {
    svg.append(element('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: 'grid' }));
    svg.append(text('text', number(value), { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }));
  }
  svg.append(
    text('text', time(from), { x: LEFT, y: HEIGHT - 4 }),
    text('text', time(to), { x: WIDTH - RIGHT, y: HEIGHT - 4, 'text-anchor': 'end' }),
  );
  svg.append(element('polyline', { points: points.map(place).join(' '), class: 'line' }));
  if (points.length === 1) svg.append(element('circle', { cx: x(points[0]?.phenomenonTime ?? 0), cy: y(low), r: 3, class: 'dot' }));
  for (const point of points) {
    if (point.fault === undefined) continue;
    svg.append(element('circle', { cx: x(point.phenomenonTime), cy: y(point.y), r: 6, class: 'fault' }));
  }
  return svg;
}

function element(name: string, attributes: { readonly [attribute: string]: string | number }): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}

function text(name: string, content: string, attributes: { readonly [attribute: string]: string | number }): SVGElement {
  const made = element(name, attributes);
  made.textContent = content;
  return made;
}
