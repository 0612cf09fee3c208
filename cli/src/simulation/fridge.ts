/**
 * What a simulated vaccine fridge measures: compartment and ambient temperature (Cel), door open, mains power there.
 * Between the compressor's cycles there are door openings in working hours and power cuts; one fridge freezes
 * (a thermostat that fails) and one has been without power for half a day when the network comes to life.
 */
import type { SimulatedDevice } from './network.ts';
import { smoothNoise, uniform } from './noise.ts';
import { dailyWave, HOUR_MS, hourOfDay, MINUTE_MS, rounded, type Scenario, winterShare } from './scenario.ts';

export interface FridgeValues {
  /** Vaccine compartment. */
  readonly tvc: number;
  /** Ambient. */
  readonly tamb: number;
  readonly door: boolean;
  readonly power: boolean;
}

/** Which fridges have the two lasting faults. */
export const FREEZING_FRIDGE = 2;
export const UNPOWERED_FRIDGE = 9;

const STREAM = { ambient: 21, cycle: 22, door: 23, doorStart: 24, doorLength: 25, cut: 26, cutStart: 27, cutLength: 28, noise: 29 };
const SETPOINT_CEL = 4.6;
/** The failed thermostat lets the compressor run: below the -0.5 °C of the WHO PQS freeze alarm, in small cycles. */
const FREEZING_SETPOINT_CEL = -1.7;
const FREEZING_SINCE_MS = 4 * HOUR_MS;
const FREEZING_FOR_MS = 16 * HOUR_MS;
const COOLING_TAU_MS = 45 * MINUTE_MS;
/** Hold-over: how slowly an unpowered compartment takes on the room's temperature. */
const HOLDOVER_TAU_MS = 24 * HOUR_MS;
/** Long enough before the start for more than 10 h above 8 °C (WHO PQS heat alarm), and back soon after it. */
const UNPOWERED_SINCE_MS = 19 * HOUR_MS;
const UNPOWERED_FOR_MS = 20 * HOUR_MS;

const DOOR_SLOT_MS = 15 * MINUTE_MS;
const DOOR_CHANCE = 0.3;
/** Warm air of an opened door is cooled away in a quarter of an hour. */
const DOOR_TAU_MS = 12 * MINUTE_MS;
const DOOR_CEL_PER_MS = 0.7 / (2 * MINUTE_MS);
const DOOR_CEL_MAX = 1.8;
const CUT_SLOT_MS = 12 * HOUR_MS;
const CUT_CHANCE = 0.2;
const CUT_MAX_MS = 2 * HOUR_MS;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The fridge's values at time t (epoch ms). */
export function fridgeValues(scenario: Scenario, fridge: SimulatedDevice, t: number): FridgeValues {
  const { seed } = scenario;
  const tamb =
    21.5 - 2.5 * winterShare(t) + 1.8 * dailyWave(t, 15) + smoothNoise(seed, STREAM.ambient * 4096 + fridge.index, t, 3 * HOUR_MS);
  const cuts = powerCuts(scenario, fridge, t);
  const power = !cuts.some((cut) => within(cut, t));
  const freezing = freezingShare(scenario, fridge, t);
  const base = SETPOINT_CEL + (FREEZING_SETPOINT_CEL - SETPOINT_CEL) * freezing;
  const periodMs = (34 + 12 * uniform(seed, STREAM.cycle, fridge.index)) * MINUTE_MS;
  const amplitude = (power ? 0.6 : 0) * (1 - 0.6 * freezing);
  const cycle = amplitude * Math.sin((2 * Math.PI * t) / periodMs + fridge.index);
  const noise = 0.08 * smoothNoise(seed, STREAM.noise * 4096 + fridge.index, t, 2 * MINUTE_MS);
  const door = doorOpenings(scenario, fridge, t);
  let warming = 0;
  for (const opening of door) warming += doorWarming(opening, t);
  for (const cut of cuts) warming += cutWarming(cut, t, tamb - base);
  return {
    tvc: rounded(base + cycle + noise + warming, 2),
    tamb: rounded(tamb, 1),
    door: door.some((opening) => within(opening, t)),
    power,
  };
}

function within(span: Span, t: number): boolean {
  return t >= span.from && t < span.to;
}

/** 0 = as it should be, 1 = down at the freezing set point. */
function freezingShare(scenario: Scenario, fridge: SimulatedDevice, t: number): number {
  if (fridge.index !== FREEZING_FRIDGE) return 0;
  const since = t - (scenario.epoch - FREEZING_SINCE_MS);
  if (since < 0) return 0;
  if (since < FREEZING_FOR_MS) return 1 - Math.exp(-since / COOLING_TAU_MS);
  return Math.exp(-(since - FREEZING_FOR_MS) / COOLING_TAU_MS);
}

/** Openings that are still felt: those of this quarter of an hour and of the four before. */
function doorOpenings(scenario: Scenario, fridge: SimulatedDevice, t: number): Span[] {
  const slot = Math.floor(t / DOOR_SLOT_MS);
  const openings: Span[] = [];
  for (let number = slot - 4; number <= slot; number++) {
    const chance = (stream: number) => uniform(scenario.seed, stream * 4096 + fridge.index, number);
    const hour = hourOfDay(number * DOOR_SLOT_MS);
    if (hour < 8 || hour >= 17.5 || chance(STREAM.door) >= DOOR_CHANCE) continue;
    const from = number * DOOR_SLOT_MS + chance(STREAM.doorStart) * 6 * MINUTE_MS;
    // Most are short; a few last longer than the 5 min of the WHO PQS door alarm.
    openings.push({ from, to: from + (0.4 + 8 * chance(STREAM.doorLength) ** 4) * MINUTE_MS });
  }
  return openings;
}

function doorWarming(opening: Span, t: number): number {
  if (t < opening.from) return 0;
  const open = Math.min(t, opening.to) - opening.from;
  const peak = Math.min(DOOR_CEL_MAX, open * DOOR_CEL_PER_MS);
  return peak * Math.exp(-Math.max(0, t - opening.to) / DOOR_TAU_MS);
}

function powerCuts(scenario: Scenario, fridge: SimulatedDevice, t: number): Span[] {
  if (fridge.index === UNPOWERED_FRIDGE) {
    const from = scenario.epoch - UNPOWERED_SINCE_MS;
    return t < from ? [] : [{ from, to: from + UNPOWERED_FOR_MS }];
  }
  // The freezing fridge is to be seen freezing: no cut warms it.
  if (fridge.index === FREEZING_FRIDGE) return [];
  const slot = Math.floor(t / CUT_SLOT_MS);
  const cuts: Span[] = [];
  for (let number = slot - 1; number <= slot; number++) {
    const chance = (stream: number) => uniform(scenario.seed, stream * 4096 + fridge.index, number);
    if (chance(STREAM.cut) >= CUT_CHANCE) continue;
    const from = number * CUT_SLOT_MS + chance(STREAM.cutStart) * (CUT_SLOT_MS - CUT_MAX_MS);
    cuts.push({ from, to: from + (0.1 + 0.9 * chance(STREAM.cutLength)) * CUT_MAX_MS });
  }
  return cuts;
}

/** Drift towards the room while power is away, cooled down again afterwards. */
function cutWarming(cut: Span, t: number, differenceCel: number): number {
  if (t < cut.from) return 0;
  const away = Math.min(t, cut.to) - cut.from;
  const reached = differenceCel * (1 - Math.exp(-away / HOLDOVER_TAU_MS));
  return reached * Math.exp(-Math.max(0, t - cut.to) / COOLING_TAU_MS);
}
