/** Proof sets: many records under one checkpoint say what as many single bundles say, and no changed byte goes unnoticed. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import {
  ED25519,
  formatCheckpoint,
  formatNote,
  formatProofSet,
  inclusionPath,
  leafHash,
  makeVkey,
  multiProof,
  type Policy,
  type ProofBundle,
  type ProofSet,
  parseProofSet,
  policyOfLog,
  rootOfLeafHashes,
  type SetBatch,
  type SignatureAlgorithms,
  sha256FromLatin1,
  verifyBundle,
  verifyProofSet,
} from './index.ts';

const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
const utf8 = (text: string) => new TextEncoder().encode(text);
const seed = new Uint8Array(32).fill(1);
const LOG = makeVkey('log.example', ED25519, ed25519.getPublicKey(seed));
const TRUSTED: Policy = policyOfLog(LOG);
const flat = (leaves: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(leaves.map((leaf) => leafHash(leaf, sha))));

/** A signature of the log is the same each time: checked once, remembered by its content. */
const known = new Map<string, boolean>();
const algorithms: SignatureAlgorithms = {
  ed25519(publicKey, message, signature) {
    const key = [publicKey, message, signature].map(bytesToHex).join();
    const verdict = known.get(key) ?? ed25519.verify(signature, message, publicKey, { zip215: false });
    known.set(key, verdict);
    return verdict;
  },
};

interface Log {
  readonly batches: readonly { readonly records: readonly Uint8Array[]; readonly first: number; readonly bytes: Uint8Array }[];
  readonly entries: Uint8Array;
  readonly checkpoint: string;
}

/** A ledger with batches of these sizes, each between two foreign entries. Batch b has index 2b + 1. */
function makeLog(sizes: readonly number[]): Log {
  let first = 100;
  const batches = sizes.map((size) => {
    const records = Array.from({ length: size }, (_, i) => utf8(`{"v":1,"producer":"st-1"}\n{"t":${first + i},"m":{"pm25":35.${i}}}`));
    const root = bytesToHex(rootOfLeafHashes(flat(records), sha));
    const bytes = utf8(JSON.stringify({ commitment: 'plain', count: size, first, root, tree: 'rfc6962-sha256' }));
    const batch = { records, first, bytes };
    first += size;
    return batch;
  });
  const entries = flat([...batches.flatMap(({ bytes }, at) => [utf8(`other ${at}`), bytes]), utf8('last')]);
  const text = formatCheckpoint({ origin: LOG.name, size: entries.length / 32, root: rootOfLeafHashes(entries, sha) });
  const signature = ed25519.sign(utf8(text), seed);
  return { batches, entries, checkpoint: formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]) };
}

/** The set of the records at these places: for each batch a list of places, empty: not in the set. */
function setOf({ batches, entries, checkpoint }: Log, places: readonly (readonly number[])[]): ProofSet {
  const chosen = batches.flatMap(({ records, first, bytes }, at): SetBatch[] => {
    const here = places[at] ?? [];
    if (here.length === 0) return [];
    const path = multiProof(flat(records), here, sha);
    const items = here.map((place) => records[place] as Uint8Array);
    return [
      {
        ...{ record: bytes, index: 2 * at + 1, entryHash: leafHash(bytes, sha), path },
        records: items.map((record, i) => ({ position: first + (here[i] as number), leafHash: leafHash(record, sha), record })),
      },
    ];
  });
  const indexes = chosen.map(({ index }) => index);
  return { checkpoint, ledger: multiProof(entries, indexes, sha), batches: chosen };
}

/** Position and failed steps of every record that fails. */
function failures(set: ProofSet, policy = TRUSTED): string {
  const verdict = verifyProofSet(set, policy, algorithms, sha);
  assert.equal(verdict.ok, verdict.records.every(({ faults }) => faults.length === 0) && verdict.records.length > 0);
  return verdict.records
    .filter(({ faults }) => faults.length > 0)
    .map(({ position, faults }) => `${position}: ${faults.map(({ step, code }) => `${step} ${code}`).join(', ')}`)
    .join('; ');
}

