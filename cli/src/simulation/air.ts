/**
 * What a simulated air station measures: 1-h means as a publisher reports them. Regional episodes build up in the
 * south-west under weak winds, travel along the Taihang mountains to the north-east, and are cleared by north wind.
 */
import type { SimulatedDevice } from './network.ts';
import { ramp, smoothNoise, uniform } from './noise.ts';
import { DAY_MS, dailyWave, HOUR_MS, hourOfDay, rounded, type Scenario, winterShare } from './scenario.ts';

/** `ug/m3`, CO in `mg/m3`; temp and dewp in Cel, pres in hPa, wspm in m/s. */
export interface AirValues {
  readonly pm25: number;
  readonly pm10: number;
  readonly so2: number;
  readonly no2: number;
  readonly co: number;
  readonly o3: number;
  readonly temp: number;
  readonly dewp: number;
  readonly pres: number;
  readonly wspm: number;
  readonly wd: string;
}

/** One episode begins in each of these spans. */
const EPISODE_SPAN_MS = 6 * DAY_MS;
const EPISODE_SPEED_KM_PER_MS = 17 / HOUR_MS;
const EPISODE_RISE_MS = 18 * HOUR_MS;
const EPISODE_PLATEAU_MS = 34 * HOUR_MS;
const EPISODE_FALL_MS = 9 * HOUR_MS;
/** The first episode began so long before the network: by then the south is under it and the north is to follow. */
const FIRST_EPISODE_LEAD_MS = 30 * HOUR_MS;
/** At its height it adds so much PM2.5 (ug/m3); the first one is heavy, so that there is something to see. */
const FIRST_EPISODE_PM25 = 195;
const EPISODE_PM25_MIN = 60;
const EPISODE_PM25_SPREAD = 190;

/** Where episodes begin (south of Handan), and the way they go: 28° east of north. */
const ORIGIN = { lat: 36.5, lon: 114.4 };
const HEADING = { north: Math.cos((28 * Math.PI) / 180), east: Math.sin((28 * Math.PI) / 180) };
const KM_PER_DEGREE_LAT = 111.2;
const KM_PER_DEGREE_LON = 86;

const WIND_SECTORS = ['N', 'NNE', 'NE', 'ENE', 'E', 'ESE', 'SE', 'SSE', 'S', 'SSW', 'SW', 'WSW', 'W', 'WNW', 'NW', 'NNW'];
const STREAM = { pm: 1, ratio: 2, so2: 3, no2: 4, o3: 5, temp: 6, wind: 7, heading: 8, pressure: 9, site: 10, strength: 11, start: 12 };

/** The station's values at time t (epoch ms). */
export function airValues(scenario: Scenario, station: SimulatedDevice, t: number): AirValues {
  const noise = (stream: number, periodMs: number) => smoothNoise(scenario.seed, stream * 4096 + station.index, t, periodMs);
  const winter = winterShare(t);
  const episode = episodeAt(scenario, station, t);
  const site = 0.85 + 0.3 * uniform(scenario.seed, STREAM.site, station.index);
  const still = 1 + 0.2 * dailyWave(t, 23) + 0.1 * Math.cos((4 * Math.PI * (hourOfDay(t) - 8)) / 24);

  const pm25 = Math.max(3, ((16 + 24 * winter) * still + episode.pm25) * site * (1 + 0.1 * noise(STREAM.pm, HOUR_MS)));
  const pm10 = pm25 * (1.35 + 0.2 * noise(STREAM.ratio, 5 * HOUR_MS)) + 14 * site;
  const no2 = (14 + 16 * winter + 12 * rushHour(t) + 14 * episode.share) * site * (1 + 0.12 * noise(STREAM.no2, HOUR_MS));
  const so2 = (3 + 5 * winter + 4 * episode.share) * site * (1 + 0.2 * noise(STREAM.so2, 2 * HOUR_MS));
  const sun = Math.max(0, dailyWave(t, 14));
  const o3 = Math.max(4, (22 + (170 - 120 * winter) * sun - 0.35 * no2) * (1 + 0.1 * noise(STREAM.o3, HOUR_MS)));
  const temp = 26 - 29 * winter + 4.5 * dailyWave(t, 15) + 3 * noise(STREAM.temp, 30 * HOUR_MS) - (station.location.lat - 39) * 0.8;
  const wspm = Math.max(0.2, (2.4 + 0.8 * dailyWave(t, 15)) * (1 - 0.6 * episode.share) + 0.7 * noise(STREAM.wind, 2 * HOUR_MS));
  return {
    pm25: rounded(pm25, 1),
    pm10: rounded(pm10, 1),
    so2: rounded(so2, 1),
    no2: rounded(no2, 1),
    co: rounded(0.25 + 0.35 * winter + pm25 / 130, 2),
    o3: rounded(o3, 1),
    temp: rounded(temp, 1),
    dewp: rounded(temp - 9 + 6 * episode.share - 3 * winter, 1),
    pres: rounded(1009 + 14 * winter + 4 * noise(STREAM.pressure, 40 * HOUR_MS), 1),
    wspm: rounded(wspm, 1),
    wd: windSector(episode.share, noise(STREAM.heading, 4 * HOUR_MS)),
  };
}

