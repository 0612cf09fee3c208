/** The shared vectors, made with Go's sumdb packages: every key of the file. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import {
  type Checkpoint,
  consistencyPath,
  decodeBase64,
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  encodeBase64,
  entryBundlePath,
  formatCheckpoint,
  formatEntryBundle,
  formatNote,
  formatSignatureLine,
  formatSigningKey,
  formatTimestampedSignature,
  formatTlogProof,
  formatVkey,
  inclusionPath,
  keyIdOf,
  leafHash,
  mlDsa44CosignatureMessage,
  nobleAlgorithms,
  nobleSha256,
  nodeHash,
  openCheckpoint,
  openNote,
  parseCheckpoint,
  parseEntryBundle,
  parsePolicy,
  parseSigningKey,
  parseTlogProof,
  parseVkey,
  rootOfLeafHashes,
  type Sha256,
  type SignatureAlgorithms,
  type SigningKey,
  sha256FromLatin1,
  sha256Hex,
  tilePath,
  tilesForSize,
  type Verdict,
  type Vkey,
  verifyConsistency,
  verifyInclusion,
  verifyTlogProof,
  vkeyOf,
} from './index.ts';

const FILE = new URL('../../../shared/vectors/ledger-vectors.json', import.meta.url);
const vectors = readVectors();
const skip = vectors === undefined ? 'shared/vectors/ledger-vectors.json is not there' : false;
const latin1Sha256 = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
const bothSha256: readonly [string, Sha256][] = [
  ['noble', nobleSha256],
  ['node:crypto', latin1Sha256],
];
const nodeAlgorithms: SignatureAlgorithms = {
  ed25519: (publicKey, message, signature) => verify(null, message, publicKeyObject('302a300506032b6570032100', publicKey), signature),
  mlDsa44: (publicKey, message, signature) =>
    verify(null, message, publicKeyObject('30820532300b06096086480165030403110382052100', publicKey), signature),
};
const bothAlgorithms: readonly [string, SignatureAlgorithms][] = [
  ['noble', nobleAlgorithms],
  ['node:crypto', nodeAlgorithms],
];

interface ProofVector {
  readonly what: string;
  readonly kind: string;
  readonly index: number;
  readonly size: number;
  readonly leaf: string;
  readonly root: string;
  readonly old: number;
  readonly old_root: string;
  readonly new: number;
  readonly new_root: string;
  readonly proof_b64: readonly string[];
}

// biome-ignore lint/suspicious/noExplicitAny: the file has a shape of its own for every key
function readVectors(): any {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return undefined;
  }
}

/** SubjectPublicKeyInfo is a fixed prefix and the key. */
function publicKeyObject(prefix: string, publicKey: Uint8Array) {
  return createPublicKey({ key: Buffer.concat([Buffer.from(prefix, 'hex'), publicKey]), format: 'der', type: 'spki' });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function bytes64(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  assert.ok(bytes, text);
  return bytes;
}

function established<T>(verdict: Verdict<T>): T {
  assert.ok(verdict.ok, JSON.stringify(verdict));
  return verdict.value;
}

function leafHashes(size: number, sha: Sha256 = latin1Sha256): Uint8Array {
  const flat = new Uint8Array(size * 32);
  for (let i = 0; i < size; i++) flat.set(leafHash(utf8(String(i)), sha), i * 32);
  return flat;
}

function signEd25519(key: SigningKey, message: Uint8Array): Uint8Array {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), key.seed]);
  return sign(null, message, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

function logKey(): SigningKey {
  return established(parseSigningKey(vectors.keys.log.skey));
}

function cosignatureLine(key: SigningKey, time: number, body: string): string {
  const signature = formatTimestampedSignature({ time, signature: signEd25519(key, ed25519CosignatureMessage(time, utf8(body))) });
  return formatSignatureLine({ name: key.name, keyId: vkeyOf(key).keyId, signature });
}

function witnessKey(which: 'witness1' | 'witness2'): SigningKey {
  return { name: vectors.keys[which].name, type: ED25519_COSIGNATURE, seed: hexToBytes(vectors.keys[which].seed_hex) };
}

for (const [name, sha] of bothSha256) {
  test(`roots of sizes 0 to 300 and of large trees (${name})`, { skip }, () => {
    const flat = leafHashes(300, sha);
    const roots = vectors.roots.map((_: string, size: number) => rootOfLeafHashes(flat.subarray(0, size * 32), sha));
    assert.deepEqual(roots.map(bytesToHex), vectors.roots);
    assert.equal(roots.length, 301);
    assert.equal(sha256Hex(concatBytes(...roots)), vectors.sha256_of_all_301_roots_concatenated);
    for (const [size, root] of Object.entries(vectors.roots_b64_selected)) assert.equal(encodeBase64(roots[Number(size)]), root);
  });

  test(`leaf and node hashes (${name})`, { skip }, () => {
    for (const { data_hex, hash: expected, len } of vectors.leaf_hash) {
      const data = data_hex === undefined ? new Uint8Array(len).fill(0x61) : hexToBytes(data_hex);
      assert.equal(data.length, len);
      assert.equal(bytesToHex(leafHash(data, sha)), expected);
    }
    const { left, right, hash: expected } = vectors.node_hash;
    assert.equal(bytesToHex(nodeHash(hexToBytes(left), hexToBytes(right), sha)), expected);
  });

  test(`inclusion and consistency proofs (${name})`, { skip }, () => {
    const flat = leafHashes(70_000);
    const root = (size: number) => hexToBytes(vectors.roots[size] ?? vectors.roots_large[size]);
    for (const { index, size, proof_b64 } of vectors.inclusion as ProofVector[]) {
      const path = inclusionPath(flat.subarray(0, size * 32), index, sha);
      assert.deepEqual(path.map(encodeBase64), proof_b64);
      established(verifyInclusion({ index, size, leafHash: flat.subarray(index * 32, index * 32 + 32), root: root(size), path }, sha));
    }
    for (const { old, new: size, proof_b64 } of vectors.consistency as ProofVector[]) {
      const path = consistencyPath(flat.subarray(0, size * 32), old, sha);
      assert.deepEqual(path.map(encodeBase64), proof_b64);
      established(verifyConsistency({ oldSize: old, oldRoot: root(old), newSize: size, newRoot: root(size), path }, sha));
    }
    assert.deepEqual([vectors.inclusion.length, vectors.consistency.length], [48, 26]);
  });

  test(`must_reject_proofs (${name})`, { skip }, () => {
    assert.equal(vectors.must_reject_proofs.length, 11);
    for (const proof of vectors.must_reject_proofs as ProofVector[]) {
      const path = proof.proof_b64.map(bytes64);
      const verdict =
        proof.kind === 'inclusion'
          ? verifyInclusion(
              { index: proof.index, size: proof.size, leafHash: leafHash(utf8(proof.leaf), sha), root: hexToBytes(proof.root), path },
              sha,
            )
          : verifyConsistency(
              { oldSize: proof.old, oldRoot: hexToBytes(proof.old_root), newSize: proof.new, newRoot: hexToBytes(proof.new_root), path },
              sha,
            );
      assert.equal(verdict.ok, false, proof.what);
    }
  });
}

test('roots of large trees', { skip }, () => {
  const flat = leafHashes(70_000);
  for (const [size, root] of Object.entries(vectors.roots_large)) {
    assert.equal(bytesToHex(rootOfLeafHashes(flat.subarray(0, Number(size) * 32), latin1Sha256)), root);
  }
});

test('digest over all proofs of sizes 1 to 64', { skip }, () => {
  const flat = leafHashes(64);
  const inclusion = createHash('sha256');
  const consistency = createHash('sha256');
  for (let size = 1; size <= 64; size++) {
    const tree = flat.subarray(0, size * 32);
    for (let index = 0; index < size; index++) for (const node of inclusionPath(tree, index, latin1Sha256)) inclusion.update(node);
    for (let old = 1; old <= size; old++) for (const node of consistencyPath(tree, old, latin1Sha256)) consistency.update(node);
  }
  assert.equal(inclusion.digest('hex'), vectors.all_proofs_digest_sizes_1_to_64.inclusion_sha256);
  assert.equal(consistency.digest('hex'), vectors.all_proofs_digest_sizes_1_to_64.consistency_sha256);
});

/** All files of a log with `size` entries, as tlog-tiles names them. */
function filesOfLog(size: number): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const levels = [leafHashes(size)];
  for (const { level, index, width } of tilesForSize(size)) {
    levels[level] ??= rootsOfFullTiles(levels[level - 1] as Uint8Array);
    const start = index * 256;
    files.set(tilePath(level, index, width), (levels[level] as Uint8Array).slice(start * 32, (start + width) * 32));
    if (level > 0) continue;
    const entries = Array.from({ length: width }, (_, i) => utf8(String(start + i)));
    files.set(entryBundlePath(index, width), formatEntryBundle(entries));
  }
  return files;
}

