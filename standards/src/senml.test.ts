import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSenmlPack, resolveSenml, SENML_NAME_MAX_LENGTH, SENML_RECORDS_MAX, type SenmlRecord } from './senml.ts';

const EXAMPLES = join(import.meta.dirname, '../../../shared/data/payload-senml');
/** "Now" of the published resolved examples. */
const NOW_S = 1_498_780_179;

const resolved = (pack: unknown, nowS = NOW_S): readonly SenmlRecord[] => {
  const outcome = resolveSenml(pack, nowS);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.records;
};
const reasonOf = (pack: unknown): string => {
  const outcome = resolveSenml(pack, NOW_S);
  return outcome.ok ? 'resolved' : outcome.reason;
};

test('the published examples resolve exactly', (t) => {
  if (!existsSync(EXAMPLES)) return t.skip('../shared/data/payload-senml is not there');
  const json = (file: string): unknown => JSON.parse(readFileSync(join(EXAMPLES, file), 'utf8'));
  const pairs = readdirSync(EXAMPLES).filter((file) => file.endsWith('.resolved.json'));
  assert.ok(pairs.length >= 6, `${pairs.length} pairs`);
  for (const file of pairs) {
    const pack = json(file.replace('.resolved', ''));
    assert.ok(isSenmlPack(pack), file);
    assert.deepEqual(resolved(pack), json(file), file);
    assert.deepEqual(resolved(json(file)), json(file), `${file}: a resolved pack resolves to itself`);
  }
});

