import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedWitness, witnessState } from './witness-state.ts';

const NOW = Date.UTC(2026, 0, 1);
const at = (ageMs: number) => new Date(NOW - ageMs).toISOString();
const witness = (change: Partial<AskedWitness>): AskedWitness => ({
  ...{ name: 'tianjin', witness: 'witness.example/tianjin', size: 7, cosignedAt: at(1000), error: null },
  ...change,
});
const failed = (detail: string) => witness({ error: { at: at(0), detail } });

test('a witness has cosigned lately, long ago, never, refuses, or does not answer', () => {
  assert.equal(witnessState(witness({}), NOW), 'cosigned');
  assert.equal(witnessState(witness({ cosignedAt: at(91_000) }), NOW), 'stale');
  assert.equal(witnessState(witness({ size: null, cosignedAt: null }), NOW), 'waiting');
  assert.equal(witnessState(failed('422: the path leads to another root'), NOW), 'refuses');
  assert.equal(witnessState(failed('fetch failed: connect ECONNREFUSED 127.0.0.1:4221'), NOW), 'silent');
});
