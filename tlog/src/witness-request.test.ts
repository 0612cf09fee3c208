import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  consistencyPath,
  ED25519,
  type ForkEvidence,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatSignatureLine,
  judgeFork,
  leafHash,
  makeVkey,
  oldRootFromTiles,
  oldRootOfPath,
  originHash,
  parseAddCheckpoint,
  parseCosignatureLines,
  rootOfLeafHashes,
  type TileSource,
  tilePath,
  tilesForSize,
} from './index.ts';

const seed = new Uint8Array(32).fill(1);
const vkey = makeVkey('log.example', ED25519, ed25519.getPublicKey(seed));
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Leaf hashes of a log whose entries are named; logs that share a beginning are forks of each other. */
function leaves(count: number, name: (index: number) => string): Uint8Array {
  const flat = new Uint8Array(count * 32);
  for (let i = 0; i < count; i++) flat.set(leafHash(utf8(name(i))), i * 32);
  return flat;
}
const honest = leaves(40, String);
const forked = leaves(40, (i) => (i < 5 ? String(i) : `other ${i}`));

function signed(tree: Uint8Array, size: number, origin = 'log.example'): Uint8Array {
  const text = formatCheckpoint({ origin, size, root: rootOfLeafHashes(tree.subarray(0, size * 32)) });
  return utf8(formatNote(text, [{ name: vkey.name, keyId: vkey.keyId, signature: ed25519.sign(utf8(text), seed) }]));
}

test('add-checkpoint requests survive formatting and parsing', () => {
  const note = new TextDecoder().decode(signed(honest, 9));
  for (const path of [[], consistencyPath(honest.subarray(0, 9 * 32), 7)]) {
    const parsed = parseAddCheckpoint(utf8(formatAddCheckpoint({ oldSize: 7, path, note })));
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.value.oldSize, parsed.value.path.map(String)], [7, path.map(String)]);
    assert.equal(new TextDecoder().decode(parsed.value.note), note);
  }
  for (const text of ['', 'old 1', 'old 1\nAAAA\n\nx', 'old  1\n\nx', 'old 1 \n\nx', '\uFEFFold 1\n\nx', 'old 1\r\n\nx', 'old\n\nx']) {
    const parsed = parseAddCheckpoint(utf8(text));
    assert.equal(parsed.ok ? 'accepted' : parsed.code, 'PROOF_MALFORMED', JSON.stringify(text));
  }
});

test('answers hold signature lines and nothing else', () => {
  const line = formatSignatureLine({ name: 'w.example', keyId: 7, signature: new Uint8Array(72) });
  const two = parseCosignatureLines(line + line);
  assert.ok(two.ok && two.value.length === 2 && two.value[0]?.keyId === 7);
  for (const text of ['', '\n', line.slice(0, -1), `${line}\n`, `${line}x\n`, 'ok\n']) assert.equal(parseCosignatureLines(text).ok, false);
});

test('an origin is named by its hash', () => {
  assert.equal(originHash(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('the old root that a forked log proves by is found in its proof, unless the old size is a power of two', () => {
  for (let oldSize = 1; oldSize < 40; oldSize++) {
    const root = (size: number) => rootOfLeafHashes(forked.subarray(0, size * 32));
    const path = consistencyPath(forked, oldSize);
    const found = oldRootOfPath({ oldSize, newSize: 40, newRoot: root(40), path });
    if (Number.isInteger(Math.log2(oldSize))) assert.equal(found, null);
    else assert.deepEqual(found, root(oldSize));
    assert.equal(oldRootOfPath({ oldSize, newSize: 40, newRoot: root(39), path }), null, 'the proof must lead to the new root');
  }
});

test('old roots come from the tiles of a larger tree', async () => {
  const tree = leaves(600, String);
  const levels = [tree, new Uint8Array(64)];
  for (let i = 0; i < 2; i++) levels[1]?.set(rootOfLeafHashes(tree.subarray(i * 8192, (i + 1) * 8192)), i * 32);
  const files = new Map(
    tilesForSize(600).map(({ level, index, width }) => [
      tilePath(level, index, width),
      (levels[level] as Uint8Array).slice(index * 8192, index * 8192 + width * 32),
    ]),
  );
  const source: TileSource = {
    read: async (path) => files.get(path) ?? assert.fail(`${path} is not there`),
  };
  for (const size of [0, 1, 255, 256, 257, 300, 512, 599, 600]) {
    assert.deepEqual(await oldRootFromTiles(source, size, 600), rootOfLeafHashes(tree.subarray(0, size * 32)), String(size));
  }
});

test('a fork is proven by two checkpoints and a proof, and by nothing less', () => {
  const judge = (evidence: ForkEvidence): string => {
    const verdict = judgeFork(evidence, [vkey]);
    return verdict.ok ? verdict.value : verdict.code;
  };
  const rootOf = (tree: Uint8Array, size: number) => rootOfLeafHashes(tree.subarray(0, size * 32));
  const pathOf = (tree: Uint8Array, from: number, to: number) => consistencyPath(tree.subarray(0, to * 32), from);
  assert.equal(judge({ held: signed(honest, 8), offered: signed(forked, 8), path: [] }), 'same-size');
  assert.equal(judge({ held: signed(honest, 8), offered: signed(honest, 8), path: [] }), 'PROOF_MISMATCH');
  for (const size of [7, 8]) {
    const fork = {
      held: signed(honest, size),
      offered: signed(forked, 20),
      path: pathOf(forked, size, 20),
      otherRoot: rootOf(forked, size),
    };
    assert.equal(judge(fork), 'other-history');
    assert.equal(judge({ held: fork.held, offered: fork.offered, path: fork.path }), 'PROOF_MISMATCH', 'the other root is not named');
    assert.equal(judge({ ...fork, path: fork.path.slice(1) }), 'PROOF_MISMATCH');
    assert.equal(judge({ ...fork, otherRoot: rootOf(honest, size) }), 'PROOF_MISMATCH');
    assert.equal(judge({ ...fork, held: fork.offered, offered: fork.held }), 'PROOF_MISMATCH');
    assert.equal(judge({ ...fork, held: signed(honest, size, 'other.example') }), 'NOTE_UNSIGNED');
    const honestPair = {
      held: signed(honest, size),
      offered: signed(honest, 20),
      path: pathOf(honest, size, 20),
      otherRoot: rootOf(honest, size),
    };
    assert.equal(judge(honestPair), 'PROOF_MISMATCH', 'an honest log cannot be accused');
    assert.equal(judge({ ...honestPair, otherRoot: rootOf(forked, size), path: pathOf(forked, size, 20) }), 'PROOF_MISMATCH');
  }
  const tampered = signed(honest, 7).map((byte, at) => (at === 20 ? byte ^ 1 : byte));
  assert.notEqual(judge({ held: tampered, offered: signed(forked, 7), path: [] }), 'same-size');
});
