/**
 * How much attention a contract asks for. Measured as ISA-18.2 (IEC 62682) and EEMUA 191 measure alarm systems: annunciated
 * alarms per operator and 10 minutes, and how much of the time is a flood.
 */
import type { Annunciation } from './trial.ts';

const TEN_MINUTES_MS = 600_000;
const SHIFT_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

/**
 * The targets that ISA-18.2 and EEMUA 191 give for one operator and the whole alarm system, of which this contract is
 * one part.
 */
export const LOAD_BENCHMARKS = {
  source: 'ANSI/ISA-18.2 (IEC 62682), EEMUA 191',
  /** About one alarm in 10 minutes is very likely to be acceptable, two are the most that can be managed. */
  meanPer10Min: { acceptable: 1, manageable: 2 },
  /** More than this many in 10 minutes are a flood. */
  floodAbove: 10,
  /** Share of 10-minute periods in flood: about 1 % or less. */
  floodShare: 0.01,
} as const;

export interface ShiftLoad {
  /** Beginning of the shift, epoch ms. */
  readonly from: number;
  readonly alarms: number;
  readonly meanPer10Min: number;
  /** Most alarms in one of its 10-minute periods, and when that began. */
  readonly peakPer10Min: number;
  readonly peakAt: number;
}

export interface AlarmLoad {
  readonly alarms: number;
  readonly meanPer10Min: number;
  readonly peakPer10Min: number;
  /** null: no alarm. */
  readonly peakAt: number | null;
  /** 10-minute periods in flood, and their share of all. */
  readonly floods: number;
  readonly floodShare: number;
  readonly verdict: 'acceptable' | 'manageable' | 'overloaded';
  /** Shifts of 8 hours from local midnight; those with an alarm, of at most SHIFTS_MAX the heaviest, in order of time. */
  readonly shifts: readonly ShiftLoad[];
  readonly shiftsWithAlarms: number;
  readonly shiftsAll: number;
}

/** Shifts that are listed. */
export const SHIFTS_MAX = 100;

/**
 * @param range event time that was tried, epoch ms, the end not included
 * @param offsetMsAt how far local time is ahead of UTC at an instant
 */
export function alarmLoad(
  annunciations: readonly Annunciation[],
  { from, to }: { readonly from: number; readonly to: number },
  offsetMsAt: (at: number) => number,
): AlarmLoad {
  const inRange = annunciations.filter(({ at }) => at >= from && at < to);
  const periods = new Map<number, number>();
  for (const { at } of inRange) {
    const begin = Math.floor(at / TEN_MINUTES_MS) * TEN_MINUTES_MS;
    periods.set(begin, (periods.get(begin) ?? 0) + 1);
  }
  const peak = peakOf(periods);
  const periodsAll = Math.max(1, Math.ceil((to - from) / TEN_MINUTES_MS));
  const floods = [...periods.values()].filter((count) => count > LOAD_BENCHMARKS.floodAbove).length;
  const meanPer10Min = inRange.length / periodsAll;
  const shifts = shiftLoads(periods, offsetMsAt);
  const heaviest = [...shifts].sort((a, b) => b.alarms - a.alarms || a.from - b.from).slice(0, SHIFTS_MAX);
  return {
    alarms: inRange.length,
    meanPer10Min,
    ...{ peakPer10Min: peak.count, peakAt: peak.at, floods, floodShare: floods / periodsAll },
    verdict: verdictOf(meanPer10Min, floods / periodsAll),
    shifts: heaviest.sort((a, b) => a.from - b.from),
    shiftsWithAlarms: shifts.length,
    shiftsAll: Math.max(1, Math.ceil((to - from) / SHIFT_MS)),
  };
}

function verdictOf(mean: number, floodShare: number): AlarmLoad['verdict'] {
  const { meanPer10Min, floodShare: floodShareMax } = LOAD_BENCHMARKS;
  if (mean > meanPer10Min.manageable || floodShare > floodShareMax) return 'overloaded';
  return mean > meanPer10Min.acceptable ? 'manageable' : 'acceptable';
}

function shiftLoads(periods: ReadonlyMap<number, number>, offsetMsAt: (at: number) => number): ShiftLoad[] {
  const byShift = new Map<number, Map<number, number>>();
  for (const [begin, count] of periods) {
    const offset = offsetMsAt(begin);
    const local = begin + offset;
    const shift = local - ((((local % DAY_MS) + DAY_MS) % DAY_MS) % SHIFT_MS) - offset;
    const own = byShift.get(shift) ?? new Map<number, number>();
    byShift.set(shift, own.set(begin, count));
  }
  return [...byShift].map(([from, own]) => {
    const alarms = [...own.values()].reduce((sum, count) => sum + count, 0);
    const peak = peakOf(own);
    return { from, alarms, meanPer10Min: alarms / (SHIFT_MS / TEN_MINUTES_MS), peakPer10Min: peak.count, peakAt: peak.at ?? from };
  });
}

function peakOf(periods: ReadonlyMap<number, number>): { readonly at: number | null; readonly count: number } {
  let peak: { at: number | null; count: number } = { at: null, count: 0 };
  for (const [at, count] of periods) if (count > peak.count || (count === peak.count && at < (peak.at ?? 0))) peak = { at, count };
  return peak;
}
