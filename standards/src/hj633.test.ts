import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createGunzip } from 'node:zlib';
import {
  AQI_LEVELS,
  type CnAqiMode,
  type CnAqiStandard,
  type CnPollutant,
  dailyReport,
  hourlyReport,
  iaqi,
  levelOf,
  standardAt,
} from './hj633.ts';

const STANDARDS: readonly CnAqiStandard[] = ['HJ 633-2012', 'HJ 633-2026'];

/** The tables once more, as printed (null: no value), for arithmetic that shares nothing with the code under test. */
const STEPS = [0, 50, 100, 150, 200, 300, 400, 500];
const PRINTED: { readonly [mode in CnAqiMode]: { readonly [pollutant in CnPollutant]: readonly (number | null)[] } } = {
  daily: {
    so2: [0, 50, 150, 475, 800, 1600, 2100, 2620],
    no2: [0, 40, 80, 180, 280, 565, 750, 940],
    co: [0, 2, 4, 14, 24, 36, 48, 60],
    o3: [0, 100, 160, 215, 265, 800, null, null],
    pm10: [0, 50, 120, 250, 350, 420, 500, 600],
    pm25: [0, 35, 60, 115, 150, 250, 350, 500],
  },
  hourly: {
    so2: [0, 150, 500, 650, 800, null, null, null],
    no2: [0, 100, 200, 700, 1200, 2340, 3090, 3840],
    co: [0, 5, 10, 35, 60, 90, 120, 150],
    o3: [0, 160, 200, 300, 400, 800, 1000, 1200],
    pm10: [0, 50, 120, 250, 350, 420, 500, 600],
    pm25: [0, 35, 60, 115, 150, 250, 350, 500],
  },
};
const HUNDRED_2012: { readonly [pollutant: string]: number } = { pm10: 150, pm25: 75 };

/** ⌈(Ih − Il)(C − Bl) / (Bh − Bl) + Il⌉ in whole numbers without bound; undefined above the table. C in tenths. */
function exactIaqi(standard: CnAqiStandard, mode: CnAqiMode, pollutant: CnPollutant, tenths: number): number | undefined {
  const row = PRINTED[mode][pollutant].map((c, i) => (i === 2 && standard === 'HJ 633-2012' ? (HUNDRED_2012[pollutant] ?? c) : c));
  for (let i = 1; i < row.length; i++) {
    const high = row[i];
    if (high === null || high === undefined) return undefined;
    if (tenths > high * 10) continue;
    const low = BigInt(row[i - 1] as number) * 10n;
    const from = BigInt(STEPS[i - 1] as number);
    const numerator = (BigInt(STEPS[i] as number) - from) * (BigInt(tenths) - low);
    const denominator = BigInt(high) * 10n - low;
    return Number(from + (numerator + denominator - 1n) / denominator);
  }
  return undefined;
}

test('every value of every table equals exact rational arithmetic, as number and as text', () => {
  let compared = 0;
  for (const standard of STANDARDS) {
    for (const mode of ['daily', 'hourly'] as const) {
      for (const pollutant of Object.keys(PRINTED[mode]) as CnPollutant[]) {
        const step = pollutant === 'co' ? 1 : 10;
        const top = Math.max(...PRINTED[mode][pollutant].map((c) => c ?? 0)) * 10;
        for (let tenths = 0; tenths <= top; tenths += step) {
          const noIndex = standard === 'HJ 633-2012' && mode === 'hourly' && pollutant.startsWith('pm');
          const expected = noIndex ? null : exactIaqi(standard, mode, pollutant, tenths);
          const text = `${Math.floor(tenths / 10)}.${tenths % 10}`;
          assert.equal(iaqi(standard, mode, pollutant, tenths / 10), expected, `${standard} ${mode} ${pollutant} ${text}`);
          assert.equal(iaqi(standard, mode, pollutant, text), expected, `${standard} ${mode} ${pollutant} ${text} as text`);
          compared++;
        }
      }
    }
  }
  assert.ok(compared > 29_000, `${compared} values`);
});

test('above the last breakpoint: 500, or what the notes of the table say', () => {
  for (const standard of STANDARDS) {
    assert.equal(iaqi(standard, 'daily', 'pm25', 501), 500);
    assert.equal(iaqi(standard, 'hourly', 'no2', 1e9), 500);
  }
  assert.equal(iaqi('HJ 633-2026', 'daily', 'o3', 801), 300);
  assert.equal(iaqi('HJ 633-2026', 'hourly', 'so2', 801), 200);
  assert.equal(iaqi('HJ 633-2012', 'daily', 'o3', 801), null);
  assert.equal(iaqi('HJ 633-2012', 'hourly', 'so2', 801), null);
});