test('base name, time and unit act until they are replaced', () => {
  const records = resolved([
    { bn: 'urn:dev:ow:10e2073a0108006:', bt: 1276020076.001, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
    { n: 'current', t: -5, v: 1.2 },
    { bn: 'b/', bt: 1320067464, bu: '%RH', n: 'x', v: 20 },
    { n: 'x', u: '%EL', t: 150, v: 98 },
  ]);
  assert.deepEqual(records, [
    { n: 'urn:dev:ow:10e2073a0108006:voltage', u: 'V', t: 1276020076.001, v: 120.1 },
    { n: 'urn:dev:ow:10e2073a0108006:current', u: 'A', t: 1276020071.001, v: 1.2 },
    { n: 'b/x', u: '%RH', t: 1320067464, v: 20 },
    { n: 'b/x', u: '%EL', t: 1320067614, v: 98 },
  ]);
});

test('the four kinds of value; no time means now', () => {
  const records = resolved([
    { bn: 'urn:dev:ow:10e2073a01080063:', n: 'temp', u: 'Cel', v: 23.1 },
    { n: 'label', vs: 'Machine Room' },
    { n: 'open', vb: false },
    { n: 'nfv-reader', vd: 'aGkgCg' },
  ]);
  assert.deepEqual(
    records.map(({ v, vs, vb, vd, t }) => [v ?? vs ?? vb ?? vd, t]),
    [23.1, 'Machine Room', false, 'aGkgCg'].map((value) => [value, NOW_S]),
  );
});

test('base value and base sum are added; a sum may stand without a value; update time is kept', () => {
  assert.deepEqual(resolved([{ bn: 'a', bv: 20, bs: 100, v: 1, ut: 60 }, { s: 7 }, { bs: 0, vs: 'x' }]), [
    { n: 'a', t: NOW_S, v: 21, s: 100, ut: 60 },
    { n: 'a', t: NOW_S, s: 107 },
    { n: 'a', t: NOW_S, vs: 'x', s: 0 },
  ]);
  assert.deepEqual(resolved([{ n: 'a', s: 3 }]), [{ n: 'a', t: NOW_S, s: 3 }]);
});

test('whether a time is relative is decided on the sum of base time and time', () => {
  const outcome = resolveSenml(
    [
      { bn: 'a', t: -10.5, v: 1 },
      { t: 2 ** 28 - 1, v: 1 },
      { t: 2 ** 28, v: 1 },
      { bt: 2 ** 28, t: -1, v: 1 },
      { bt: 2 ** 28 - 1, t: 1, v: 1 },
    ],
    NOW_S,
  );
  assert.ok(outcome.ok);
  assert.deepEqual(outcome.relative, [true, true, false, true, false]);
  assert.deepEqual(
    outcome.records.map(({ t }) => t),
    [NOW_S - 10.5, NOW_S + 2 ** 28 - 1, 2 ** 28, NOW_S + 2 ** 28 - 1, 2 ** 28],
  );
});

test('versions up to 10, and 26 for secondary units, one in a pack', () => {
  const versionOf = (pack: unknown): unknown => {
    const outcome = resolveSenml(pack, NOW_S);
    return outcome.ok ? outcome.version : outcome.reason;
  };
  assert.equal(versionOf([{ n: 'a', v: 1 }]), 10);
  assert.equal(versionOf([{ bver: 5, n: 'a', v: 1 }]), 5);
  assert.equal(versionOf([{ bver: 26, n: 'a', u: 'ppm', v: 1 }]), 26);
  const same = { bver: 10, n: 'a', v: 1 };
  assert.equal(versionOf([same, same]), 10);
  for (const bver of [0, -1, 11, 25, 27, 42, 9.5, '10', null]) assert.equal(versionOf([{ bver, n: 'a', v: 1 }]), 'version', String(bver));
  assert.equal(versionOf([same, { bver: 5, n: 'a', v: 1 }]), 'version');
  assert.equal(
    versionOf([
      { n: 'a', v: 1 },
      { bver: 26, v: 1 },
    ]),
    'version',
    'the first record said 10 by saying nothing',
  );
});

test('what cannot be resolved has its reason', () => {
  const cases: [unknown, string][] = [
    [[], 'pack'],
    [{ n: 'a', v: 1 }, 'pack'],
    [[null], 'pack'],
    [[[{ n: 'a', v: 1 }]], 'pack'],
    [Array.from({ length: SENML_RECORDS_MAX + 1 }, () => ({ n: 'a', v: 1 })), 'pack'],
    [[{ n: 'a' }], 'value'],
    [[{ n: 'a', bv: 1 }], 'value'],
    [[{ n: 'a', v: 1, vs: 'x' }], 'value'],
    [[{ n: 'a', v: 1, vs: 'x', s: 1 }], 'value'],
    [[{ n: 'a', vd: 'aGkgCg==' }], 'value'],
    [[{ n: 'a', vd: 'aGkgC' }], 'value'],
    [[{ v: 1 }], 'name'],
    [[{ n: '-a', v: 1 }], 'name'],
    [[{ n: 'a b', v: 1 }], 'name'],
    [[{ n: '温度', v: 1 }], 'name'],
    [[{ n: 'a\n', v: 1 }], 'name'],
    [[{ bn: 'a'.repeat(SENML_NAME_MAX_LENGTH), n: 'b', v: 1 }], 'name'],
    [[{ n: 'a', u: '', v: 1 }], 'unit'],
    [[{ n: 'a', bu: 'x'.repeat(33), v: 1 }], 'unit'],
    [[{ n: 'a', v: '1' }], 'type'],
    [[{ n: 1, v: 1 }], 'type'],
    [[{ n: 'a', vb: 1 }], 'type'],
    [[{ n: 'a', v: 1, t: null }], 'type'],
    [JSON.parse('[{"n":"a","v":1e999}]'), 'number'],
    [[{ n: 'a', bv: 1.7e308, v: 1.7e308 }], 'number'],
    [[{ n: 'a', v: 1, must_: 1 }], 'label'],
    [[{ n: 'a', v: 1, may: 1, m: {} }], 'resolved'],
  ];
  for (const [pack, reason] of cases) assert.equal(reasonOf(pack), reason, JSON.stringify(pack).slice(0, 80));
});

test('packs are recognised by their labels', () => {
  for (const pack of [[{ n: 'a', v: 1 }], [{ bn: 'a' }], [{ vb: true }]]) assert.ok(isSenmlPack(pack));
  for (const other of [[], [{}], [{ t: 1 }], [{ t: 1, m: { a: 1 } }], { n: 'a', v: 1 }, [null], ['v'], null, 7])
    assert.ok(!isSenmlPack(other));
});

/** xorshift32: reproducible without a library. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test('no input throws, and what is resolved keeps the rules (30,000 mutated packs)', () => {
  const next = random(20261122);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
  const labels = ['bn', 'bt', 'bu', 'bv', 'bs', 'bver', 'n', 'u', 'v', 'vs', 'vb', 'vd', 's', 't', 'ut', 'x', 'x_', '__proto__'];
  const values = [
    'null',
    '1',
    '-7',
    '1e308',
    '1e999',
    '"a"',
    '"aGkgCg"',
    '""',
    '"é"',
    'true',
    '[]',
    '{}',
    '10',
    '26',
    '268435456',
    '"\\ud800"',
  ];
  const counts = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const pack = Array.from({ length: 1 + Math.floor(next() * 4) }, (_, at) => {
      const fields = ['"bn":"urn:a:"', `"n":"b${at}"`, `"v":${at}`, `"t":${-at}`].filter(() => next() < 0.9);
      while (next() < 0.4) fields.push(`"${pick(labels)}":${pick(values)}`);
      return next() < 0.02 ? pick(values) : `{${fields.join()}}`;
    });
    const outcome = resolveSenml(JSON.parse(`[${pack.join()}]`), NOW_S);
    const key = outcome.ok ? 'resolved' : outcome.reason;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!outcome.ok) continue;
    assert.equal(outcome.records.length, pack.length);
    for (const { n, t, v, vs, vb, vd, s } of outcome.records) {
      assert.match(n, /^[A-Za-z0-9][\w\-:./]*$/);
      assert.ok(Number.isFinite(t));
      assert.ok([v, vs, vb, vd].filter((value) => value !== undefined).length === 1 || s !== undefined);
    }
  }
  for (const key of ['resolved', 'pack', 'type', 'number', 'label', 'version', 'name', 'unit', 'value']) {
    assert.ok((counts.get(key) ?? 0) > 20, `${key}: ${counts.get(key)}`);
  }
});
