/** Completeness proofs over made-up journals: whatever is hidden, moved or miscounted is found, and what is whole passes. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  ED25519,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  inclusionPath,
  leafHash,
  makeVkey,
  multiProof,
  policyOfLog,
  rootOfLeafHashes,
  sha256Hex,
} from '@airtight/tlog';
import { encodeBatchRecord } from '../batches/batch.ts';
import { compareProducers, countProducers, type ProducerName, producerHashes, producersRootOf } from '../batches/producer-index.ts';
import { decodePublicKey } from '../identity/device-signature.ts';
import { encodeRecord } from '../records/record.ts';
import { type CompletenessJson, type CompletenessProof, formatCompletenessProof, parseCompletenessProof } from './completeness-proof.ts';
import { CLOCK_AHEAD_MAX_MS, CompletenessVerifier } from './verify-completeness.ts';

const FROM = Date.UTC(2026, 10, 22, 8);
const log = generateKeyPairSync('ed25519');
const rawOf = (key: KeyObject): Uint8Array => decodePublicKey(key.export({ format: 'jwk' }).x as string) as Uint8Array;
const LOG = makeVkey('ledger.example', ED25519, rawOf(log.publicKey));
const policy = policyOfLog(LOG);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const flat = (hashes: readonly Uint8Array[]): Uint8Array => Uint8Array.from(hashes.flatMap((one) => [...one]));
const P: ProducerName = { agency: 'bj', dataset: 'air', producer: 's3' };
type Changes = { -readonly [member in keyof CompletenessJson]?: CompletenessJson[member] };

/** A small generator, the same in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Batches of random sizes with records of random producers. */
function journalOf(seed: number) {
  const random = randomOf(seed);
  let [position, prev, at] = [0, null as string | null, FROM - 2 * CLOCK_AHEAD_MAX_MS];
  return Array.from({ length: 6 + random(6) }, (_, seq) => {
    const producers = 1 + random(6);
    const records = Array.from({ length: 1 + random(9) }, (_, i) => {
      const producer = `s${random(producers)}`;
      at += 1000;
      return encodeRecord(
        {
          v: 1,
          agency: 'bj',
          dataset: 'air',
          producer,
          receivedAt: at,
          door: 'mqtt',
          contentType: 'application/json',
          messageId: `seq:${position + i}`,
        },
        utf8(`{"t":${at},"m":{"pm25":${i}}}`),
      );
    });
    const hashes = flat(records.map((record) => leafHash(record)));
    const index = countProducers(records);
    const record = encodeBatchRecord({
      ...{ v: 1, type: 'batch', stream: 'r/a', seq, prev, first: position, count: records.length, producers: producersRootOf(index) },
      ...{ firstAt: at - 1000 * (records.length - 1), lastAt: at, root: Buffer.from(rootOfLeafHashes(hashes)).toString('hex') },
      ...{ tree: 'rfc6962-sha256', commitment: 'plain' },
    });
    const batch = { record, records, hashes, index, first: position, lastAt: at };
    position += records.length;
    prev = sha256Hex(record);
    at += random(3) * 60_000;
    return batch;
  });
}

/** The range in parts of so many batches. */
function partsOf(journal: ReturnType<typeof journalOf>, sizes: readonly number[]): CompletenessProof[] {
  const until = journal.at(-1)?.lastAt ?? 0;
  let from = 0;
  return sizes.map((size) => {
    const before = from;
    from += size;
    // A part is made when the ledger has just its batches: each has a checkpoint of its own.
    const { batches, ...head } = proofOf(journal.slice(0, from), P);
    const part = { ...head, until, batches: batches.slice(before), ...(from < journal.length ? { next: from } : {}) };
    const parsed = parseCompletenessProof(formatCompletenessProof(part));
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.value;
  });
}

function joined(parts: readonly CompletenessProof[]) {
  const verifier = new CompletenessVerifier(policy);
  for (const part of parts) verifier.take(part);
  const { steps, ...verdict } = verifier.verdict();
  return { ...verdict, failing: steps.flatMap(({ step, ok, code, detail }) => (ok ? [] : [`${step} ${code}: ${detail}`])), steps };
}

