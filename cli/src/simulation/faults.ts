/** What goes wrong with simulated devices besides what they measure: clocks, links, sensors, silence. */
import type { SimulatedDevice } from './network.ts';
import { uniform } from './noise.ts';
import { HOUR_MS, hourOfDay, MINUTE_MS, type Scenario } from './scenario.ts';

/** Stations with a lasting fault, by their place in the network. */
const SKEWED_STATION = 8;
const SILENT_STATION = 12;
const STUCK_STATION = 19;
const DRIFTING_STATION = 27;

/** More than the 5 minutes that are taken for ordinary drift: every reading of this station is flagged `future`. */
const SKEW_MS = 11 * MINUTE_MS;
/** The silent station was last heard so long before the network came to life: more than three hourly reports ago. */
const SILENT_BEFORE_START_MS = 5 * HOUR_MS;

const OUTAGE_SLOT_MS = 6 * HOUR_MS;
const OUTAGE_CHANCE = 0.2;
const OUTAGE_MAX_MS = 40 * MINUTE_MS;
const STREAM = { outage: 41, start: 42, length: 43, kind: 44, calibration: 45 };

/**
 * `up`: measures and publishes. `link`: measures, cannot publish, hands in late what it kept. `off`: does neither, so a
 * gap remains.
 */
export type DeviceState = 'up' | 'link' | 'off';

/** How far the device's clock is ahead, ms. */
export function clockSkewMs(device: SimulatedDevice): number {
  return device.dataset === 'air' && device.index === SKEWED_STATION ? SKEW_MS : 0;
}

export function stateOf(scenario: Scenario, device: SimulatedDevice, t: number): DeviceState {
  if (device.dataset === 'air' && device.index === SILENT_STATION) {
    return t < scenario.epoch - SILENT_BEFORE_START_MS ? 'up' : 'off';
  }
  const slot = Math.floor(t / OUTAGE_SLOT_MS);
  const seedOf = (stream: number) => uniform(scenario.seed, stream * 4096 + device.index * 2 + (device.dataset === 'air' ? 0 : 1), slot);
  if (seedOf(STREAM.outage) >= OUTAGE_CHANCE) return 'up';
  const from = slot * OUTAGE_SLOT_MS + seedOf(STREAM.start) * (OUTAGE_SLOT_MS - OUTAGE_MAX_MS);
  const to = from + (0.1 + 0.9 * seedOf(STREAM.length)) * OUTAGE_MAX_MS;
  if (t < from || t >= to) return 'up';
  // A fridge logger runs on its battery: it only ever loses the link.
  return device.dataset === 'coldchain' || seedOf(STREAM.kind) < 0.5 ? 'link' : 'off';
}

/** True while the gas analysers are calibrated, one half hour of the night: HJ 212 flag C, the values do not count. */
export function isCalibrating(scenario: Scenario, device: SimulatedDevice, t: number): boolean {
  const start = 1 + 4 * uniform(scenario.seed, STREAM.calibration, device.index);
  const hour = hourOfDay(t);
  return hour >= start && hour < start + 0.5;
}

/** The time whose PM2.5 is reported: a stuck sensor repeats the same value for six hours. */
export function pm25MeasuredAt(device: SimulatedDevice, t: number): number {
  return device.index === STUCK_STATION ? Math.floor(t / (6 * HOUR_MS)) * 6 * HOUR_MS : t;
}

/** Zero drift of the SO2 analyser, ug/m3: it makes small values negative, which is outside the physical range. */
export function so2Drift(device: SimulatedDevice): number {
  return device.index === DRIFTING_STATION ? -14 : 0;
}
