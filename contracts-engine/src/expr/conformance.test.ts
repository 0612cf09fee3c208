/** The conformance suite of the CEL specification (npm: @bufbuild/cel-spec): every case of it that a contract could be written with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tests as SUITE } from '@bufbuild/cel-spec/testdata/conformance.js';
import { expressionCompiler } from './cel.ts';
import type { Computed, Input, VariableDeclaration } from './expression.ts';

// biome-ignore lint/suspicious/noExplicitAny: a message of the specification as JSON
type Case = any;

type Suite = typeof SUITE;

function casesOf(suite: Suite, path: string): readonly (readonly [id: string, item: Case])[] {
  const own = (suite.tests ?? []).map(({ original }) => [`${path}/${original.name}`, original] as const);
  return [...own, ...(suite.suites ?? []).flatMap((inner) => casesOf(inner, `${path}/${inner.name}`))];
}

/** A value of the suite; undefined for a type that expressions do not have. */
function computedOf(value: Case): Computed | undefined {
  if (value?.boolValue !== undefined) return value.boolValue;
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.int64Value !== undefined) return Number(value.int64Value);
  if (value?.doubleValue !== undefined) return Number(value.doubleValue);
  if (value?.listValue === undefined) return undefined;
  const elements = (value.listValue.values ?? []).map(computedOf);
  return elements.every((element: Computed | undefined) => typeof element === 'number') ? elements : undefined;
}

interface Binding {
  readonly declaration: VariableDeclaration;
  readonly value: Input;
}

/** undefined: no expression can read it. Ints are no variables of ours. */
function bindingOf(value: Case): Binding | undefined {
  const known = value?.int64Value === undefined ? computedOf(value) : undefined;
  if (known === undefined || known === null) return undefined;
  const types = { number: 'number', string: 'text', boolean: 'bool', object: 'numbers' } as const;
  const type = types[typeof known as keyof typeof types];
  return { declaration: { type, unit: '1', maxLength: 100 }, value: known };
}

/** A fault that says: this is outside of the language, or the check found it. All others would be ours. */
const OUTSIDE = /^(?:expression-(?:not-allowed|syntax|type|nested|limit)|property-unknown)$/;
/** What the suite of 0.6.1 has for us; fewer would mean that expressions have become narrower. */
const CASES_MIN = 350;

test('conformance suite: what can be written in a contract means what the specification says', () => {
  let ran = 0;
  for (const [id, item] of casesOf(SUITE, '')) {
    if (item.checkOnly === true) continue;
    const expected = item.evalError === undefined ? computedOf(item.value ?? item.typedResult?.result) : null;
    const bindings = Object.entries(item.bindings ?? {}).map(([name, { value }]: [string, Case]) => [name, bindingOf(value)] as const);
    // Names with dots stand for what a namespace holds, and expressions have none.
    if (Object.keys(item.bindings ?? {}).some((name) => name.includes('.'))) continue;
    if (expected === undefined || bindings.some(([, binding]) => binding === undefined)) continue;
    const compile = expressionCompiler(new Map(bindings.map(([name, binding]) => [name, (binding as Binding).declaration])));
    const outcome = compile(item.expr, 'value');
    if (!outcome.ok) {
      assert.match(outcome.fault, OUTSIDE, `${id}: ${item.expr}`);
      continue;
    }
    ran++;
    const values = Object.fromEntries(bindings.map(([name, binding]) => [name, (binding as Binding).value]));
    assert.deepEqual(outcome.expression.value(values, 0), expected, `${id}: ${item.expr}`);
  }
  assert.ok(ran >= CASES_MIN, `${ran} cases`);
});
