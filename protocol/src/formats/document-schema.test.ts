import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDatasetDefinition } from '../datasets/dataset-definition.ts';
import { PATTERN_TEXT_MAX_LENGTH, patternFault } from '../datasets/pattern-cost.ts';
import { DocumentSchema, type JsonSchema, SCHEMA_STEPS_MAX, schemaFault } from './document-schema.ts';

test('what could make judging expensive, or is elsewhere, is no part of a schema', () => {
  const good: readonly unknown[] = [
    {},
    { type: ['object', 'null'], properties: { $id: { type: 'string' }, pattern: { const: 1 } }, required: ['a'] },
    { $defs: { p: { type: 'number' } }, properties: { a: { $ref: '#/$defs/p' } }, additionalProperties: false },
    { properties: { code: { type: 'string', pattern: '^[A-Z]{2}-\\d{4,8}$' } } },
    { enum: [{ $ref: 'anything' }, 1] },
    { anyOf: [true, { not: false }] },
  ];
  for (const schema of good) assert.equal(schemaFault(schema), undefined, JSON.stringify(schema));
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /object/],
    [{ $ref: 'https://example.org/s.json' }, /^\/\$ref: a pointer into this schema/],
    [{ properties: { a: { $ref: '#/$defs/none' } } }, /^\/properties\/a\/\$ref/],
    [{ items: { $dynamicRef: '#x' } }, /\$dynamicRef is not taken/],
    [{ items: { uniqueItems: true } }, /uniqueItems is not taken/],
    [{ properties: { a: { pattern: '(a+)+$' } } }, /^\/properties\/a\/pattern: a group that repeats/],
    [{ patternProperties: { '(': {} } }, /no regular expression/],
    [{ patternProperties: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`^a${i}`, {}])) }, /more than 16/],
    [{ enum: Array.from({ length: 1001 }, (_, i) => i) }, /more than 1000/],
    [{ required: 5 }, /^\/required: not what this keyword takes/],
    [{ allOf: {} }, /^\/allOf/],
    [{ minLength: -1 }, /^\/minLength/],
    [{ items: [{}] }, /^\/items/],
    [JSON.parse(`${'{"not":'.repeat(40)}{}${'}'.repeat(40)}`), /nested deeper/],
    [{ description: 'x'.repeat(200_000) }, /longer than/],
  ];
  for (const [schema, wanted] of bad) assert.match(schemaFault(schema) ?? 'taken', wanted);
});

test('a document is judged in bounded steps, whatever the schema', () => {
  const stepsOf = (schema: JsonSchema, document: unknown): string | undefined => {
    assert.equal(schemaFault(schema), undefined);
    return new DocumentSchema(schema).faultOf(document);
  };
  // Thirty definitions, each of which applies the next one twice.
  const doubling = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
  );
  const schema = { $defs: { ...doubling, d30: { type: 'string' } }, $ref: '#/$defs/d0' };
  assert.match(stepsOf(schema, 'x') ?? '', new RegExp(`more than ${SCHEMA_STEPS_MAX} steps`));
  assert.match(stepsOf({ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }, 1) ?? '', /refers to itself without end|steps/);
  const wide = { items: { anyOf: [{ type: 'string' }, { type: 'boolean' }, { type: 'number' }] } };
  assert.equal(stepsOf(wide, Array(1000).fill(1)), undefined);
  assert.match(stepsOf(wide, Array(130_000).fill(1)) ?? '', /steps/);
  // The budget is one document's, not the schema's.
  const again = new DocumentSchema({ items: { type: 'number' } });
  for (let round = 0; round < 3; round++) assert.equal(again.faultOf(Array(60_000).fill(1)), undefined);
});

test('long texts are kept from patterns', () => {
  const schema = new DocumentSchema({ properties: { a: { pattern: '^x*y*$' } } });
  assert.equal(schema.faultOf({ a: 'xxyy' }), undefined);
  assert.match(schema.faultOf({ a: 'xz' }) ?? '', /^\/a pattern/);
  assert.match(schema.faultOf({ b: ['z'.repeat(PATTERN_TEXT_MAX_LENGTH + 1)] }) ?? '', /^\/b\/0: a text of more than/);
});

test('patterns whose ways to match are few', () => {
  for (const good of [
    '^a$',
    '^[^@\\s]+@[a-z.]+$',
    '^(?:a|b)?c',
    'x\\d{1,4}',
    '^\\d{4}-\\d{2}(T.*)?$',
    '[)(|*+]{3}',
    '\\(?\\u{1F600}',
    '^(ab){3}$',
    '\\p{L}+',
  ])
    assert.equal(patternFault(good), undefined, good);
  for (const bad of [
    '(a+)+',
    '^(a|a)*$',
    '(?=a)',
    '(?<n>a)',
    '(a)\\1',
    '^.*.*.*$',
    '.*.*',
    '^(a?){30}$',
    'a?'.repeat(12),
    '^(\\d{1,3}\\.){3}x*',
    '[',
    'x'.repeat(300),
    7,
  ])
    assert.equal(typeof patternFault(bad), 'string', String(bad));
});

test('the worst pattern that is taken is quick on the worst text', () => {
  const worst = '^x*x*$';
  assert.equal(patternFault(worst), undefined);
  const startedAt = performance.now();
  for (let i = 0; i < 20; i++) new RegExp(worst, 'u').test(`${'x'.repeat(PATTERN_TEXT_MAX_LENGTH - 1)}!`);
  const ms = (performance.now() - startedAt) / 20;
  assert.ok(ms < 50, `${ms} ms`);
});

test('a definition is checked wherever it enters', () => {
  const title = { zh: '水质', en: 'Water' };
  const right = { type: 'dataset', dataset: 'water', title, cadenceMs: 1000, properties: { ph: { title, unit: '1', min: 0, max: 14 } } };
  const document = { schema: { type: 'object' }, time: '/at', values: { ph: '/ph' } };
  for (const good of [right, { ...right, document }, { ...right, document: { ...document, items: '', id: '/a~1b' } }])
    assert.equal(checkDatasetDefinition(good).ok, true);
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /object/],
    [{ ...right, type: 'data' }, /^type/],
    [{ ...right, dataset: 'sys.x' }, /^dataset/],
    [{ ...right, title: { zh: '水' } }, /^title/],
    [{ ...right, cadenceMs: 0 }, /^cadenceMs/],
    [{ ...right, properties: { '1a': { title, unit: '1' } } }, /^properties: 1a/],
    [{ ...right, properties: { a: { title } } }, /^properties: a: unit/],
    [{ ...right, properties: { a: { title, unit: '1', min: 2, max: 1 } } }, /^properties: a: min/],
    [{ ...right, codec: { form: 'script' } }, /^codec: form/],
    [{ ...right, document: { ...document, time: 'at' } }, /^document: time/],
    [{ ...right, document: { ...document, values: {} } }, /^document: values/],
    [{ ...right, document: { ...document, value: {} } }, /^document: value: there is no such member/],
    [{ ...right, document: { ...document, schema: { uniqueItems: true } } }, /^document: schema: \/uniqueItems/],
  ];
  for (const [value, wanted] of bad) {
    const checked = checkDatasetDefinition(value);
    assert.ok(!checked.ok);
    assert.equal(checked.code, 'DATASET_INVALID');
    assert.match(checked.detail, wanted);
  }
});
