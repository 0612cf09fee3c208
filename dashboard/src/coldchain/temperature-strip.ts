/** Geometry of the 24 h temperature strip. Pure. */
import type { SeriesPoint } from '../series/series-points.ts';
import { COLD_LOW_C, FREEZE_C, HEAT_C } from './who-pqs.ts';

export interface Strip {
  /** SVG path of the mean; broken where nothing was reported. */
  readonly line: string;
  /** y of the 2–8 °C band's upper and lower edge and of the freeze limit. */
  readonly heatY: number;
  readonly lowY: number;
  readonly freezeY: number;
}

/** The scale always holds the band and both limits, so that strips below each other compare. */
const TOP_C = 12.5;
const BOTTOM_C = -3;

/**
 * @param gapMs a longer silence breaks the line
 * @returns paths for a box of `width` × `height`; values beyond the scale run along its edge
 */
export function temperatureStrip(
  points: readonly SeriesPoint[],
  from: number,
  to: number,
  gapMs: number,
  width: number,
  height: number,
): Strip {
  const x = (time: number) => ((time - from) / (to - from)) * width;
  const y = (celsius: number) => height - ((Math.min(TOP_C, Math.max(BOTTOM_C, celsius)) - BOTTOM_C) / (TOP_C - BOTTOM_C)) * height;
  let line = '';
  let before: number | undefined;
  for (const [time, mean] of points) {
    if (time < from) continue;
    const joined = before !== undefined && time - before <= gapMs;
    line += `${joined ? 'L' : 'M'}${x(time).toFixed(1)} ${y(mean).toFixed(1)}`;
    before = time;
  }
  return { line, heatY: y(HEAT_C), lowY: y(COLD_LOW_C), freezeY: y(FREEZE_C) };
}
