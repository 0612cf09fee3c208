import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitOf } from '@airtight/standards/gb3095.ts';
import { dailyReport, hourlyReport } from '@airtight/standards/hj633.ts';
import { MeanKineticTemperature } from '@airtight/standards/mkt.ts';
import { nowCast } from '@airtight/standards/nowcast.ts';
import { expressionCompiler } from './cel.ts';
import { COST_MAX, type Inputs, type VariableDeclaration } from './expression.ts';
import { FUNCTIONS, type Parameter } from './functions.ts';
import { UNIT_FUNCTIONS } from './unit-rules.ts';

const UG: VariableDeclaration = { type: 'number', unit: 'ug/m3' };
const HOURS_MAX = 12;
const compile = expressionCompiler(
  new Map<string, VariableDeclaration>([
    ...['pm25', 'pm10', 'so2', 'no2', 'o3', 'nh3'].map((name) => [name, UG] as const),
    ['co', { type: 'number', unit: 'mg/m3' }],
    ['co_ug', UG],
    ['tvc', { type: 'number', unit: 'Cel' }],
    ['tf', { type: 'number', unit: '[degF]' }],
    ['flow', { type: 'number', unit: 'm3/h' }],
    ['level', { type: 'any', unit: '1' }],
    ['hours', { type: 'numbers', unit: 'ug/m3', maxLength: HOURS_MAX }],
    ['temps', { type: 'numbers', unit: 'Cel', maxLength: 96 }],
  ]),
);
const IN_2025 = Date.UTC(2025, 5, 1);
const IN_2026 = Date.UTC(2026, 5, 1);

function expression(text: string) {
  const outcome = compile(text, 'value');
  assert.ok(outcome.ok, `${text}: ${JSON.stringify(outcome)}`);
  return outcome.expression;
}
const value = (text: string, values: Inputs = {}, at = IN_2026) => expression(text).value(values, at);
const unit = (text: string) => expression(text).unit;

function fault(text: string): readonly [string, string] {
  const outcome = compile(text, 'value');
  assert.ok(!outcome.ok, text);
  return [outcome.fault, outcome.detail];
}

const AIR = { pm25: 130, pm10: 160, so2: 9, no2: 42, o3: 95, co: 0.8 };
const SIX = '(pm25, pm10, so2, no2, o3, co)';

test('aqi_cn: the edition in force at the event, or the one that is named; hourly and daily', () => {
  for (const [at, edition] of [
    [IN_2025, 'HJ 633-2012'],
    [IN_2026, 'HJ 633-2026'],
  ] as const) {
    const [hourly, daily] = [hourlyReport(edition, AIR), dailyReport(edition, AIR)];
    assert.equal(value(`aqi_cn${SIX}`, AIR, at), hourly.aqi);
    assert.equal(value(`aqi_cn_daily${SIX}`, AIR, at), daily.aqi);
    assert.equal(value(`primary_cn${SIX}`, AIR, at), hourly.primary.join(','));
    assert.equal(value('iaqi_cn("pm10", pm10)', AIR, at), hourly.iaqi.pm10);
    assert.equal(value(`aqi_cn("${edition}", pm25, pm10, so2, no2, o3, co)`, AIR, 0), hourly.aqi);
    assert.equal(value(`iaqi_cn_daily("${edition}", "o3", o3)`, AIR, 0), daily.iaqi.o3);
  }
  // 160 µg/m³ of PM10 is where the editions differ.
  assert.notEqual(value('iaqi_cn("pm10", pm10)', AIR, IN_2025), value('iaqi_cn("pm10", pm10)', AIR, IN_2026));
});

test('aqi_cn with a pollutant missing: not known, unless the others bring it above 100 (HJ 633-2026, 5.3.1)', () => {
  const { co: _, ...withoutCo } = AIR;
  assert.equal(value(`aqi_cn${SIX}`, withoutCo), hourlyReport('HJ 633-2026', withoutCo).aqi);
  assert.equal(value(`aqi_cn${SIX}`, { ...withoutCo, pm25: 20, pm10: 20 }), null);
  assert.equal(value(`aqi_cn${SIX} > 200.0`, { ...withoutCo, pm25: 20, pm10: 20 }), null);
  assert.equal(value(`primary_cn${SIX} == ""`, { ...withoutCo, pm25: 20, pm10: 20 }), null);
  assert.equal(value('aqi_cn(pm25, pm10, so2, no2, o3, not_measured()) > 100.0', withoutCo), true);
  // What is not known can still be decided by the other side.
  assert.equal(value(`aqi_cn${SIX} > 200.0 || pm10 > 10.0`, { pm10: 20 }), true);
});

