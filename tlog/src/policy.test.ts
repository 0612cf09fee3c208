import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { ED25519, ED25519_COSIGNATURE, formatVkey, isQuorumMet, makeVkey, type Policy, parsePolicy } from './index.ts';

function vkey(name: string, type: number, fill: number): string {
  return formatVkey(makeVkey(name, type, ed25519.getPublicKey(new Uint8Array(32).fill(fill))));
}
const LOG = vkey('log.example', ED25519, 1);
const WITNESSES = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'];
const WITNESS_LINES = WITNESSES.map((name, at) => `witness ${name} ${vkey(`${name}.example`, ED25519_COSIGNATURE, 10 + at)}`);

function parsed(text: string): Policy {
  const policy = parsePolicy(text);
  assert.ok(policy.ok, JSON.stringify(policy));
  return policy.value;
}

function refusal(...lines: string[]): string {
  const policy = parsePolicy(lines.join('\n'));
  return policy.ok ? 'accepted' : policy.detail;
}

test('the example of the specification: two levels of groups', () => {
  const policy = parsed(
    [
      '# trusted logs',
      `log ${LOG}\thttps://log.example/ `,
      '',
      ...WITNESS_LINES,
      '  group X-witnesses 2 X1 X2 X3',
      'group Y-witnesses any Y1 Y2 Y3',
      'group X-and-Y all X-witnesses Y-witnesses',
      'quorum X-and-Y',
    ].join('\n'),
  );
  assert.equal(policy.logs[0]?.url, 'https://log.example/');
  assert.equal(policy.witnesses.length, 6);
  const met = (...names: string[]) => isQuorumMet(policy, new Set(names));
  assert.ok(met('X1', 'X3', 'Y2'));
  assert.ok(met(...WITNESSES));
  assert.ok(!met('X1', 'Y1', 'Y2', 'Y3'));
  assert.ok(!met('X1', 'X2', 'X3'));
  assert.ok(!met());
  assert.ok(!met('X-and-Y', 'X-witnesses', 'Y-witnesses'), 'a group does not cosign');
});

test('quorums of none and of one witness', () => {
  assert.ok(isQuorumMet(parsed(`log ${LOG}\nquorum none\n`), new Set()));
  const one = parsed(`${WITNESS_LINES[0]}\nquorum X1`);
  assert.ok(isQuorumMet(one, new Set(['X1'])));
  assert.ok(!isQuorumMet(one, new Set(['X2'])));
});

test('refusals name the line', () => {
  const [x1, x2] = WITNESS_LINES as [string, string];
  const cases: readonly (readonly [string, RegExp])[] = [
    [refusal(`log ${LOG}`), /no quorum/],
    [refusal('quorum none', 'quorum none'), /line 2: a second quorum/],
    [refusal('quorum X1'), /line 1: X1 is not defined/],
    [refusal('quorum X1', x1), /line 1: X1 is not defined/],
    [refusal(`log ${LOG}`, `log ${LOG}`, 'quorum none'), /line 2: the same log key twice/],
    [refusal(x1, x1.replace('witness X1', 'witness X9'), 'quorum none'), /line 2: the same witness key/],
    [refusal(x1, x2.replace('witness X2', 'witness X1'), 'quorum none'), /line 2: the name X1 is taken/],
    [refusal(x1.replace('witness X1', 'witness none'), 'quorum none'), /line 1: the name none is taken/],
    [refusal(x1, 'group g all X1 X1', 'quorum g'), /line 2: X1/],
    [refusal(x1, 'group g all X1', 'group h any X1', 'quorum g'), /line 3: X1/],
    [refusal(x1, 'group g all none', 'quorum g'), /line 2: none/],
    [refusal(x1, 'group g all g', 'quorum g'), /line 2: g is not defined/],
    [refusal(x1, 'group g 2 X1', 'quorum g'), /line 2: the threshold 2/],
    [refusal(x1, 'group g 0 X1', 'quorum g'), /line 2: the threshold 0/],
    [refusal(x1, 'group g 1e0 X1', 'quorum g'), /line 2: the threshold 1e0/],
    [refusal(x1, 'group g all', 'quorum g'), /line 2: group/],
    [refusal(`log ${vkey('w.example', ED25519_COSIGNATURE, 3)}`, 'quorum none'), /line 1: w\.example: a key of signature type 4/],
    [refusal(`witness w ${LOG}`, 'quorum none'), /line 1: log\.example: a key of signature type 1/],
    [refusal(`log ${LOG} url more`, 'quorum none'), /line 1: log/],
    [refusal('mirror x', 'quorum none'), /line 1: unknown keyword mirror/],
    [refusal('quorum none\r'), /control character/],
  ];
  for (const [detail, expected] of cases) assert.match(detail, expected);
});
