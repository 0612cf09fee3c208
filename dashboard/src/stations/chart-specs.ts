/** Which properties of an air station get a chart, and in which order: the index, its pollutants, then the weather. */
import type { Dataset } from '@airtight/protocol';
import type { ChartSpec } from '../series/chart-options.ts';

/** Name under which the series of the index itself is asked for. */
const INDEX_PROPERTY = 'aqi';
const POLLUTANTS = ['pm25', 'pm10', 'o3', 'no2', 'so2', 'co'];
const TONES = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'];
const HEIGHT = 150;
/** Charts on one page: each is a request and a canvas. */
const CHARTS_MAX = 12;

/** Properties without a unit (a wind sector) are words and get no chart. */
export function stationSpecs(dataset: Dataset): readonly ChartSpec[] {
  const known = POLLUTANTS.filter((name) => name in dataset.properties);
  const others = Object.keys(dataset.properties).filter((name) => !known.includes(name) && dataset.properties[name]?.unit !== '1');
  const index = dataset.index === undefined ? [] : [INDEX_PROPERTY];
  return [...index, ...known, ...others].slice(0, CHARTS_MAX).map((property, at) => ({
    property,
    tone: property === INDEX_PROPERTY ? 'ink-2' : (TONES[(at - index.length) % TONES.length] ?? 'series-1'),
    height: HEIGHT,
  }));
}
