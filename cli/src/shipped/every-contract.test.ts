/** All shipped contracts together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContract } from '@airtight/contracts-engine';
import { shippedContracts, shippedDatasets, shippedText } from './contract-bench.ts';

test('every shipped contract is without fault over the shipped datasets, named as its file, and cites its source', () => {
  const contracts = shippedContracts();
  assert.ok(contracts.length >= 9);
  for (const name of contracts) {
    const outcome = parseContract(shippedText(name), shippedDatasets());
    assert.ok(outcome.ok, `${name}: ${JSON.stringify(outcome)}`);
    assert.equal(outcome.contract.contract, name);
    assert.match(outcome.contract.source, /HJ|GB|WHO|QARTOD|环/, name);
  }
});
