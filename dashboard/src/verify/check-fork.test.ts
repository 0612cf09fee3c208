/** Evidence of a fork, as the page judges it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { ED25519, encodeBase64, formatCheckpoint, formatNote, formatVkey, leafHash, makeVkey, nodeHash } from '@airtight/tlog';
import { checkFork, type ForkEvidenceFile } from './check-fork.ts';

const ORIGIN = 'ledger.example/log';

function makeLog() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const vkey = makeVkey(ORIGIN, ED25519, Buffer.from((publicKey.export({ format: 'jwk' }) as { x: string }).x, 'base64url'));
  const checkpoint = (size: number, root: Uint8Array): string => {
    const text = formatCheckpoint({ origin: ORIGIN, size, root });
    return formatNote(text, [{ name: ORIGIN, keyId: vkey.keyId, signature: sign(null, Buffer.from(text), privateKey) }]);
  };
  return { vkey: formatVkey(vkey), checkpoint };
}

const log = makeLog();
const leaf = (text: string) => leafHash(Buffer.from(text));
const tree = nodeHash(leaf('other'), leaf('second'));

function evidence(held: string, offered: string, path: readonly string[] = [], otherRoot: string | null = null): ForkEvidenceFile {
  return { id: 'ab', origin: ORIGIN, witness: 'w', seenAt: '2026-01-01T00:00:00.000Z', held, offered, path, otherRoot };
}

test('one size and two roots, and another history, hold by the key of the log', () => {
  const sameSize = checkFork(evidence(log.checkpoint(1, leaf('first')), log.checkpoint(1, leaf('other'))), [log.vkey]);
  assert.equal(sameSize.kind, 'same-size');
  assert.deepEqual([sameSize.heldRoot, sameSize.otherRoot], [leaf('first'), leaf('other')].map(encodeBase64));
  const path = [encodeBase64(leaf('second'))];
  const otherRoot = encodeBase64(leaf('other'));
  const history = checkFork(evidence(log.checkpoint(1, leaf('first')), log.checkpoint(2, tree), path, otherRoot), [log.vkey]);
  assert.deepEqual([history.kind, history.size, history.otherRoot], ['other-history', 1, otherRoot]);
  assert.ok(history.steps.every(({ ok }) => ok));
});

test('what is no fork, or not by this key, convicts nobody, and the step that fails is named', () => {
  const failed = (file: ForkEvidenceFile, vkeys: readonly string[]) => {
    const { kind, steps } = checkFork(file, vkeys);
    assert.equal(kind, null);
    return steps.filter(({ ok }) => !ok).map(({ step }) => step);
  };
  const held = log.checkpoint(1, leaf('first'));
  assert.deepEqual(failed(evidence(held, held), [log.vkey]), ['contradiction']);
  assert.deepEqual(failed(evidence(held, log.checkpoint(2, tree)), [log.vkey]), ['contradiction']);
  assert.deepEqual(failed(evidence(held, makeLog().checkpoint(1, leaf('other'))), [log.vkey]), ['offered', 'contradiction']);
  assert.deepEqual(failed(evidence(held, log.checkpoint(1, leaf('other'))), []), ['held', 'offered', 'contradiction']);
});
