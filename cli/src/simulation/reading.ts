/** The payload a simulated device publishes for a moment, and the moments it publishes. */
import { airValues } from './air.ts';
import { clockSkewMs, isCalibrating, pm25MeasuredAt, so2Drift, stateOf } from './faults.ts';
import { fridgeValues } from './fridge.ts';
import type { SimulatedDevice } from './network.ts';
import { HOUR_MS, MINUTE_MS, rounded, type Scenario } from './scenario.ts';

const GASES: readonly string[] = ['so2', 'no2', 'co', 'o3'];
/** What a device hands in when it first connects: an air station its last day by the hour, a fridge logger what it keeps by 15 min. */
const AIR_HISTORY = { spanMs: 24 * HOUR_MS, stepMs: HOUR_MS };
const FRIDGE_HISTORY = { spanMs: 26 * HOUR_MS, stepMs: 15 * MINUTE_MS };
/** Every interval divides it, so that a moment of the past has the same sequence number as when it was published live. */
export const HISTORY_STEP_MS = FRIDGE_HISTORY.stepMs;

/**
 * The reading of `device` at `t`, a multiple of `intervalMs`, as JSON text. Its sequence number is the ordinal of that
 * moment, so a reading that is published again is recognised as the same one.
 */
export function readingPayload(scenario: Scenario, device: SimulatedDevice, t: number, intervalMs: number): string {
  const m = device.dataset === 'air' ? airMeasurements(scenario, device, t) : fridgeValues(scenario, device, t);
  return JSON.stringify({ seq: Math.round(t / intervalMs), t: t + clockSkewMs(device), m });
}

/** The moments before `now` that the device measured and hands in late when it first connects, oldest first. */
export function historyTimes(scenario: Scenario, device: SimulatedDevice, now: number): number[] {
  const { spanMs, stepMs } = device.dataset === 'air' ? AIR_HISTORY : FRIDGE_HISTORY;
  const times: number[] = [];
  for (let t = Math.ceil((now - spanMs) / stepMs) * stepMs; t < now; t += stepMs) {
    if (stateOf(scenario, device, t) !== 'off') times.push(t);
  }
  return times;
}

function airMeasurements(scenario: Scenario, device: SimulatedDevice, t: number) {
  const values = airValues(scenario, device, t);
  const measuredAt = pm25MeasuredAt(device, t);
  const pm25 = measuredAt === t ? values.pm25 : airValues(scenario, device, measuredAt).pm25;
  const m: { [property: string]: unknown } = { ...values, pm25, so2: rounded(values.so2 + so2Drift(device), 1) };
  if (!isCalibrating(scenario, device, t)) return m;
  for (const gas of GASES) m[gas] = { v: m[gas], q: 'C' };
  return m;
}