test('indices of other countries', () => {
  assert.equal(value('aqi_us(pm25, pm10, 0.07, not_measured(), 4.0, 30.0, not_measured(), 50.0)', { pm25: 35.9, pm10: 20 }), 102);
  assert.equal(value('eaqi(pm25, pm10, o3, no2, so2)', { pm25: 5 }), 1);
  assert.equal(value('eaqi(pm25, pm10, o3, no2, so2)', {}), null);
  assert.equal(value('daqi(pm25, pm10, no2, o3, so2)', { pm25: 11.4 }), 1);
  assert.equal(value('naqi(pm10, pm25, no2, o3, co, so2, nh3)', { pm10: 100, pm25: 20, no2: 10 }), 100);
  assert.equal(value('naqi(pm10, pm25, no2, o3, co, so2, nh3)', { o3: 100, so2: 20, no2: 10 }), null);
  assert.equal(value('who_aqg("pm25", "24h", pm25)', { pm25: 15 }), 'AQG');
  assert.equal(value('who_aqg("pm25", "8h", pm25)', { pm25: 15 }), null);
});

test('nowcast and mkt take lists in order of time, with gaps', () => {
  const newestFirst = [13, 16, null, 21, 74, 64, 53, 82, 90, 75, 80, 50];
  assert.equal(value('nowcast(hours)', { hours: newestFirst.toReversed() }), nowCast('pm25', newestFirst)?.value);
  assert.equal(value('nowcast_pm10(hours)', { hours: newestFirst.toReversed() }), nowCast('pm10', newestFirst)?.value);
  assert.equal(value('nowcast(hours)', { hours: [1, 2, 3, null, null] }), null);
  assert.equal(value('nowcast(hours)', { hours: Array.from({ length: HOURS_MAX + 1 }, () => 1) }), null);
  const mean = new MeanKineticTemperature();
  for (const celsius of [2, 8, 12]) mean.add(celsius);
  assert.equal(value('mkt(temps)', { temps: [2, null, 8, 12] }), mean.celsius);
  assert.equal(value('mkt(temps)', { temps: [] }), null);
  assert.equal(value('mkt(temps) > 8.0', { temps: [null] }), null);
});

test('limits of GB 3095 by date', () => {
  assert.equal(value('gb3095_limit("pm25", "day", 2)', {}, IN_2025), limitOf('GB 3095-2012', 'pm25', 'day', 2));
  assert.equal(value('gb3095_limit("pm25", "day", 2)'), limitOf('GB 3095-2026 transition', 'pm25', 'day', 2));
  assert.equal(value('gb3095_limit("GB 3095-2026 final", "pm25", "day", 2)'), limitOf('GB 3095-2026 final', 'pm25', 'day', 2));
  assert.equal(unit('gb3095_limit("co", "hour", 1)'), 'mg/m3');
  assert.equal(value('gb3095_limit("co", "year", 1)'), null);
});

test('arithmetic of one unit', () => {
  assert.equal(value('abs(-2.5)'), 2.5);
  assert.equal(value('max(pm25, pm10, 3.0)', { pm25: 1, pm10: 2 }), 3);
  assert.equal(value('min(pm25, pm10)', { pm25: 1 }), null);
  assert.equal(value('min(hours)', { hours: [3, null, 2] }), 2);
  assert.equal(value('max(hours)', { hours: [] }), null);
  assert.equal(value('round_gb(pm25, 1)', { pm25: 2.35 }), 2.4);
  assert.equal(value('round_gb(pm25, 0)', { pm25: 2.5 }), 2);
  assert.equal(value('round_gb(-pm25, 1)', { pm25: 2.25 }), -2.2);
  assert.equal(value('round_gb(pm25, 0)', { pm25: 1e300 }), 1e300);
  assert.equal(value('round_gb(1.0 / 0.0, 0)'), null);
});