function rootsOfFullTiles(below: Uint8Array): Uint8Array {
  const roots: Uint8Array[] = [];
  for (let at = 0; at + 8192 <= below.length; at += 8192) roots.push(rootOfLeafHashes(below.subarray(at, at + 8192), latin1Sha256));
  return concatBytes(...roots);
}

test('tiles and entry bundles by size', { skip }, () => {
  for (const size of [1, 255, 256, 257, 300]) {
    const described = Object.fromEntries(
      [...filesOfLog(size)].map(([path, data]) => [path, { len: data.length, sha256: sha256Hex(data) }]),
    );
    assert.deepEqual(described, vectors.tiles_by_size[String(size)]);
  }
  const large = filesOfLog(70_000);
  assert.equal(large.size, vectors.tiles_by_size['70000_file_count_without_checkpoint']);
  for (const [path, expected] of Object.entries(vectors.tiles_by_size['70000_selected'])) {
    const data = large.get(path);
    assert.ok(data, path);
    assert.deepEqual({ len: data.length, sha256: sha256Hex(data) }, expected, path);
  }
});

test('tile paths', { skip }, () => {
  for (const { n, path } of vectors.tile_index_paths) assert.equal(tilePath(0, n), `tile/0/${path}`);
  for (const { level, n, w, path } of vectors.tile_paths_full) {
    assert.equal(level === 'entries' ? entryBundlePath(n, w) : tilePath(level, n, w), path);
  }
});

