/**
 * A logger's own summary beside what its readings give. Loggers cut the average after one decimal instead of rounding it,
 * so averages agree when they differ by less than one in the last digit that is shown. A logger may measure more often
 * than it logs: its extremes then lie outside those of the readings, never inside.
 */
import { MeanKineticTemperature } from '@airtight/standards/mkt.ts';

export interface LoggerSummary {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly mean?: number | undefined;
  readonly mkt?: number | undefined;
  /** Number of readings, where the logger tells it. */
  readonly readings?: number | undefined;
}

/** One in the last digit of a display of one decimal. */
const LAST_DIGIT = 0.1;
/** Sums of doubles: far below any digit that is shown. */
const EPSILON = 1e-9;

export class ReadingStatistics {
  readonly #mkt: MeanKineticTemperature;
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  #sum = 0;

  constructor(activationEnergyKJ?: number) {
    this.#mkt = new MeanKineticTemperature(activationEnergyKJ);
  }

  add(celsius: number): void {
    this.count++;
    this.min = Math.min(this.min, celsius);
    this.max = Math.max(this.max, celsius);
    this.#sum += celsius;
    this.#mkt.add(celsius);
  }

  get mean(): number {
    return this.#sum / this.count;
  }

  get mkt(): number {
    return this.#mkt.celsius;
  }
}

export interface Comparison {
  readonly result: 'equal' | 'wider' | 'differs';
  /** What differs, e.g. `max 24.3, by its readings 23.8`. */
  readonly detail: string;
}

/**
 * @param isComplete false: the summary is known to cover more than the readings (some are missing, or its extreme was
 *   measured between two of them), so it may be wider
 */
export function compareSummary(summary: LoggerSummary, computed: ReadingStatistics, isComplete: boolean): Comparison {
  const { min, max, mean, mkt, readings } = summary;
  const differences: string[] = [];
  const say = (name: string, told: number, own: number): void => {
    differences.push(`${name} ${told}, by its readings ${Number(own.toFixed(3))}`);
  };
  if (min !== undefined && min !== computed.min) say('min', min, computed.min);
  if (max !== undefined && max !== computed.max) say('max', max, computed.max);
  if (mean !== undefined && Math.abs(mean - computed.mean) > LAST_DIGIT - EPSILON) say('mean', mean, computed.mean);
  if (mkt !== undefined && Math.abs(mkt - computed.mkt) > LAST_DIGIT - EPSILON) say('mkt', mkt, computed.mkt);
  if (readings !== undefined && readings !== computed.count) say('readings', readings, computed.count);
  const detail = differences.join('; ');
  if (differences.length === 0) return { result: 'equal', detail };
  const contains = (min === undefined || min <= computed.min) && (max === undefined || max >= computed.max);
  return { result: !isComplete && contains ? 'wider' : 'differs', detail };
}
