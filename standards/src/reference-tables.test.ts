/** The tables as they were read from the documents, number by number, against the constants of this package. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DaqiPollutant, daqiOf } from './daqi.ts';
import { EAQI_BANDS, type EaqiPollutant, eaqiOf } from './eaqi.ts';
import { type LimitedPollutant, type LimitPeriod, type LimitSet, limitOf } from './gb3095.ts';
import { JJJ_RESPONSE, JJJ_VERSIONS, type JjjVersion, jjjGrade, jjjVersionAt } from './jjj-alerts.ts';
import { NAQI_CLASSES, type NaqiPollutant, naqiSubIndex } from './naqi.ts';
import { US_AQI_CATEGORIES, type UsAqiColumn, usIndex } from './us-aqi.ts';
import { WHO_AQG_2021, type WhoPeriod, type WhoPollutant } from './who-aqg.ts';
import { SHIPPING_LIMITS } from './who-pqs-tr07.ts';

// biome-ignore lint/suspicious/noExplicitAny: each table has its own shape
type Table = any;
const TABLES = join(import.meta.dirname, '../../../shared/reference/tables');

function withTable(file: string, check: (table: Table) => void): void {
  test(`table ${file}`, (t) => {
    const path = join(TABLES, file);
    if (!existsSync(path)) return t.skip(`${file} is not there`);
    check(JSON.parse(readFileSync(path, 'utf8')));
  });
}

/** (Ih − Il)(C − Bl) / (Bh − Bl) + Il to the nearest, a half up, in whole numbers without bound. */
function exact(low: number, high: number, from: number, to: number, units: number): number {
  const [numerator, denominator] = [BigInt(to - from) * BigInt(units - low), BigInt(high - low)];
  return from + Number((2n * numerator + denominator) / (2n * denominator));
}

withTable('us_aqi.json', ({ breakpoints, truncate_decimals, categories }) => {
  let compared = 0;
  for (const [column, rows] of Object.entries(breakpoints) as [UsAqiColumn, number[][]][]) {
    const scale = 10 ** truncate_decimals[column];
    for (const [cLow, cHigh, from, to] of rows as [number, number, number, number][]) {
      const [low, high] = [Math.round(cLow * scale), Math.round(cHigh * scale)];
      for (let units = low; units <= high; units++, compared++) {
        assert.equal(usIndex(column, units / scale), exact(low, high, from, to, units), `${column} ${units / scale}`);
      }
    }
  }
  assert.equal(compared, 8101);
  const own = US_AQI_CATEGORIES.map(({ upTo, en, rgb }) => [upTo === Infinity ? null : upTo, en, rgb]);
  assert.deepEqual(
    own,
    categories.map(([, upTo, en, , rgb]: Table) => [upTo, en, rgb]),
  );
});

withTable('aqi_other.json', ({ EU_EAQI, UK_DAQI, IN_NAQI, WHO_AQG_2021: who }) => {
  for (const [pollutant, bounds] of Object.entries(EU_EAQI.upper_bounds_inclusive) as [EaqiPollutant, number[]][]) {
    assert.deepEqual(
      bounds.map((c) => [eaqiOf(pollutant, c), eaqiOf(pollutant, c + 0.001)]),
      [1, 2, 3, 4, 5].map((i) => [i, i + 1]),
      pollutant,
    );
  }
  assert.deepEqual(
    EAQI_BANDS.map(({ en }) => en),
    EU_EAQI.categories,
  );
  assert.deepEqual(
    EAQI_BANDS.map(({ colour }) => colour),
    EU_EAQI.colours_hex,
  );
  for (const [pollutant, bounds] of Object.entries(UK_DAQI.upper_bounds_inclusive) as [DaqiPollutant, number[]][]) {
    assert.deepEqual(
      bounds.map((c) => [daqiOf(pollutant, c + 0.49), daqiOf(pollutant, c + 0.5)]),
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => [i, i + 1]),
      pollutant,
    );
  }
  for (const [name, bands] of Object.entries(IN_NAQI.conc) as [string, [number, number][]][]) {
    const pollutant = name.replace('_mg', '') as NaqiPollutant;
    const scale = pollutant === 'co' ? 10 : 1;
    for (const [i, [cLow, cHigh]] of bands.entries()) {
      const [low, high] = [Math.round(cLow * scale), Math.round(cHigh * scale)];
      const [from, to] = IN_NAQI.index_bands[i];
      for (let units = low; units <= high; units++)
        assert.equal(naqiSubIndex(pollutant, units / scale), exact(low, high, from, to, units), `${name} ${units}`);
    }
  }
  assert.deepEqual(
    NAQI_CLASSES.map(({ en }) => en),
    IN_NAQI.classes,
  );
  for (const pollutant of Object.keys(WHO_AQG_2021) as WhoPollutant[]) {
    for (const [period, levels] of Object.entries(who[pollutant]) as [string, (number | null)[]][]) {
      assert.deepEqual(WHO_AQG_2021[pollutant][period.replace('_', '-') as WhoPeriod], levels, `${pollutant} ${period}`);
    }
  }
});