test('entry bundle bytes', { skip }, () => {
  const { entries, hex, empty_entry_hex } = vectors.entry_bundle_small;
  const bundle = formatEntryBundle(entries.map(utf8));
  assert.equal(bytesToHex(bundle), hex);
  assert.deepEqual(
    established(parseEntryBundle(bundle, entries.length)).map((entry) => new TextDecoder().decode(entry)),
    entries,
  );
  assert.equal(bytesToHex(formatEntryBundle([new Uint8Array(0)])), empty_entry_hex);
  assert.equal(established(parseEntryBundle(hexToBytes(empty_entry_hex), 1))[0]?.length, 0);
});

test('keys', { skip }, () => {
  const { log, witness1, witness2 } = vectors.keys;
  const key = logKey();
  assert.equal(bytesToHex(key.seed), log.seed_hex);
  assert.equal(formatSigningKey(key), log.skey);
  assert.equal(formatVkey(vkeyOf(key)), log.vkey);
  assert.equal(bytesToHex(vkeyOf(key).publicKey), log.public_hex);
  for (const [witness, expected] of [
    [witnessKey('witness1'), witness1],
    [witnessKey('witness2'), witness2],
  ] as const) {
    assert.equal(formatVkey(vkeyOf(witness)), expected.vkey);
    assert.equal(formatVkey(established(parseVkey(expected.vkey))), expected.vkey);
  }
});