function proofOf(journal: ReturnType<typeof journalOf>, wanted: ProducerName): CompletenessJson {
  const entries = flat(journal.map(({ record }) => leafHash(record)));
  const text = formatCheckpoint({ origin: LOG.name, size: journal.length, root: rootOfLeafHashes(entries) });
  const signature = new Uint8Array(sign(null, utf8(text), log.privateKey));
  return {
    ...wanted,
    ...{ from: FROM, to: FROM + 3_600_000, until: journal.at(-1)?.lastAt ?? 0 },
    checkpoint: formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]),
    ledger: { index: journal.length - 1, path: inclusionPath(entries, journal.length - 1) },
    batches: journal.map(({ record, records, hashes, index, first }) => {
      const at = index.findIndex((line) => compareProducers(line, wanted) >= 0);
      const isOwn = at >= 0 && compareProducers(index[at] as ProducerName, wanted) === 0;
      const shown = at < 0 ? [index.length - 1] : isOwn || at === 0 ? [at] : [at - 1, at];
      const places = records.flatMap((bytes, place) => (Buffer.from(bytes).includes(`"producer":"${wanted.producer}"`) ? [place] : []));
      return {
        record: encodeBase64(record),
        lines: shown.map((one) => {
          const { agency, dataset, producer, count } = index[one] as ProducerName & { count: number };
          return { index: one, line: [agency, dataset, producer, count] as const };
        }),
        linesPath: multiProof(producerHashes(index), shown).map(encodeBase64),
        ...(places.length === 0 ? {} : { path: multiProof(hashes, places).map(encodeBase64) }),
        records: places.map((place) => ({
          position: first + place,
          leafHash: encodeBase64(hashes.subarray(32 * place, 32 * place + 32)),
          record: encodeBase64(records[place] as Uint8Array),
        })),
      };
    }),
  };
}

function verdictOf(proof: CompletenessJson, changes: Changes = {}) {
  const parsed = parseCompletenessProof(formatCompletenessProof({ ...proof, ...changes }));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const verifier = new CompletenessVerifier(policy);
  const records = verifier.take(parsed.value);
  const verdict = verifier.verdict();
  assert.equal(verdict.records, records.length);
  return { ...verdict, records, failing: verdict.steps.flatMap(({ step, ok, code }) => (ok ? [] : [[step, code]])) };
}

test('over random journals what is whole passes, with every record of the producer, and one without records passes too', () => {
  for (let seed = 1; seed <= 25; seed++) {
    const journal = journalOf(seed);
    const own = journal.flatMap(({ records }) => records).filter((bytes) => Buffer.from(bytes).includes('"producer":"s3"'));
    const { failing, records, withheld } = verdictOf(proofOf(journal, P));
    assert.deepEqual(failing, [], `seed ${seed}`);
    assert.deepEqual(
      records.map(({ record }) => Buffer.from(record).toString()),
      own.map((bytes) => Buffer.from(bytes).toString()),
    );
    assert.equal(withheld.length, 0);
    const nobody = verdictOf(proofOf(journal, { ...P, producer: `s3${seed}` }));
    assert.deepEqual([nobody.failing, nobody.records.length], [[], 0]);
  }
});

test('over random journals each hidden record is found and its batch named', () => {
  let hidden = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const journal = journalOf(seed);
    const proof = proofOf(journal, P);
    for (const [at, batch] of proof.batches.entries()) {
      for (const [i, one] of (batch.records ?? []).entries()) {
        const rest = (batch.records ?? []).toSpliced(i, 1);
        const { hashes, first } = journal[at] as (typeof journal)[number];
        const path = multiProof(
          hashes,
          rest.map(({ position }) => position - first).length === 0 ? [0] : rest.map(({ position }) => position - first),
        );
        const changed = { ...batch, records: rest, path: rest.length === 0 ? [] : path.map(encodeBase64) };
        const { failing, withheld } = verdictOf(proof, { batches: proof.batches.with(at, changed) });
        assert.deepEqual(failing, [['records', 'RECORDS_WITHHELD']]);
        assert.deepEqual(
          withheld.map(({ seq, missing }) => [seq, missing]),
          [[at, 1]],
        );
        assert.ok(one.position >= (withheld[0]?.first ?? 0) && one.position <= (withheld[0]?.last ?? 0));
        hidden++;
      }
    }
  }
  assert.ok(hidden > 50);
});