test('what is no concentration has no index', () => {
  for (const c of [Number.NaN, Infinity, -Infinity, -1, -0.6, '-1']) assert.equal(iaqi('HJ 633-2026', 'daily', 'pm25', c), null, `${c}`);
  for (const c of [0, -0, -0.4, -0.5, '-0.3']) assert.equal(iaqi('HJ 633-2026', 'daily', 'pm25', c), 0, `${c}`);
});

test('the standard changes with the first second of 2026-03-01 in China', () => {
  assert.equal(standardAt(Date.parse('2026-02-28T23:59:59.999+08:00')), 'HJ 633-2012');
  assert.equal(standardAt(Date.parse('2026-03-01T00:00:00+08:00')), 'HJ 633-2026');
});

test('levels meet without gap', () => {
  for (const { level, upTo } of AQI_LEVELS) {
    assert.equal(levelOf(upTo), level);
    if (level < 6) assert.equal(levelOf(upTo + 1), level + 1);
  }
  assert.equal(levelOf(0), 1);
});

const CLEAN = { so2: 9, no2: 20, co: 0.8, o3: 40, pm10: 30 };

test('a missing pollutant: published only when the rest gives more than 100', () => {
  assert.deepEqual(hourlyReport('HJ 633-2026', CLEAN), {
    standard: 'HJ 633-2026',
    aqi: null,
    level: null,
    primary: [],
    iaqi: { so2: 3, no2: 10, co: 8, o3: 13, pm10: 30 },
    reason: 'missing:pm25',
  });
  const dusty = hourlyReport('HJ 633-2026', { ...CLEAN, pm10: 121 });
  assert.equal(dusty.aqi, 101);
  assert.deepEqual(dusty.primary, ['pm10']);
  assert.equal(dusty.level, 3);
  assert.equal(hourlyReport('HJ 633-2026', { ...CLEAN, pm10: 120 }).aqi, null);
  assert.equal(hourlyReport('HJ 633-2026', {}).reason, 'missing:so2,no2,co,o3,pm10,pm25');
});

test('a pollutant outside the plan does not withhold the AQI (2026, 5.3.2)', () => {
  assert.equal(dailyReport('HJ 633-2026', CLEAN, ['pm25']).aqi, 30);
  assert.equal(dailyReport('HJ 633-2026', { pm10: 30 }, ['pm25']).reason, 'missing:so2,no2,co,o3');
});

test('primary pollutants only above 50; AQI begins at 1 in 2026', () => {
  assert.deepEqual(hourlyReport('HJ 633-2026', { ...CLEAN, pm25: 35 }).primary, []);
  assert.deepEqual(hourlyReport('HJ 633-2026', { ...CLEAN, pm25: 36 }).primary, ['pm25']);
  const nothing = { so2: 0, no2: 0, co: 0, o3: 0, pm10: 0, pm25: 0 };
  assert.equal(hourlyReport('HJ 633-2026', nothing).aqi, 1);
  assert.equal(hourlyReport('HJ 633-2012', nothing).aqi, 0);
});

const PUBLISHED_DAY = join(import.meta.dirname, '../../../shared/data/air-china-cnemc/china_sites_20190115.csv.gz');
const COLUMNS: { readonly [type: string]: CnPollutant } = { SO2: 'so2', NO2: 'no2', CO: 'co', O3: 'o3', 'PM2.5': 'pm25', PM10: 'pm10' };

test('a published day: our hourly AQI equals that of the China National Environmental Monitoring Centre', async (t) => {
  if (!existsSync(PUBLISHED_DAY)) return t.skip('china_sites_20190115.csv.gz is not there');
  const hours = new Map<string, Map<string, string[]>>();
  for await (const line of createInterface({ input: createReadStream(PUBLISHED_DAY).pipe(createGunzip()) })) {
    const [, hour = '', type = '', ...cells] = line.split(',');
    if (hour === 'hour') continue;
    if (!hours.has(hour)) hours.set(hour, new Map());
    hours.get(hour)?.set(type, cells);
  }
  let compared = 0;
  for (const [hour, rows] of hours) {
    const published = rows.get('AQI') ?? [];
    for (let station = 0; station < published.length; station++) {
      const concentrations: { [pollutant in CnPollutant]?: number } = {};
      for (const [type, pollutant] of Object.entries(COLUMNS)) {
        const cell = rows.get(type)?.[station] ?? '';
        if (cell !== '') concentrations[pollutant] = Number(cell);
      }
      if (published[station] === '' || Object.keys(concentrations).length < 6) continue;
      assert.equal(hourlyReport('HJ 633-2012', concentrations).aqi, Number(published[station]), `hour ${hour}, station ${station}`);
      compared++;
    }
  }
  assert.ok(compared > 20_000, `${compared} station-hours`);
});
