/** Thresholds with durations as a programmer would write them by hand: one closure a rule, one map of states. And the same as contracts. */
import { contractVersion } from '@airtight/contracts-engine';
import type { ContractRecord, DatasetDefinition, Observation } from '@airtight/protocol';

export const HOUR_MS = 3_600_000;
export const START = Date.UTC(2026, 0, 1);
export const STATION_PROPERTIES = ['pm25', 'pm10', 'so2', 'no2', 'o3', 'co'] as const;
const UNIT = 'ug/m3';

export const DATASET: DatasetDefinition = {
  type: 'dataset',
  dataset: 'air',
  title: { zh: '空气', en: 'Air' },
  cadenceMs: HOUR_MS,
  properties: Object.fromEntries(STATION_PROPERTIES.map((name) => [name, { title: { zh: name, en: name }, unit: UNIT }])),
};

export interface ThresholdRule {
  readonly property: string;
  readonly above: number;
  readonly aboveForMs: number;
  readonly upTo: number;
  readonly upToForMs: number;
}

/** Rules over the six properties in turn, at limits that a few per cent of the values pass. */
export function allRules(count: number): readonly ThresholdRule[] {
  return Array.from({ length: count }, (_, i) => ({
    property: STATION_PROPERTIES[i % STATION_PROPERTIES.length] as string,
    above: 193 + (i % 4) / 2,
    aboveForMs: (i % 3) * HOUR_MS,
    upTo: 150 - (i % 5),
    upToForMs: ((i + 1) % 2) * HOUR_MS,
  }));
}

/** One message of each station for an hour; the values wander slowly, so that limits are passed and returned from. */
export function messagesAt(stations: number, hour: number): Observation[][] {
  const at = START + hour * HOUR_MS;
  return Array.from({ length: stations }, (_, station) =>
    STATION_PROPERTIES.map((observedProperty, i) => ({
      ...{ agency: 'bj', dataset: 'air', producer: `station-${station}`, observedProperty },
      ...{ phenomenonTime: at, receivedAt: at, unit: UNIT, flags: [], position: hour * stations + station },
      result: Math.round((110 + 65 * Math.sin(hour / 9 + station * 0.7 + i) + 20 * Math.sin(hour * 1.7 + station * 3 + i)) * 10) / 10,
    })),
  );
}

interface State {
  lastAt: number;
  since: number;
  active: boolean;
}
type Judge = (state: State, value: number, at: number) => boolean;

/** Judges the same rules without a language: no lateness, no evidence, no records. It counts what it would raise and clear. */
export class HandWritten {
  readonly #rules: readonly { readonly property: string; readonly judge: Judge; readonly states: Map<string, State> }[];

  constructor(rules: readonly ThresholdRule[]) {
    this.#rules = rules.map((rule) => ({ property: rule.property, judge: closureOf(rule), states: new Map() }));
  }

  take(observations: readonly Observation[]): number {
    let changes = 0;
    for (const { observedProperty, result, producer, phenomenonTime, flags } of observations) {
      if (typeof result !== 'number' || flags.length > 0) continue;
      for (const { property, judge, states } of this.#rules) {
        if (property !== observedProperty) continue;
        let state = states.get(producer);
        if (state === undefined) {
          state = { lastAt: Number.NEGATIVE_INFINITY, since: -1, active: false };
          states.set(producer, state);
        }
        if (judge(state, result, phenomenonTime)) changes++;
      }
    }
    return changes;
  }
}

function closureOf({ above, aboveForMs, upTo, upToForMs }: ThresholdRule): Judge {
  return (state, value, at) => {
    if (at <= state.lastAt) return false;
    const joined = at - state.lastAt <= 3 * HOUR_MS;
    state.lastAt = at;
    if (state.active ? value > upTo : value <= above) {
      state.since = -1;
      return false;
    }
    if (state.since < 0 || !joined) state.since = at;
    if (at - state.since < (state.active ? upToForMs : aboveForMs)) return false;
    state.active = !state.active;
    state.since = -1;
    return true;
  };
}

export function contractRecords(rules: readonly ThresholdRule[]): readonly ContractRecord[] {
  return rules.map(({ property, above, aboveForMs, upTo, upToForMs }, i) =>
    recordOf(
      `rule-${i}`,
      `inputs: { air: { dataset: air } }
rules:
  - id: r
    severity: minor
    raise: { when: ${property} > ${above.toFixed(1)}, for: PT${aboveForMs / HOUR_MS}H }
    clear: { when: ${property} <= ${upTo.toFixed(1)}, for: PT${upToForMs / HOUR_MS}H }
    message: { zh: "{subject}: {${property}}", en: "{subject}: {${property}}" }
`,
    ),
  );
}

/** What a policy of several grades reads: means over a day, completeness, rate, several levels. */
export const LONG_CONTRACT: ContractRecord = recordOf(
  'long',
  `zone: Asia/Shanghai
lateness: PT12H
inputs: { air: { dataset: air } }
windows:
  mean_24h: { mean: pm25, over: PT24H, require: 18 of 24 }
  yesterday: { mean: pm25, over: P1D, shape: tumbling, require: 20 of 24 }
  rise: { rate: pm25, over: PT3H }
rules:
  - id: grades
    levels:
      - { severity: minor, raise: { when: mean_24h > 115.0, for: PT24H }, clear: { when: mean_24h <= 105.0, for: PT6H } }
      - { severity: severe, raise: { when: mean_24h > 120.0, for: PT6H }, clear: { when: mean_24h <= 115.0, for: PT6H } }
    message: { zh: "{mean_24h}", en: "{mean_24h}" }
  - id: rise
    severity: minor
    raise: { when: rise > 20.0 && pm25 > yesterday, times: 2 of 3 }
    clear: { when: rise <= 0.0 }
    message: { zh: "{rise}", en: "{rise} over {yesterday}" }
  - id: silent
    severity: minor
    noData: { after: 3 cadences }
    message: { zh: x, en: x }
`,
);

function recordOf(contract: string, body: string): ContractRecord {
  const text = `contract: ${contract}\ntitle: { zh: x, en: x }\nagency: bench\nsource: a benchmark\n${body}`;
  return { type: 'contract', contract, version: contractVersion(text), text, author: 'a', approver: 'b' };
}
