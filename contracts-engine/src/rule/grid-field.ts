/** The readings that a rule over several stations looks at: by input, by producer. */
import type { Input } from '../contract.ts';
import { type Reading, Series } from './series.ts';
import { StationIndex } from './station-index.ts';

/** One producer as such a rule knows it. */
export interface Station {
  readonly producer: string;
  agency: string;
  readonly series: Series;
}

/** Revisions of a forecast that are kept for one time; beyond it the oldest is forgotten. */
const REVISIONS_MAX = 8;
/** Stations of one input. */
export const STATIONS_MAX = 20_000;

export class GridField {
  /** By input name, then by producer. */
  readonly stations = new Map<string, Map<string, Station>>();
  /** By input name, then by producer: in order of time, then of receipt. */
  readonly forecasts = new Map<string, Map<string, Reading[]>>();
  /** Newest time any station has reported; -1 before the first. */
  watermark = -1;
  /** It was reported when it was measured. */
  live = false;
  /** The next time to be judged; null before the first reading. */
  nextAt: number | null = null;
  /** Readings since the last clearing out. */
  sincePrune = 0;
  /** Grows when a station comes or changes its agency. */
  changes = 0;
  readonly index = new StationIndex();

  /** @returns false when it was known already */
  take(input: Input, reading: Reading): boolean {
    const stations = ofInput(this.stations, input.name);
    let station = stations.get(reading.producer);
    if (station === undefined) {
      if (stations.size >= STATIONS_MAX) return false;
      station = { producer: reading.producer, agency: reading.agency, series: new Series() };
      stations.set(reading.producer, station);
      this.changes++;
    }
    if (station.agency !== reading.agency) this.changes++;
    station.agency = reading.agency;
    if (reading.at <= station.series.watermark) return station.series.insert(reading).length > 0;
    station.series.append(reading);
    return true;
  }

  takeForecast(input: Input, reading: Reading): void {
    const forecasts = ofInput(this.forecasts, input.name);
    const known = forecasts.get(reading.producer) ?? [];
    const index = known.findLastIndex(({ at, receivedAt }) => at < reading.at || (at === reading.at && receivedAt <= reading.receivedAt));
    known.splice(index + 1, 0, reading);
    const sameTime = known.filter(({ at }) => at === reading.at);
    if (sameTime.length > REVISIONS_MAX) known.splice(known.indexOf(sameTime[0] as Reading), 1);
    forecasts.set(reading.producer, known);
  }

  /** Forgets what lies before a time. */
  forgetBefore(at: number): void {
    for (const stations of this.stations.values()) for (const { series } of stations.values()) series.forgetBefore(at);
    for (const forecasts of this.forecasts.values()) {
      for (const [producer, readings] of forecasts) {
        const kept = readings.filter((reading) => reading.at >= at);
        if (kept.length === 0) forecasts.delete(producer);
        else forecasts.set(producer, kept);
      }
    }
  }

  /** Forgets of each station the oldest beyond a number of readings. */
  forgetBeyond(readings: number): void {
    for (const stations of this.stations.values()) for (const { series } of stations.values()) series.forgetBeyond(readings);
  }
}

function ofInput<T>(byInput: Map<string, Map<string, T>>, name: string): Map<string, T> {
  const known = byInput.get(name) ?? new Map<string, T>();
  byInput.set(name, known);
  return known;
}
