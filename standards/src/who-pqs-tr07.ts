/**
 * WHO/PQS/E006/TR07: electronic shipping indicators, which travel with the vaccines and alarm once and for good. Times are event time in
 * epoch ms, temperatures in °C; a threshold belongs to the range that alarms.
 */

/** 1: for freeze-sensitive vaccines. 2: for oral polio and freeze-dried vaccines, which have no freeze alarm. */
export type ShippingIndicatorType = 1 | 2;

export interface ShippingLimit {
  /** `atOrAbove` or `atOrBelow` this temperature … */
  readonly side: 'atOrAbove' | 'atOrBelow';
  readonly cel: number;
  readonly durationMs: number;
  /** … for the duration without a break (`consecutive`) or in all (`cumulative`). */
  readonly kind: 'consecutive' | 'cumulative';
}

export interface ShippingSample {
  /** Epoch ms. */
  readonly at: number;
  readonly celsius: number;
}

/** `since`: begin of the stretch, of the first one for a cumulative limit. `at`: when the duration was full. */
export interface ShippingAlarm {
  readonly limit: ShippingLimit;
  readonly since: number;
  readonly at: number;
}

const HOUR = 3_600_000;
const HOT: ShippingLimit = { side: 'atOrAbove', cel: 45, durationMs: HOUR, kind: 'consecutive' };
const WARM: ShippingLimit = { side: 'atOrAbove', cel: 30, durationMs: 10 * HOUR, kind: 'cumulative' };

export const SHIPPING_LIMITS: { readonly [type in ShippingIndicatorType]: readonly ShippingLimit[] } = {
  1: [HOT, WARM, { side: 'atOrBelow', cel: -0.5, durationMs: HOUR, kind: 'consecutive' }],
  2: [HOT, WARM, { side: 'atOrAbove', cel: 10, durationMs: 20 * HOUR, kind: 'cumulative' }],
};

/** How much of one limit is used up: for "6 h 12 of 10 h". */
export interface ShippingBudget {
  readonly limit: ShippingLimit;
  /** Consecutive: the longest stretch. Goes on above the limit's duration. */
  readonly usedMs: number;
  readonly alarm: ShippingAlarm | null;
}

/**
 * What a gapless series in order of time has used of each limit of its indicator. A sample stands until the next one; the last one for no
 * time.
 * @returns in the order of SHIPPING_LIMITS
 */
export function shippingBudgets(type: ShippingIndicatorType, samples: readonly ShippingSample[]): readonly ShippingBudget[] {
  return SHIPPING_LIMITS[type].map((limit) => budget(limit, samples));
}

/** The alarms of the series, at most one for each limit, in order of `at`. */
export function shippingAlarms(type: ShippingIndicatorType, samples: readonly ShippingSample[]): readonly ShippingAlarm[] {
  return shippingBudgets(type, samples)
    .flatMap(({ alarm }) => alarm ?? [])
    .sort((a, b) => a.at - b.at);
}

function budget(limit: ShippingLimit, samples: readonly ShippingSample[]): ShippingBudget {
  let used = 0;
  let most = 0;
  let since: number | null = null;
  let alarm: ShippingAlarm | null = null;
  for (const [i, { at, celsius }] of samples.entries()) {
    const isOut = limit.side === 'atOrAbove' ? celsius >= limit.cel : celsius <= limit.cel;
    if (!isOut) {
      if (limit.kind === 'consecutive') [used, since] = [0, null];
      continue;
    }
    since ??= at;
    const until = samples[i + 1]?.at ?? at;
    used += until - at;
    most = Math.max(most, used);
    if (alarm === null && used >= limit.durationMs) alarm = { limit, since, at: until - (used - limit.durationMs) };
  }
  return { limit, usedMs: most, alarm };
}