const LOG_OF_THREE = makeLog([11, 1, 6]);
/** Positions 102, 105, 110; 111; 113, 114. */
const SET = setOf(LOG_OF_THREE, [[2, 5, 10], [0], [1, 2]]);
const withBatch = (at: number, change: (batch: SetBatch) => Partial<SetBatch>): ProofSet => ({
  ...SET,
  batches: SET.batches.map((batch, i) => (i === at ? { ...batch, ...change(batch) } : batch)),
});
const replaceIn = (bytes: Uint8Array, from: string, to: string) => utf8(new TextDecoder().decode(bytes).replace(from, to));

test('an untouched set proves every record, with noble as with OpenSSL, and reads back as written', () => {
  const verdict = verifyProofSet(SET, TRUSTED);
  assert.equal(verdict.ok, true, JSON.stringify(verdict.shared));
  assert.deepEqual(
    verdict.records.map(({ position }) => position),
    [102, 105, 110, 111, 113, 114],
  );
  assert.deepEqual(verdict, verifyProofSet(SET, TRUSTED, algorithms, sha));
  assert.equal(verdict.checkpoint?.size, 7);
  for (const set of [SET, { ...SET, policy: 'ab'.repeat(32) }])
    assert.deepEqual(parseProofSet(formatProofSet(set)), { ok: true, value: set });
});

test('exactly what is changed fails, at its step', () => {
  const all = (fault: string) => SET.batches.flatMap(({ records }) => records.map(({ position }) => `${position}: ${fault}`)).join('; ');
  const changedRecord = withBatch(0, ({ records }) => ({
    records: records.map((one, i) => (i === 1 ? { ...one, record: replaceIn(one.record, '35.5', '34.5') } : one)),
  }));
  const noHeader = withBatch(1, ({ records }) => ({ records: records.map((one) => ({ ...one, record: utf8('no header line') })) }));
  const withPath = withBatch(2, ({ path }) => ({ path: path.map((node, i) => (i === 0 ? leafHash(node, sha) : node)) }));
  const moved = withBatch(1, ({ records }) => ({ records: records.map((one) => ({ ...one, position: one.position + 1 })) }));
  const cases: readonly (readonly [string, ProofSet, Policy?])[] = [
    ['105: batch PROOF_MISMATCH', changedRecord],
    ['111: record RECORD_MALFORMED, batch PROOF_MISMATCH', noHeader],
    ['113: batch PROOF_MISMATCH; 114: batch PROOF_MISMATCH', withPath],
    ['112: batch PROOF_MALFORMED', moved],
    ['111: ledger PROOF_MISMATCH', withBatch(1, ({ record }) => ({ record: replaceIn(record, '"plain"', '"plain" ') }))],
    ['111: batch BATCH_MALFORMED, ledger PROOF_MISMATCH', withBatch(1, () => ({ record: utf8('[]') }))],
    ['111: batch PROOF_MALFORMED, ledger PROOF_MISMATCH', withBatch(1, ({ record }) => ({ record: replaceIn(record, '111', '9') }))],
    [all('ledger PROOF_MISMATCH'), { ...SET, ledger: SET.ledger.map((node) => leafHash(node, sha)) }],
    [all('ledger PROOF_MALFORMED'), { ...SET, ledger: SET.ledger.slice(1) }],
    [all('checkpoint NOTE_UNSIGNED'), SET, { ...TRUSTED, logs: [] }],
    [all('ledger NOTE_MALFORMED, checkpoint NOTE_MALFORMED, witnesses NOTE_MALFORMED'), { ...SET, checkpoint: 'nothing' }],
  ];
  for (const [expected, changed, policy] of cases) assert.equal(failures(changed, policy), expected);
});

/** The same record as a bundle of its own. */
function bundleOf(log: Log, batch: number, place: number): ProofBundle {
  const { records, first, bytes } = log.batches[batch] as Log['batches'][number];
  const index = 2 * batch + 1;
  return {
    record: records[place] as Uint8Array,
    position: first + place,
    batch: { record: bytes, index: place, path: inclusionPath(flat(records), place, sha) },
    ledger: { index, path: inclusionPath(log.entries, index, sha) },
    checkpoint: log.checkpoint,
  };
}