test('units: what may meet what, and what comes of it', () => {
  assert.equal(unit('pm25 + 1.0'), 'ug/m3');
  assert.equal(unit('pm25 + ug_m3(1.0) - pm10'), 'ug/m3');
  assert.equal(unit('pm25 * 2.0 / 3.0'), 'ug/m3');
  assert.equal(unit('pm25 / pm10'), '1');
  assert.equal(unit('pm25 * flow'), '(ug/m3).(m3/h)');
  assert.equal(unit('2.0 * 3.0'), null);
  assert.equal(unit('max(pm25, 3.0)'), 'ug/m3');
  assert.equal(unit('true ? 1.0 : pm25'), 'ug/m3');
  assert.equal(unit('mkt(temps)'), 'Cel');
  assert.equal(unit('[1.0, pm25]'), 'ug/m3');
  assert.equal(value('mg_m3(pm25)', { pm25: 35.4 }), 0.0354);
  assert.equal(value('ug_m3(co) > pm25', { co: 0.1, pm25: 99 }), true);
  assert.equal(value('degC(tf)', { tf: 46.4 }), 8);
  assert.equal(value('unit(co, "g/m3") > unit(0.5, "g/m3")', { co: 1000 }), true);
  assert.equal(value('unit(pm25 * flow, "mg/h")', { pm25: 500, flow: 10 }), 5);
  for (const [text, detail] of [
    ['pm25 + co', 'ug/m3, mg/m3'],
    ['pm25 < mg_m3(1.0)', 'ug/m3, mg/m3'],
    ['pm25 == co', 'ug/m3, mg/m3'],
    ['co in hours', 'mg/m3, ug/m3'],
    ['[pm25, co]', 'ug/m3, mg/m3'],
    ['true ? pm25 : co', 'ug/m3, mg/m3'],
    ['max(pm25, co)', 'ug/m3, mg/m3'],
    ['hours.all(x, x < co)', 'ug/m3, mg/m3'],
    ['tvc > tf', 'Cel, [degF]'],
    ['level > pm25', '1, ug/m3'],
    ['pm25 / pm10 > pm25', '1, ug/m3'],
    ['mkt(hours)', 'Cel, ug/m3'],
    ['aqi_cn(pm25, pm10, so2, no2, o3, co_ug)', 'mg/m3, ug/m3'],
    ['degC(pm25)', 'ug/m3, Cel'],
    ['ug_m3(ppb(1.0))', '[ppb], ug/m3'],
  ] as const)
    assert.deepEqual(fault(text), ['unit-mismatch', detail], text);
  assert.deepEqual(fault('tvc * pm25'), ['unit-product', 'Cel * ug/m3']);
  assert.deepEqual(fault('degF(tvc - 1.0)'), ['unit-scale', 'Cel → [degF]']);
  assert.deepEqual(fault('unit(1.0, "smoots")'), ['unit-unknown', 'smoots']);
  assert.equal(fault('unit(1.0, level == "a" ? "g" : "kg")')[0], 'function-argument');
});

test('costs: what is too much is refused before it runs', () => {
  assert.equal(expression('pm25 > 1.0').cost, 3);
  assert.equal(expression('hours.all(x, x > 1.0)').cost, 1 + 1 + HOURS_MAX * 3);
  assert.equal(expression('true ? nowcast(hours) : pm25').cost, expression('nowcast(hours)').cost + 2);
  const list = `[${Array.from({ length: 90 }, () => '1.0').join(', ')}]`;
  assert.ok(expression(`${list}.all(x, iaqi_cn("no2", x) > 0.0)`).cost < COST_MAX);
  assert.equal(fault(`${list}.all(x, iaqi_cn("no2", x) > 0.0 && iaqi_cn("so2", x) > 0.0 && iaqi_cn("o3", x) > 0.0)`)[0], 'expression-cost');
});

test('a trace shows every sub-expression with its value, the whole first, with its parentheses', () => {
  const steps = expression('pm25 > 150.0 && (pm10 / pm25 < 2.0 || level == "x")').trace({ pm25: 200, pm10: 300, level: 'y' }, 0);
  assert.deepEqual(steps, [
    { text: 'pm25 > 150.0 && ((pm10 / pm25) < 2.0 || level == "x")', value: true },
    { text: 'pm25 > 150.0', value: true },
    { text: '(pm10 / pm25) < 2.0 || level == "x"', value: true },
    { text: '(pm10 / pm25) < 2.0', value: true },
    { text: 'pm10 / pm25', value: 1.5 },
    { text: 'level == "x"', value: false },
  ]);
});

const REFERENCE = join(import.meta.dirname, '../../../docs/reference/contract-expressions.md');

function parameterText({ name, type, unit: of }: Parameter): string {
  const unitText = typeof of === 'string' && of !== 'same' && of !== '1' ? ` ${of}` : '';
  return type === 'numbers' ? `list ${name}${unitText}` : `${name}${unitText}`;
}

test('docs/reference/contract-expressions.md lists every function as the table has it', () => {
  const reference = readFileSync(REFERENCE, 'utf8');
  for (const { name, overloads, cost, costPerElement, about } of FUNCTIONS.values()) {
    // An edition may stand before the others; min and max take more of the same.
    const parameters = overloads[0] as readonly Parameter[];
    const costs = costPerElement === undefined ? `${cost}` : `${cost} + ${costPerElement} n`;
    const row = `| \`${name}(${parameters.map(parameterText).join(', ')})\` | ${about.en} | ${costs} |`;
    assert.ok(reference.includes(row), row);
  }
  for (const [name, code] of UNIT_FUNCTIONS) assert.ok(reference.includes(`\`${name}(x)\` ${code}`), `${name} ${code}`);
});