for (const [name, algorithms] of bothAlgorithms) {
  test(`notes (${name})`, { skip }, () => {
    const { signed, text } = vectors.note_plain;
    const opened = established(openNote(utf8(signed), [vkeyOf(logKey())], algorithms));
    assert.equal(opened.text, text);
    const example = vectors.note_from_c2sp_spec_verified_here;
    established(openNote(utf8(example.signed), [established(parseVkey(example.vkey))], algorithms));
  });

  test(`checkpoints (${name})`, { skip }, () => {
    assert.deepEqual(
      vectors.checkpoints.map(({ size }: { size: number }) => size),
      [0, 1, 256, 300],
    );
    for (const { body, signed, size } of vectors.checkpoints) {
      const checkpoint = established(openCheckpoint(utf8(signed), [vkeyOf(logKey())], algorithms));
      assert.deepEqual([checkpoint.size, bytesToHex(checkpoint.root)], [size, vectors.roots[size]]);
      assert.equal(formatCheckpoint(checkpoint), body);
      const { keyId } = vkeyOf(logKey());
      const signature = signEd25519(logKey(), utf8(body));
      assert.equal(formatNote(body, [{ name: logKey().name, keyId, signature }]), signed);
    }
  });

  test(`cosigned checkpoint (${name})`, { skip }, () => {
    const { signed, size, witness1_message, witness1_message_hex, witness1_time, witness2_message, witness2_time } =
      vectors.cosigned_checkpoint;
    const body = signed.slice(0, signed.indexOf('\n\n') + 1);
    assert.equal(new TextDecoder().decode(ed25519CosignatureMessage(witness1_time, utf8(body))), witness1_message);
    assert.equal(bytesToHex(ed25519CosignatureMessage(witness1_time, utf8(body))), witness1_message_hex);
    assert.equal(new TextDecoder().decode(ed25519CosignatureMessage(witness2_time, utf8(body))), witness2_message);
    const keys = [vkeyOf(logKey()), vkeyOf(witnessKey('witness1')), vkeyOf(witnessKey('witness2'))];
    const opened = established(openNote(utf8(signed), keys, algorithms));
    assert.deepEqual(
      opened.verified.map(({ time }) => time),
      [undefined, witness1_time, witness2_time],
    );
    assert.equal(established(parseCheckpoint(opened.text)).size, size);
    const rebuilt = vectors.checkpoints.find((checkpoint: { size: number }) => checkpoint.size === size).signed;
    const lines =
      cosignatureLine(witnessKey('witness1'), witness1_time, body) + cosignatureLine(witnessKey('witness2'), witness2_time, body);
    assert.equal(rebuilt + lines, signed);
  });

  test(`must_reject and must_accept (${name})`, { skip }, () => {
    assert.deepEqual([vectors.must_reject.length, vectors.must_accept.length], [14, 2]);
    for (const { checkpoint, what } of vectors.must_reject) {
      assert.equal(openCheckpoint(utf8(checkpoint), [vkeyOf(logKey())], algorithms).ok, false, what);
    }
    for (const { checkpoint, what } of vectors.must_accept) {
      assert.equal(openCheckpoint(utf8(checkpoint), [vkeyOf(logKey())], algorithms).ok, true, what);
    }
  });

  test(`tlog-proof files (${name})`, { skip }, () => {
    const { file, file_with_extra, leaf, size_1_file_no_hash_lines: one } = vectors.tlog_proof;
    const text = `log ${vectors.keys.log.vkey}\nwitness w1 ${vectors.keys.witness1.vkey}\nwitness w2 ${vectors.keys.witness2.vkey}\n`;
    const both = established(parsePolicy(`${text}group both all w1 w2\nquorum both\n`));
    for (const proofFile of [file, file_with_extra]) {
      const proof = established(parseTlogProof(proofFile));
      assert.equal(formatTlogProof(proof), proofFile);
      const { cosigners } = established(verifyTlogProof(proof, leafHash(utf8(leaf)), both, algorithms));
      assert.deepEqual(
        cosigners.map((cosigner) => cosigner.name),
        ['w1', 'w2'],
      );
      const wrongLeaf = verifyTlogProof(proof, leafHash(utf8('43')), both, algorithms);
      assert.equal(wrongLeaf.ok ? '' : wrongLeaf.code, 'PROOF_MISMATCH');
    }
    const single = established(parseTlogProof(one.file));
    assert.equal(formatTlogProof(single), one.file);
    established(verifyTlogProof(single, leafHash(utf8(one.leaf)), established(parsePolicy(`${text}quorum none\n`)), algorithms));
    const unwitnessed = verifyTlogProof(single, leafHash(utf8(one.leaf)), both, algorithms);
    assert.equal(unwitnessed.ok ? '' : unwitnessed.code, 'QUORUM_NOT_MET');
  });
}