test('a smaller count, a batch left out, a record of another, a claim of none: each fails by name', () => {
  const journal = journalOf(7);
  const proof = proofOf(journal, P);
  const at = proof.batches.findIndex(({ records = [] }) => records.length > 0);
  const batch = proof.batches[at] as (typeof proof.batches)[number];
  const [own] = batch.lines;
  assert.ok(at > 0 && own !== undefined);
  const lied = { ...batch, lines: [{ ...own, line: [own.line[0], own.line[1], own.line[2], own.line[3] + 1] as const }] };
  assert.deepEqual(verdictOf(proof, { batches: proof.batches.with(at, lied) }).failing[0], ['producers', 'PROOF_MISMATCH']);
  const without = verdictOf(proof, { batches: proof.batches.toSpliced(at, 1) });
  assert.deepEqual(without.failing[0], ['chain', 'BATCH_CHAIN_BROKEN']);
  assert.match(without.steps[0]?.detail ?? '', new RegExp(`batches ${at} to ${at} are missing`));
  const other = verdictOf({ ...proof, producer: 's2' });
  assert.ok(other.failing.length > 0, 'the lines are those of another producer');
  const late = verdictOf(proof, { batches: proof.batches.slice(at), from: FROM - 10 * CLOCK_AHEAD_MAX_MS });
  assert.deepEqual(late.failing, [['range', 'RANGE_NOT_COVERED']]);
  const early = verdictOf(proof, { until: proof.until + 1 });
  assert.deepEqual(early.failing, [['range', 'RANGE_NOT_COVERED']]);
  const changed = Buffer.from(batch.records?.[0]?.record ?? '', 'base64');
  changed[changed.length - 3] = 0x39;
  const records = (batch.records ?? []).with(0, { ...(batch.records ?? [])[0], record: changed.toString('base64') } as never);
  assert.deepEqual(verdictOf(proof, { batches: proof.batches.with(at, { ...batch, records }) }).failing, [['records', 'RECORDS_WITHHELD']]);
});

test('parts join to what the whole proves; a part that is missing, twice, of another question or of another history is named', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const journal = journalOf(seed);
    const sizes = [1, 3, journal.length - 4];
    const parts = partsOf(journal, sizes);
    const [head, middle, tail] = parts as [CompletenessProof, CompletenessProof, CompletenessProof];
    const whole = verdictOf(proofOf(journal, P));
    const { failing, ...verdict } = joined(parts);
    assert.deepEqual(failing, []);
    assert.deepEqual({ ...verdict, records: 0 }, { ...without(whole, 'failing'), records: 0 });
    assert.equal(verdict.records, whole.records.length);
    assert.deepEqual(joined([head, tail]).failing, ['chain BATCH_CHAIN_BROKEN: batches 1 to 3 are missing']);
    assert.deepEqual(joined([head, middle]).failing, ['range RANGE_NOT_COVERED: the part that begins with batch 4 is missing']);
    assert.deepEqual(joined([head]).failing, ['range RANGE_NOT_COVERED: the part that begins with batch 1 is missing']);
    const early = joined([tail].map((part) => ({ ...part, from: 0 })));
    assert.match(early.failing.join(), /^range RANGE_NOT_COVERED: .*the part that ends with batch 3 is missing$/);
    assert.deepEqual(joined([head, middle, middle, tail]).failing, ['chain BATCH_CHAIN_BROKEN: batch 1 does not follow batch 3']);
    assert.match(joined([head, { ...middle, to: middle.to + 1 }, tail]).failing.join(), /^chain .*batch 1 answers another question/);
    const [, , foreign] = partsOf(journalOf(seed + 100).slice(0, journal.length), [1, 3, 2]);
    const other = joined([head, middle, foreign as CompletenessProof]);
    assert.match(other.failing.join(), /chain BATCH_CHAIN_BROKEN: batch 4 does not follow batch 3/);
  }
});

function without<T extends object, K extends keyof T>(object: T, member: K): Omit<T, K> {
  const { [member]: _, ...rest } = object;
  return rest;
}

test('what is no such file is refused, naming the field', () => {
  const good = formatCompletenessProof(proofOf(journalOf(3), P));
  for (const [from, to, field] of [
    ['airtight-completeness@1', 'airtight-completeness@2', 'format'],
    ['"until":', '"until":-', 'until'],
    ['"linesPath":[', '"linesPath":["AA==",', 'linesPath'],
    ['"agency":', '"more":1,"agency":', 'more'],
  ] as const) {
    const parsed = parseCompletenessProof(good.replace(from, to));
    assert.ok(!parsed.ok && parsed.code === 'BUNDLE_MALFORMED' && parsed.detail.includes(field), JSON.stringify(parsed));
  }
});
