import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  ED25519,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  formatVkey,
  leafHash,
  makeVkey,
  rootOfLeafHashes,
  type TileSource,
  tilePath,
} from '@airtight/tlog';
import { type Comparison, compareCheckpoints, isSignedBy, Unreachable } from './compare-checkpoints.ts';
import { CheckpointMemory, type RememberedCheckpoint } from './remembered-checkpoint.ts';

const ORIGIN = 'ledger.example/log';
function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const vkey = makeVkey(ORIGIN, ED25519, new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)));
  return { privateKey, vkey, text: formatVkey(vkey) };
}
const KEY = makeKey();
const NEXT = makeKey();

/** A log of less than a tile of entries, whose history from some entry on is another one. */
function makeLog(otherFrom = Infinity) {
  const leaves = (size: number) =>
    Buffer.concat(Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`${i < otherFrom ? 'a' : 'b'} ${i}`))));
  const at = (size: number, keys = [KEY]): RememberedCheckpoint => {
    const root = rootOfLeafHashes(leaves(size));
    const text = formatCheckpoint({ origin: ORIGIN, size, root });
    const lines = keys.map(({ vkey, privateKey }) => ({
      name: ORIGIN,
      keyId: vkey.keyId,
      signature: new Uint8Array(sign(null, Buffer.from(text), privateKey)),
    }));
    return { origin: ORIGIN, size, root: encodeBase64(root), note: formatNote(text, lines), seenAt: 1 };
  };
  const tiles = (size: number): TileSource => ({
    read: async (path) => {
      if (path === tilePath(0, 0, size)) return new Uint8Array(leaves(size));
      throw new Error(`${path}: NOT_FOUND`);
    },
  });
  return { at, tiles };
}
const log = makeLog();
const other = makeLog(50);

function compare(
  held: RememberedCheckpoint | undefined,
  now: RememberedCheckpoint,
  tiles: TileSource,
  mayBeEarlier = false,
): Promise<Comparison> {
  return compareCheckpoints(() => held, { note: now.note, seenAt: 2, mayBeEarlier }, [KEY.text], tiles);
}
const outcome = async (found: Promise<Comparison>) => {
  const comparison = await found;
  return comparison.kind === 'conflict'
    ? [comparison.conflict.proven, comparison.conflict.heldSize, comparison.conflict.offeredSize]
    : comparison.kind;
};

test('a ledger that grew, stood still, or is proven at an earlier size, is the same ledger', async () => {
  assert.equal(await outcome(compare(undefined, log.at(7), log.tiles(7))), 'first');
  assert.equal(await outcome(compare(log.at(7), log.at(7), log.tiles(7))), 'same');
  for (const [from, to] of [
    [1, 2],
    [7, 8],
    [64, 200],
    [99, 131],
  ] as const) {
    assert.equal(await outcome(compare(log.at(from), log.at(to), log.tiles(to))), 'grown', `${from} to ${to}`);
    assert.equal(await outcome(compare(log.at(to), log.at(from), log.tiles(to), true)), 'earlier', `${to} to ${from}`);
  }
});

test('a rewritten ledger is convicted by its own signatures', async () => {
  assert.deepEqual(await outcome(compare(log.at(70), other.at(70), other.tiles(70))), ['same-size', 70, 70]);
  assert.deepEqual(await outcome(compare(log.at(70), other.at(90), other.tiles(90))), ['other-history', 70, 90]);
  assert.deepEqual(await outcome(compare(other.at(90), log.at(70), other.tiles(90), true)), ['other-history', 70, 90]);
  assert.equal(await outcome(compare(log.at(40), other.at(90), other.tiles(90))), 'grown', 'the part that both share');
});

test('what is not proven is said to be so: gone back, tiles that are not there, another key, no answer', async () => {
  assert.deepEqual(await outcome(compare(log.at(90), log.at(70), log.tiles(70))), [null, 70, 90]);
  assert.deepEqual(await outcome(compare(log.at(70), log.at(90), log.tiles(80))), [null, 70, 90]);
  assert.equal(await outcome(compare(log.at(7), log.at(9, [NEXT]), log.tiles(9))), 'untrusted');
  const silent: TileSource = { read: () => Promise.reject(new Unreachable('NETWORK')) };
  assert.equal(await outcome(compare(log.at(70), log.at(90), silent)), 'unreachable');
});

test('a new key is announced by a checkpoint that both keys sign', () => {
  assert.equal(isSignedBy(log.at(7, [KEY, NEXT]).note, NEXT.text), true);
  assert.equal(isSignedBy(log.at(7).note, NEXT.text), false);
});

test('memory outlasts a visit, keeps what was found first, and says when it cannot', async () => {
  const texts = new Map<string, string>();
  const storage = { getItem: (key: string) => texts.get(key) ?? null, setItem: (key: string, text: string) => void texts.set(key, text) };
  const memory = new CheckpointMemory(storage);
  memory.remember(log.at(70));
  const found = await compare(log.at(70), other.at(90), other.tiles(90));
  assert.ok(found.kind === 'conflict');
  memory.keep(found.conflict);
  memory.keep({ ...found.conflict, detail: 'the same again' });
  const later = new CheckpointMemory(storage);
  assert.deepEqual(later.of(ORIGIN), log.at(70));
  assert.deepEqual(later.conflicts, [found.conflict]);
  assert.equal(later.isKept, true);
  const refusing = {
    getItem: () => null,
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
  };
  assert.deepEqual([new CheckpointMemory(refusing).isKept, new CheckpointMemory(undefined).isKept], [false, false]);
});