test('witness protocol: requests hold checkpoint and consistency proof, answers are cosignatures', { skip }, () => {
  const protocol = vectors.witness_protocol;
  const origin = vectors.keys.log.name;
  assert.equal(`${sha256Hex(utf8(origin))}/checkpoint`, protocol.monitoring_path_for_this_origin);
  const flat = leafHashes(300);
  for (const name of ['add_checkpoint_0_to_7', 'add_checkpoint_7_to_300', 'add_checkpoint_300_again', 'stale_old_size_after_that']) {
    const { request, response_for_witness1_at_time_1767225600: answer } = protocol[name];
    const headEnd = request.indexOf('\n\n');
    const [oldLine, ...path] = request.slice(0, headEnd).split('\n');
    const note = request.slice(headEnd + 2);
    const checkpoint = established(openCheckpoint(utf8(note), [vkeyOf(logKey())]));
    const oldSize = Number(oldLine.slice('old '.length));
    assert.deepEqual(consistencyPath(flat.subarray(0, checkpoint.size * 32), oldSize).map(encodeBase64), path, name);
    const proof = { oldSize, oldRoot: hexToBytes(vectors.roots[oldSize]), newSize: checkpoint.size, newRoot: checkpoint.root };
    established(verifyConsistency({ ...proof, path: path.map(bytes64) }));
    if (answer === undefined) continue;
    assert.equal(cosignatureLine(witnessKey('witness1'), 1_767_225_600, formatCheckpoint(checkpoint)), answer, name);
  }
});

test('ML-DSA-44 cosignature, verified by node:crypto', { skip }, () => {
  const { name, origin, timestamp, end, message_hex, key_id_hex, public_key_sha256, vkey, signature_line } = vectors.ml_dsa_44_cosignature;
  const key: Vkey = established(parseVkey(vkey));
  assert.equal(sha256Hex(key.publicKey), public_key_sha256);
  assert.equal(keyIdOf(name, 6, key.publicKey).toString(16), key_id_hex);
  const checkpoint: Checkpoint = { origin, size: end, root: hexToBytes(vectors.roots[end]) };
  const message = mlDsa44CosignatureMessage(timestamp, name, checkpoint);
  assert.ok(message && equalBytes(message, hexToBytes(message_hex)));
  const line = signature_line.endsWith('\n') ? signature_line : `${signature_line}\n`;
  const note = utf8(`${formatCheckpoint(checkpoint)}\n${line}`);
  assert.equal(established(openNote(note, [key], nodeAlgorithms)).verified[0]?.time, timestamp);
  const other = utf8(`${formatCheckpoint({ ...checkpoint, size: end + 1 })}\n${line}`);
  const refused = openNote(other, [key], nodeAlgorithms);
  assert.equal(refused.ok ? '' : refused.code, 'NOTE_SIGNATURE_INVALID');
  const unknown = openNote(note, [key], nobleAlgorithms);
  assert.equal(unknown.ok ? '' : unknown.code, 'NOTE_UNSIGNED', 'without the algorithm the key is unknown');
});
