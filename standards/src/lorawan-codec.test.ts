import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecFault, decodeFrame, type LorawanCodec } from './lorawan-codec.ts';

const isProperty = (name: string): boolean => /^[a-z]\w*$/.test(name);
const tlv: LorawanCodec = {
  form: 'tlv',
  fPorts: [2],
  entries: [
    { tag: '0167', bytes: 2, values: [{ property: 'temp', as: 'i16le', divide: 10, unit: 'Cel' }] },
    { tag: '02', bytes: 3, values: [{ property: 'count', at: 0, as: 'u24be' }] },
    { tag: '03', bytes: 4, values: [] },
  ],
};
const words: LorawanCodec = {
  form: 'flag-words',
  begins: '02',
  header: { bytes: 3, values: [{ property: 'serial', at: 1, as: 'u16be' }] },
  groups: [
    { bytes: 2, values: [{ property: 'volt', as: 'u16be', divide: 1000 }] },
    { bytes: 4, values: [{ property: 'ratio', as: 'f32le' }] },
  ],
};
const decoded = (codec: LorawanCodec, fPort: number, hex: string): unknown => {
  const outcome = decodeFrame(codec, fPort, Uint8Array.fromHex(hex));
  return outcome.ok ? Object.fromEntries(outcome.values.map(({ property, result }) => [property, result])) : outcome.detail;
};

test('channel and type before each value', () => {
  assert.deepEqual(decoded(tlv, 2, '0167ecff0200010203deadbeef'), { temp: -2, count: 258 });
  assert.deepEqual(decodeFrame(tlv, 2, Uint8Array.fromHex('01670001')), {
    ok: true,
    values: [{ property: 'temp', result: 25.6, unit: 'Cel' }],
  });
  assert.deepEqual(decoded(tlv, 2, ''), {});
});

test('a word of flags, and a group for each that is set', () => {
  assert.deepEqual(decoded(words, 1, '021b5000010c25'), { serial: 6992, volt: 3.109 });
  assert.deepEqual(decoded(words, 1, '021b500002 0000c03f'.replace(' ', '')), { serial: 6992, ratio: 1.5 });
});

test('what is not understood is told, and nothing of it is taken', () => {
  const cases: readonly (readonly [LorawanCodec, number, string, RegExp])[] = [
    [tlv, 3, '01670001', /port 3/],
    [tlv, 2, '01670001ff', /byte 4: ff is not in the codec/],
    [tlv, 2, '016700', /breaks off/],
    [tlv, 2, '0167000101670001', /temp stands twice/],
    [words, 1, '021b50', /no header/],
    [words, 1, '031b5000010c25', /begin with 02/],
    [words, 1, '021b5000040c25', /flag 2/],
    [words, 1, '021b5000010c', /breaks off/],
    [words, 1, '021b5000010c2500', /1 bytes behind/],
  ];
  for (const [codec, fPort, hex, wanted] of cases) assert.match(String(decoded(codec, fPort, hex)), wanted, hex);
});

test('a table that somebody wrote is checked', () => {
  assert.equal(codecFault(tlv, isProperty), undefined);
  assert.equal(codecFault(words, isProperty), undefined);
  const value = { property: 'x', as: 'u8' };
  const entry = { tag: '01', bytes: 1, values: [value] };
  const cases: readonly unknown[] = [
    null,
    { form: 'script' },
    { form: 'tlv', entries: [] },
    { form: 'tlv', entries: [{ ...entry, tag: '1' }] },
    { form: 'tlv', entries: [{ ...entry, tag: '' }] },
    { form: 'tlv', entries: [entry, { ...entry, tag: '0102' }] },
    { form: 'tlv', entries: [{ ...entry, bytes: -1 }] },
    { form: 'tlv', entries: [{ ...entry, values: [{ ...value, property: '1x' }] }] },
    { form: 'tlv', entries: [{ ...entry, values: [{ ...value, as: 'u9' }] }] },
    { form: 'tlv', entries: [{ ...entry, values: [{ ...value, at: 1 }] }] },
    { form: 'tlv', entries: [{ ...entry, values: [{ ...value, divide: 0 }] }] },
    { form: 'tlv', entries: [{ ...entry, values: [{ ...value, add: 'x' }] }] },
    { form: 'tlv', entries: [entry], fPorts: [0] },
    { ...words, begins: '02020202' },
    { ...words, header: undefined },
    { ...words, groups: Array.from({ length: 17 }, () => ({ bytes: 0, values: [] })) },
  ];
  for (const wrong of cases) assert.equal(typeof codecFault(wrong, isProperty), 'string', JSON.stringify(wrong));
});
