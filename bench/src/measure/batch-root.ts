/** The root of a batch: as ingest computes it, beside the same tree hashed by noble, the peer in portable JavaScript. */
import assert from 'node:assert/strict';
import { RunningRoot } from '@airtight/ingest';
import { leafHash, rootOfLeafHashes } from '@airtight/tlog';

/** A record of some size. */
const LEAF_BYTES = 100;
const HASH_BYTES = 32;

export interface RootRound {
  /** Leaves per CPU second of this process. */
  readonly airtight: number;
  readonly noble: number;
  readonly ratio: number;
}

/** Both in alternation, over the same leaves; both roots must be equal. */
export function measureBatchRoots(leaves: number, rounds: number): RootRound[] {
  const entries = Array.from({ length: leaves }, (_, i) => Buffer.from(String(i).padStart(LEAF_BYTES, 'x')));
  const preimages = entries.map((entry) => Buffer.concat([Buffer.of(0), entry]));
  return Array.from({ length: rounds }, () => {
    const airtight = timed(() => runningRoot(preimages));
    const noble = timed(() => nobleRoot(entries));
    assert.equal(airtight.root, noble.root);
    return { airtight: leaves / airtight.cpuSeconds, noble: leaves / noble.cpuSeconds, ratio: noble.cpuSeconds / airtight.cpuSeconds };
  });
}

function timed(rootOf: () => string): { root: string; cpuSeconds: number } {
  const cpu = process.cpuUsage();
  const root = rootOf();
  const { user, system } = process.cpuUsage(cpu);
  return { root, cpuSeconds: (user + system) / 1e6 };
}

function runningRoot(preimages: readonly Uint8Array[]): string {
  const running = new RunningRoot();
  for (const preimage of preimages) running.add(preimage);
  return running.finish();
}

function nobleRoot(entries: readonly Uint8Array[]): string {
  const flat = new Uint8Array(entries.length * HASH_BYTES);
  for (const [at, entry] of entries.entries()) flat.set(leafHash(entry), at * HASH_BYTES);
  return Buffer.from(rootOfLeafHashes(flat)).toString('hex');
}
