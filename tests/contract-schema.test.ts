/**
 * The JSON Schema of contract documents, which editors use, against the parser: what the parser takes the schema takes, and
 * what is wrong with the form of a document both refuse. Names, types, units and times are the parser's alone.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseContract } from '@airtight/contracts-engine';
import type { DatasetDefinition } from '@airtight/protocol';
import { type Schema, Validator } from '@cfworker/json-schema';
import { parse } from 'yaml';
import { root } from './harness/programs.ts';

const SCHEMA = JSON.parse(readFileSync(join(root, 'contracts-engine/contract.schema.json'), 'utf8')) as Schema;
const validator = new Validator(SCHEMA, '2020-12', false);
const CONTRACTS = join(root, 'contracts-engine/contracts');

function dataset(name: string, units: { readonly [property: string]: string }): DatasetDefinition {
  const title = { zh: '测试', en: 'Test' };
  const properties = Object.fromEntries(Object.entries(units).map(([property, unit]) => [property, { title, unit }]));
  return { v: 1, type: 'dataset', dataset: name, title, cadenceMs: 3_600_000, properties } as DatasetDefinition;
}

const DATASETS = new Map<string, DatasetDefinition>([
  ['air', dataset('air', { pm25: 'ug/m3', pm10: 'ug/m3', wd: '1' })],
  ['coldchain', dataset('coldchain', { tvc: 'Cel' })],
]);

const GOOD = `contract: test
title: { zh: 测试, en: Test }
agency: tests
source: a test
zone: Asia/Shanghai
lateness: PT6H
calendar: { workdays: [mon, tue], holidays: [2026-01-01, 2026-02-16/2026-02-22] }
inputs:
  air: { dataset: air, properties: [pm25, pm10], regions: [北京], producers: ["st-*"], accept: { flags: [late, q=N], quality: [pass, not_evaluated, suspect] } }
schedules:
  night: { from: "22:00", to: "06:00", days: workday }
windows:
  day: { mean: pm25, over: P1D, shape: tumbling, require: 18 of 24 }
  high: { quantile: pm25, at: 0.98, over: P1D }
  often: { count: pm25 > 150.0, over: PT12H }
  rising: { rate: pm25, over: PT3H, per: PT1H }
let:
  ratio: pm25 / pm10
rules:
  - id: levels
    levels:
      - { severity: minor, raise: { when: day > 75.0 }, clear: { when: day <= 75.0 } }
      - { severity: severe, raise: { when: day > 150.0, for: PT1H }, clear: { when: day <= 115.0 } }
    message: { zh: "{subject}：{day}", en: "{subject}: {day}" }
    maxGap: PT3H
    flap: { changes: 5, within: P1D }
    notify: [duty]
    escalate: [{ after: PT1H, notify: [chief], severity: extreme }]
  - id: repeats
    severity: minor
    raise: { when: pm25 > 75.0 && ratio > 0.5 && !night, times: 3 of 5 }
    clear: { when: pm25 <= 75.0 }
    require: two-person
    message: { zh: "{subject}", en: "{subject}" }
  - id: silent
    severity: minor
    noData: { after: 3 cadences, never: P1D }
    message: { zh: "{subject}", en: "{subject}" }
    group: { by: region }
    inhibit: [{ rule: repeats }]
`;

/** As the parser reads it: maps, lists and texts. */
const plain = (text: string): unknown => parse(text, { schema: 'failsafe' });
const bySchema = (text: string): boolean => validator.validate(plain(text)).valid;
const byParser = (text: string): boolean => parseContract(text, DATASETS).ok;
const shown = (text: string): string => {
  const outcome = parseContract(text, DATASETS);
  return JSON.stringify(outcome.ok ? validator.validate(plain(text)).errors.slice(-3) : outcome.errors);
};

test('the schema takes every shipped contract, and a document with everything in it', () => {
  for (const file of readdirSync(CONTRACTS)) {
    const { valid, errors } = validator.validate(plain(readFileSync(join(CONTRACTS, file), 'utf8')));
    assert.ok(valid, `${file}: ${JSON.stringify(errors.slice(-3))}`);
  }
  assert.ok(byParser(GOOD) && bySchema(GOOD), shown(GOOD));
  // As an editor reads it, with numbers.
  assert.ok(validator.validate(parse(GOOD)).valid);
});

