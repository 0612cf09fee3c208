/**
 * WHO PQS E003 (refrigerators with monitoring) and WHO/PQS/E006/TR06 (30-day temperature recorders): when an alarm is due.
 * Times are event time in epoch ms, temperatures in °C.
 */

export type AlarmCode = 'HEAT' | 'FRZE' | 'DOOR' | 'POWR';

interface AlarmTiming {
  /** How long the condition must hold without a break, ms. */
  readonly continuousMs: number;
}

/** HEAT: vaccine compartment above +8 °C for 10 h. */
export const HEAT: AlarmTiming & { readonly aboveCel: number } = { aboveCel: 8, continuousMs: 10 * 3_600_000 };
/** FRZE: vaccine compartment at or below −0.5 °C for 60 min. */
export const FRZE: AlarmTiming & { readonly atOrBelowCel: number } = { atOrBelowCel: -0.5, continuousMs: 3_600_000 };
/** DOOR: vaccine compartment door open for 5 min. */
export const DOOR: AlarmTiming = { continuousMs: 300_000 };
/** POWR: no usable supply for 24 h. */
export const POWR: AlarmTiming = { continuousMs: 86_400_000 };
/** Range in which refrigerated vaccines are kept. */
export const REFRIGERATED_CEL = { min: 2, max: 8 } as const;
/** TR06: the temperature is logged at least every 10 min. */
export const LOG_INTERVAL_MAX_MS = 600_000;

export interface FridgeSample {
  /** Epoch ms. */
  readonly at: number;
  /** Vaccine compartment, °C. */
  readonly tvc?: number;
  readonly doorOpen?: boolean;
  readonly powered?: boolean;
}

/** One alarm per episode: the condition began to hold at `since`, the alarm was due at `at`. */
export interface Alarm {
  readonly code: AlarmCode;
  readonly since: number;
  readonly at: number;
}

const CONDITIONS: readonly { readonly code: AlarmCode; readonly continuousMs: number; holds(sample: FridgeSample): boolean }[] = [
  { code: 'HEAT', continuousMs: HEAT.continuousMs, holds: (sample) => sample.tvc !== undefined && sample.tvc > HEAT.aboveCel },
  { code: 'FRZE', continuousMs: FRZE.continuousMs, holds: (sample) => sample.tvc !== undefined && sample.tvc <= FRZE.atOrBelowCel },
  { code: 'DOOR', continuousMs: DOOR.continuousMs, holds: (sample) => sample.doorOpen === true },
  { code: 'POWR', continuousMs: POWR.continuousMs, holds: (sample) => sample.powered === false },
];

/**
 * The alarms of a gapless series of samples in order of time. Continuous, not cumulative: one sample back in range starts
 * the clock anew. An alarm is due at the first sample that is the full duration after the first one out of range.
 * @returns in order of `at`, then of HEAT, FRZE, DOOR, POWR
 */
export function alarms(samples: readonly FridgeSample[]): readonly Alarm[] {
  const found: Alarm[] = [];
  for (const { code, continuousMs, holds } of CONDITIONS) {
    let since: number | null = null;
    let raised = false;
    for (const sample of samples) {
      if (!holds(sample)) {
        since = null;
        raised = false;
        continue;
      }
      since ??= sample.at;
      if (raised || sample.at - since < continuousMs) continue;
      found.push({ code, since, at: sample.at });
      raised = true;
    }
  }
  return found.sort((a, b) => a.at - b.at);
}