withTable('cn_aqi.json', (table) => {
  const limits2026 = table['GB3095-2026_limits'];
  const sets: readonly (readonly [LimitSet, Table])[] = [
    ['GB 3095-2012', table['GB3095-2012_limits']['grade1/grade2']],
    ['GB 3095-2026 transition', limits2026['transition_2026-03-01_to_2030-12-31 grade1/grade2']],
    ['GB 3095-2026 final', limits2026['final_from_2031-01-01 grade1/grade2']],
  ];
  for (const [set, pollutants] of sets) {
    assert.deepEqual(Object.keys(pollutants).sort(), ['co', 'no2', 'o3', 'pm10', 'pm25', 'so2']);
    for (const [pollutant, periods] of Object.entries(pollutants) as [LimitedPollutant, Table][]) {
      for (const [period, grades] of Object.entries(periods)) {
        const own = ([1, 2] as const).map((grade) => limitOf(set, pollutant, period.replaceAll('_', '-') as LimitPeriod, grade));
        assert.deepEqual(own, grades, `${set} ${pollutant} ${period}`);
      }
    }
  }
});

withTable('coldchain.json', ({ who_pqs_shipping_indicator_TR07: tr07 }) => {
  const printed = [tr07['type1 (freeze-sensitive)'], tr07['type2 (OPV, freeze-dried)']];
  const own = ([1, 2] as const).map((type) =>
    SHIPPING_LIMITS[type].map(({ side, cel, durationMs, kind }) => ({
      op: side === 'atOrAbove' ? '>=' : '<=',
      c: cel,
      hours: durationMs / 3_600_000,
      kind,
    })),
  );
  assert.deepEqual(own, printed);
});

interface MachineCondition {
  readonly gt?: number;
  readonly gte?: number;
  readonly hours: number;
}

/** Stretches of days that follow each other and satisfy a condition's limit, so long as it asks for. */
function stretchesOf(days: readonly number[], { gt = -1, gte = -1, hours }: MachineCondition): readonly (readonly number[])[] {
  const found: number[][] = [[]];
  for (const aqi of days) {
    if (aqi > gt && aqi >= gte) found.at(-1)?.push(aqi);
    else found.push([]);
  }
  return found.filter(({ length }) => length > 0 && length * 24 >= hours);
}

/** `all`: the second within a stretch of the first. */
function isMet(
  rule: { readonly any?: Table[]; readonly all?: MachineCondition[] } & Partial<MachineCondition>,
  days: readonly number[],
): boolean {
  if (rule.any !== undefined) return rule.any.some((one) => isMet(one, days));
  const [first, ...others] = (rule.all ?? [rule]) as MachineCondition[];
  return stretchesOf(days, first as MachineCondition).some((stretch) => others.every((other) => stretchesOf(stretch, other).length > 0));
}

withTable('jjj_alerts.json', ({ versions, response_levels, machine_rules_mee_2024, machine_rules_mee_2018 }) => {
  // One id names two years (mee-2018_2019).
  const ids: readonly string[] = versions.map(({ id }: Table) => id.split('_')[0]);
  assert.deepEqual(JJJ_VERSIONS, ids);
  const from = versions.map(({ from: text }: Table) => /^\D*(\d{4})(?:-(\d\d))?/.exec(text)).slice(0, 4) as RegExpExecArray[];
  for (const [i, [, year, month = '01']] of from.entries()) {
    const begin = Date.parse(`${year}-${month}-01T00:00:00+08:00`);
    assert.deepEqual([jjjVersionAt(begin - 1), jjjVersionAt(begin)], [ids[i - 1] ?? null, ids[i]]);
  }
  assert.deepEqual({ blue: null, ...response_levels }, { ...JJJ_RESPONSE });
  let compared = 0;
  const check = (version: JjjVersion, rules: Table[], days: readonly number[]): void => {
    const level = rules.find((rule) => isMet(rule, days))?.level ?? null;
    assert.equal(jjjGrade(version, days), level, `${version} ${days}`);
    compared++;
  };
  for (let code = 0; code < 5 ** 5; code++) {
    const days = [0, 1, 2, 3, 4].map((place) => [150, 151, 201, 301, 500][Math.floor(code / 5 ** place) % 5] as number);
    check('mee-2024', machine_rules_mee_2024, days);
    check('mee-2018', machine_rules_mee_2018, days);
  }
  assert.equal(compared, 2 * 5 ** 5);
});