/** A replacement that spoils the form of the document. */
const MALFORMED: readonly (readonly [from: string, to: string])[] = [
  ['agency: tests\n', ''],
  ['agency: tests', 'agency: tests\nowner: a'],
  ['agency: tests', 'agency: a/b'],
  ['contract: test', 'contract: sys.test'],
  ['zh: 测试, ', ''],
  ['source: a test', 'source: [a]'],
  ['zone: Asia/Shanghai', 'zone: Mars/Olympus'],
  ['lateness: PT6H', 'lateness: six hours'],
  ['workdays: [mon, tue]', 'workdays: [monday]'],
  ['2026-01-01,', '1 January,'],
  ['{ dataset: air, ', '{ '],
  ['flags: [late, q=N]', 'flags: [future]'],
  ['quality: [pass, ', 'quality: ['],
  ['quality: [pass, ', 'quality: [pass, good, '],
  ['flags: [late, q=N], quality: [pass, not_evaluated, suspect]', ''],
  ['"22:00"', '"22.00"'],
  ['days: workday', 'days: sometimes'],
  ['mean: pm25, over: P1D', 'over: P1D'],
  ['mean: pm25, over: P1D', 'mean: pm25, max: pm25, over: P1D'],
  ['rate: pm25, over: PT3H', 'rate: pm25'],
  ['at: 0.98, ', ''],
  ['shape: tumbling', 'shape: hopping'],
  ['require: 18 of 24', 'require: most'],
  ['per: PT1H', 'per: PT2H'],
  ['  ratio:', '  ra-tio:'],
  ['severity: severe,', 'severity: grave,'],
  ['for: PT1H }', 'for: PT1H, forever: no }'],
  ['clear: { when: day <= 75.0 } }', 'message: { zh: 甲, en: a } }'],
  ['flap: { changes: 5, within: P1D }', 'flap: { changes: 5 }'],
  ['times: 3 of 5', 'times: often'],
  ['times: 3 of 5', 'times: 3 of 5, for: PT1H'],
  ['times: 3 of 5', 'within: PT1H'],
  ['require: two-person', 'require: three-person'],
  ['noData: { after: 3 cadences, never: P1D }', 'noData: { after: 3 days }'],
  ['noData: {', 'maxGap: PT1H\n    noData: {'],
  ['by: region', 'by: colour'],
  ['inhibit: [{ rule: repeats }]', 'inhibit: []'],
  [GOOD.slice(GOOD.indexOf('rules:')), 'rules: none\n'],
  [GOOD.slice(GOOD.indexOf('inputs:'), GOOD.indexOf('schedules:')), 'inputs: {}\n'],
];

test('what is wrong with the form of a document, schema and parser refuse both', () => {
  for (const [from, to] of MALFORMED) {
    const text = GOOD.replace(from, () => to);
    assert.notEqual(text, GOOD, from);
    assert.deepEqual([bySchema(text), byParser(text)], [false, false], `${from} → ${to}`);
  }
});

test('what only the parser can know, the schema lets pass', () => {
  for (const [from, to] of [
    ['dataset: air', 'dataset: water'],
    ['when: day > 75.0', 'when: night > 75.0'],
    ['pm25 / pm10', 'pm25 /'],
    ['day > 150.0', 'day > mg_m3(1.0)'],
    ['id: repeats', 'id: levels'],
    ['rule: repeats', 'rule: unheard-of'],
    ['"{subject}：{day}"', '"{planet}"'],
  ] as const) {
    const text = GOOD.replace(from, () => to);
    assert.notEqual(text, GOOD, from);
    assert.deepEqual([bySchema(text), byParser(text)], [true, false], `${from} → ${to}`);
  }
});

test('every key of the schema is described in both languages, or means the same everywhere', () => {
  const places: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { description } = node as { description?: unknown };
    if (typeof description === 'string' && !/[a-z].* \/ .*\p{Script=Han}/u.test(description)) places.push(`${path}: ${description}`);
    for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`);
  };
  walk(SCHEMA, '');
  const properties = Object.entries((SCHEMA as { properties: { [key: string]: { description?: string } } }).properties);
  for (const [key, { description }] of properties) if (description === undefined && key !== 'title') places.push(key);
  assert.deepEqual(places, []);
});
