import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerStatus } from '@airtight/protocol';
import { shallowRef } from 'vue';
import { ledgerKnown } from './ledger-known.ts';

const status = { vkey: 'k' } as LedgerStatus;

test('what is known is answered at once, what is not once it comes', async () => {
  assert.equal(await ledgerKnown(shallowRef(status)), status);
  const ledger = shallowRef<LedgerStatus>();
  const known = ledgerKnown(ledger);
  ledger.value = status;
  assert.equal(await known, status);
});
