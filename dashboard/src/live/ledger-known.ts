/** Waiting for what the ledger says of itself: it comes with the page's first answer, which a reader may be faster than. */
import type { LedgerStatus } from '@airtight/protocol';
import { type Ref, watch } from 'vue';

/** A server that has not said it by then is in trouble, and the screens say so. */
const WAIT_MS = 10_000;

/** @returns undefined when it is not known within WAIT_MS */
export function ledgerKnown(ledger: Ref<LedgerStatus | undefined>): Promise<LedgerStatus | undefined> {
  return new Promise((resolve) => {
    const stop = watch(ledger, (now) => now !== undefined && done(), { flush: 'sync' });
    const timer = setTimeout(() => done(), WAIT_MS);
    const done = (): void => {
      stop();
      clearTimeout(timer);
      resolve(ledger.value);
    };
    if (ledger.value !== undefined) done();
  });
}