test('random ledgers and subsets: every record as its single bundle, and a changed one alone fails', () => {
  let state = 5;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 40; round++) {
    const log = makeLog(Array.from({ length: 1 + random(12) }, () => 1 + random(40)));
    const places = log.batches.map(({ records }) => records.flatMap((_, place) => (random(4) === 0 ? [place] : [])));
    if (places.every((here) => here.length === 0)) continue;
    const set = setOf(log, places);
    const verdict = verifyProofSet(set, TRUSTED, algorithms, sha);
    const singles = places.flatMap((here, batch) => here.map((place) => bundleOf(log, batch, place)));
    assert.deepEqual(
      verdict.records.map(({ position, faults }) => [position, faults.length === 0]),
      singles.map((bundle) => [bundle.position, verifyBundle(bundle, TRUSTED, algorithms).ok]),
    );
    assert.equal(verdict.ok, true);
    const victim = random(singles.length);
    const position = singles[victim]?.position as number;
    const changed = {
      ...set,
      batches: set.batches.map((batch) => ({
        ...batch,
        records: batch.records.map((one) => (one.position === position ? { ...one, record: utf8('{"v":1}\nx') } : one)),
      })),
    };
    assert.equal(failures(changed), `${position}: batch PROOF_MISMATCH`);
  }
});

test('a flipped bit in any byte of a file is refused, or changes nothing that is proven', () => {
  const file = utf8(formatProofSet({ ...SET, policy: 'ab'.repeat(32) }));
  /** What the file proves, undefined when it is refused. */
  const proven = (bytes: Uint8Array): unknown => {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return undefined;
    }
    const set = parseProofSet(text);
    if (!set.ok) return undefined;
    const verdict = verifyProofSet(set.value, TRUSTED, algorithms, sha);
    return verdict.ok ? { records: verdict.records, checkpoint: verdict.checkpoint } : undefined;
  };
  const untouched = proven(file);
  assert.ok(untouched);
  let accepted = 0;
  for (let at = 0; at < file.length; at++) {
    for (const bit of new Set([0, at % 8])) {
      const flipped = file.slice();
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      const outcome = proven(flipped);
      if (outcome === undefined) continue;
      accepted++;
      assert.deepEqual(outcome, untouched, `bit ${bit} of byte ${at}`);
      const around = new TextDecoder().decode(file.subarray(0, at));
      assert.ok(around.endsWith('b') || /"policy":"[ab]*$/.test(around), `only the fingerprint may differ, not byte ${at}`);
    }
  }
  assert.ok(accepted > 0 && accepted <= 2 * 64);
});

test('malformed sets name the field', () => {
  const json = JSON.parse(formatProofSet(SET));
  const detail = (change: object): string => {
    const parsed = parseProofSet(JSON.stringify({ ...json, ...change }));
    return parsed.ok ? 'accepted' : `${parsed.code} ${parsed.detail}`;
  };
  const [first, second, third] = json.batches;
  assert.equal(detail({}), 'accepted');
  assert.match(detail({ more: 1 }), /^BUNDLE_MALFORMED set: unknown key "more"/);
  assert.match(detail({ format: 'airtight-proof@1' }), /format/);
  assert.match(detail({ policy: 'AB' }), /policy/);
  assert.match(detail({ checkpoint: 1 }), /checkpoint/);
  assert.match(detail({ ledger: {} }), /ledger: not a list/);
  assert.match(detail({ ledger: Array(3 * 63 + 1).fill(first.entryHash) }), /ledger: not a list of at most 189/);
  assert.match(detail({ batches: [] }), /batches: not a list of 1 to/);
  assert.match(detail({ batches: [second, first] }), /batches: not in ascending order/);
  assert.match(detail({ batches: [first, first] }), /batches: not in ascending order/);
  assert.match(detail({ batches: [first, { ...third, records: first.records }] }), /a position stands there twice/);
  assert.match(detail({ batches: [{ ...first, records: [...first.records].reverse() }] }), /batches\[0\]\.records: not in ascending order/);
  assert.match(detail({ batches: [{ ...first, records: [] }] }), /batches\[0\]\.records: not a list of 1 to/);
  assert.match(detail({ batches: [{ ...first, entryHash: 'AAAA' }] }), /batches\[0\]\.entryHash: 3 bytes/);
  assert.match(detail({ batches: [{ ...first, records: [{ ...first.records[0], record: 'AB==' }] }] }), /records\[0\]\.record: not base64/);
  assert.match(detail({ batches: Array(20_001).fill(0) }), /batches: not a list of 1 to 20000/);
  assert.match(parseProofSet('{').ok ? '' : 'refused', /refused/);
});
