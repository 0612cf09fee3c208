/**
 * How much of the time to alarm is used up: WHO PQS E003/TR06 alarms of a 30-day refrigerator logger,
 * HEAT above +8 °C for 10 h without a break, FRZE at or below −0.5 °C for 60 min without a break. Staff who see the
 * budget run can act before the alarm. Pure; event time only.
 */
import { FRZE, HEAT, REFRIGERATED_CEL } from '@airtight/standards/who-pqs.ts';

/** Lower end of the storage range, °C. Between it and the freeze limit there is no alarm. */
export const COLD_LOW_C = REFRIGERATED_CEL.min;
export const HEAT_C = HEAT.aboveCel;
export const FREEZE_C = FRZE.atOrBelowCel;
export const HEAT_LIMIT_MS = HEAT.continuousMs;
export const FREEZE_LIMIT_MS = FRZE.continuousMs;

/** A stretch of the series: mean is not enough, one cold minute ends a hot run. */
export interface TemperatureSpan {
  /** Epoch ms of the first instant. */
  readonly start: number;
  readonly minC: number;
  readonly maxC: number;
}

export interface Budget {
  readonly limitMs: number;
  /** Length of the run that lasts until the newest value; 0 when the newest value is within. */
  readonly usedMs: number;
  /** Epoch ms at which the run began; null when there is none. */
  readonly since: number | null;
  /** usedMs / limitMs, at most 1. */
  readonly share: number;
  readonly fired: boolean;
}

export interface Budgets {
  readonly heat: Budget;
  readonly freeze: Budget;
}

/**
 * @param spans ascending by start
 * @param until epoch ms of the newest value: what came after it is not known and counts for nothing
 * @param gapMaxMs a longer silence ends a run, as nobody can say that it went on
 */
export function alarmBudgets(spans: readonly TemperatureSpan[], until: number, gapMaxMs: number): Budgets {
  return {
    heat: budget(spans, until, gapMaxMs, HEAT_LIMIT_MS, ({ minC }) => isBeyond('heat', minC)),
    freeze: budget(spans, until, gapMaxMs, FREEZE_LIMIT_MS, ({ maxC }) => isBeyond('freeze', maxC)),
  };
}

/** Whether a temperature uses up the time to this alarm. */
export function isBeyond(kind: keyof Budgets, celsius: number): boolean {
  return kind === 'heat' ? celsius > HEAT_C : celsius <= FREEZE_C;
}

export interface TemperatureReading {
  /** Epoch ms. */
  readonly at: number;
  readonly celsius: number;
}

/**
 * The budget with the run from its first reading on: a span begins at a whole minute, the reading in it need not.
 * @param edge readings from one span before the one in which the run begins until its end, ascending; without one that is
 *   beyond the limit the budget stays as it is
 */
export function fromFirstReading(budget: Budget, kind: keyof Budgets, edge: readonly TemperatureReading[], until: number): Budget {
  let since: number | null = null;
  for (const { at, celsius } of edge) since = isBeyond(kind, celsius) ? (since ?? at) : null;
  return since === null || budget.since === null ? budget : used(since, until, budget.limitMs);
}

function budget(
  spans: readonly TemperatureSpan[],
  until: number,
  gapMaxMs: number,
  limitMs: number,
  beyond: (span: TemperatureSpan) => boolean,
): Budget {
  let since: number | null = null;
  for (let i = spans.length - 1; i >= 0; i--) {
    const span = spans[i];
    if (span === undefined || !beyond(span)) break;
    const next = spans[i + 1]?.start ?? until;
    if (next - span.start > gapMaxMs) break;
    since = span.start;
  }
  return used(since, until, limitMs);
}

function used(since: number | null, until: number, limitMs: number): Budget {
  const usedMs = since === null ? 0 : Math.max(0, until - since);
  return { limitMs, usedMs, since, share: Math.min(1, usedMs / limitMs), fired: usedMs >= limitMs };
}