/** How far the station lies along the way of the episodes, km from where they begin. */
export function episodeDistanceKm(location: { readonly lat: number; readonly lon: number }): number {
  const north = (location.lat - ORIGIN.lat) * KM_PER_DEGREE_LAT;
  const east = (location.lon - ORIGIN.lon) * KM_PER_DEGREE_LON;
  return Math.max(0, north * HEADING.north + east * HEADING.east);
}

/** What episodes add at this place and time: PM2.5 in ug/m3, and how much the place is under one, 0 to 1. */
function episodeAt(scenario: Scenario, station: SimulatedDevice, t: number): { pm25: number; share: number } {
  const delayMs = episodeDistanceKm(station.location) / EPISODE_SPEED_KM_PER_MS;
  const span = Math.floor((t - scenario.epoch) / EPISODE_SPAN_MS);
  let pm25 = 0;
  let share = 0;
  // An episode of the span before may still lie over a place that it reached late.
  for (const number of [span - 1, span, span + 1]) {
    const age = t - episodeStart(scenario, number) - delayMs;
    const rise = ramp(age, 0, EPISODE_RISE_MS);
    const fall = ramp(age, EPISODE_RISE_MS + EPISODE_PLATEAU_MS, EPISODE_RISE_MS + EPISODE_PLATEAU_MS + EPISODE_FALL_MS);
    const here = rise * (1 - fall);
    pm25 += episodePm25(scenario, number) * here;
    share = Math.max(share, here);
  }
  return { pm25, share };
}

function episodeStart(scenario: Scenario, number: number): number {
  const wander = number === 0 ? 0 : uniform(scenario.seed, STREAM.start, number) * 2 * DAY_MS;
  return scenario.epoch + number * EPISODE_SPAN_MS - FIRST_EPISODE_LEAD_MS + wander;
}

function episodePm25(scenario: Scenario, number: number): number {
  if (number === 0) return FIRST_EPISODE_PM25;
  return EPISODE_PM25_MIN + EPISODE_PM25_SPREAD * uniform(scenario.seed, STREAM.strength, number);
}

function rushHour(t: number): number {
  const hour = hourOfDay(t);
  return Math.exp(-((hour - 8) ** 2) / 4) + Math.exp(-((hour - 19) ** 2) / 6);
}

/** Weak southerly wind under an episode, northerly otherwise. */
function windSector(share: number, noise: number): string {
  const degrees = (share > 0.3 ? 200 : 340) + noise * 60;
  return WIND_SECTORS[Math.round((((degrees % 360) + 360) % 360) / 22.5) % 16] ?? 'N';
}
