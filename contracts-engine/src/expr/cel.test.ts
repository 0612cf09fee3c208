import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '@airtight/protocol';
import { expressionCompiler } from './cel.ts';
import type { Expression, VariableDeclaration } from './expression.ts';

const compile = expressionCompiler(
  new Map<string, VariableDeclaration>([
    ['pm25', { type: 'number', unit: 'ug/m3' }],
    ['constructor', { type: 'number', unit: 'ug/m3' }],
    ['in', { type: 'number', unit: 'ug/m3' }],
    ['double', { type: 'number', unit: 'ug/m3' }],
    ['wd', { type: 'any', unit: '1' }],
  ]),
);

function expression(text: string): Expression {
  const outcome = compile(text);
  assert.ok(outcome.ok, `${text}: ${JSON.stringify(outcome)}`);
  return outcome.expression;
}

test('conditions as contracts write them', () => {
  const samples: readonly (readonly [string, { readonly [name: string]: Result }, boolean | null])[] = [
    ['pm25 > 150.0', { pm25: 150 }, false],
    ['pm25 > 150.0', { pm25: 150.1 }, true],
    ['pm25 > 150', { pm25: 151 }, true],
    ['!(pm25 > 1.0) || pm25 >= 2.0 ? true : false', { pm25: 1.5 }, false],
    ['-pm25 * 2.0 + 1.0 < 0.0', { pm25: 1 }, true],
    ['pm25 in [1.0, 2.0]', { pm25: 2 }, true],
    ['[10.0, 20.0].exists(x, x < pm25)', { pm25: 11 }, true],
    ['[10.0, 20.0].all(x, x < pm25)', { pm25: 11 }, false],
    ['constructor > 1.0', { constructor: 2 } as { [name: string]: Result }, true],
    ['wd == "N" || wd.startsWith("NN")', { wd: 'NNE' }, true],
    ['wd == false', { wd: false }, true],
    ['wd == "N"', { wd: 3 }, false],
    ['wd > 1.0', { wd: 'N' }, null],
    ['pm25 / 0.0 > 1.0', { pm25: 1 }, true],
    ['1 / 0 > 0 && pm25 > 0.0', { pm25: 1 }, null],
  ];
  for (const [text, values, expected] of samples) assert.equal(expression(text).holds(values, 0), expected, text);
});

test('the properties an expression reads', () => {
  assert.deepEqual(expression('wd == "N" && [1.0].exists(x, x < pm25) && pm25 > 0.0').variables, [
    { name: 'pm25', type: 'number', unit: 'ug/m3' },
    { name: 'wd', type: 'any', unit: '1' },
  ]);
});

test('what is outside the allow-list', () => {
  const refused: readonly string[] = [
    'wd.matches("a")',
    'matches(wd, "a")',
    'wd.size() > 1',
    'size(wd) > 1',
    'string(pm25) == "1"',
    'type(pm25) == double',
    'timestamp("2026-01-01T00:00:00Z") > timestamp("2025-01-01T00:00:00Z") && pm25 > 1.0',
    '{"a": pm25}["a"] > 1.0',
    '{"a": pm25}.a > 1.0',
    '[pm25][0] > 1.0',
    '[pm25].map(x, x) == [1.0]',
    '[pm25].filter(x, x > 1.0) == [1.0]',
    'has(wd.a)',
    'wd.constructor == "a"',
    'wd.__proto__ == "a"',
    'b"a" == b"a" || pm25 > 1.0',
    'null == null || pm25 > 1.0',
    '1u < 2u || pm25 > 1.0',
    '[1.0].all(pm25, pm25 > 0.0)',
    'dyn(pm25) > 1.0',
  ];
  for (const text of refused) {
    const outcome = compile(text);
    assert.ok(!outcome.ok, text);
    assert.match(outcome.fault, /^expression-(not-allowed|syntax)$/, `${text}: ${JSON.stringify(outcome)}`);
  }
  for (const text of ['in > 1.0', 'double > 1.0', 'now > 1.0', 'this > 1.0', '__proto__ == 1.0']) assert.ok(!compile(text).ok, text);
});

test('limits: nodes, depth, list length, nesting of comprehensions also in the receiver', () => {
  const faultOf = (text: string) => {
    const outcome = compile(text);
    return outcome.ok ? null : outcome.fault;
  };
  const sum = (terms: number) => `${Array.from({ length: terms }, () => 'pm25').join(' + ')} > 1.0`;
  assert.equal(faultOf(sum(90)), null);
  assert.equal(faultOf(sum(110)), 'expression-limit');
  assert.equal(faultOf(`${'!'.repeat(30)}(pm25 > 1.0)`), 'expression-limit');
  assert.equal(faultOf(`pm25 in [${'1.0,'.repeat(100)}1.0]`), 'expression-limit');
  assert.equal(faultOf('[1.0].all(x, [x].exists(y, y > pm25))'), 'expression-nested');
  assert.equal(faultOf('[[1.0].exists(x, x > pm25)].exists(y, y)'), null);
});

test('any text gets an answer, never an exception', () => {
  const pieces = [
    'pm25',
    'wd',
    '>',
    '&&',
    '(',
    ')',
    '[',
    ']',
    '1.0',
    '"',
    "'",
    '.',
    ',',
    '!',
    '-',
    '\\',
    'x',
    '{',
    '}',
    '?',
    ':',
    '\u0000',
    '𝄞',
  ];
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 1 + next(12) }, () => pieces[next(pieces.length)]).join(next(2) === 0 ? ' ' : '');
    const outcome = compile(text);
    if (!outcome.ok) assert.ok(outcome.offset >= 0 && outcome.offset <= text.length, text);
  }
});
