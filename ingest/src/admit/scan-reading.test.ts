import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatasetDefinition, messageIdOf, parseReadings, rulesOf } from '@airtight/protocol';
import { admitPayload } from './admission.ts';
import { NOT_PLAIN, scanReading } from './scan-reading.ts';

const PLAIN = [
  '{"t":1735689600000,"m":{"pm25":35.4}}',
  '{"seq":17,"t":1735689600000,"m":{"pm25":35.4,"pm10":{"v":80,"u":"ug/m3","q":"N"},"no2":{"v":-0.5,"u":"ug/m3"},"o3":{"v":1}}}',
  '{"id":"uci-Dongsi-1","t":0,"m":{"wd_x":0}}',
  ' { "m" : { "a1" : 1 , "b" : { "v" : 2.50 , "q" : "" } } , "t" : 12 , "fw" : "2.1.7" , "bat" : 3.7 } ',
];
const NOT = [
  '[{"t":1,"m":{"a":1}}]',
  '[{"bn":"urn:dev:ow:1:","n":"temp","u":"Cel","v":21.5}]',
  '{"n":"temp","u":"Cel","v":21.5}',
  '{"t":"2025-01-01T00:00:00Z","m":{"a":1}}',
  '{"t":1,"m":{"a":1e3}}',
  '{"t":1,"m":{"a":"text"}}',
  '{"t":1,"m":{"a":true}}',
  '{"t":1,"m":{}}',
  '{"t":1,"t":2,"m":{"a":1}}',
  '{"id":"\\u0041","t":1,"m":{"a":1}}',
  '{"id":"","t":1,"m":{"a":1}}',
  '{"id":"北京","t":1,"m":{"a":1}}',
  '{"seq":-1,"t":1,"m":{"a":1}}',
  '{"seq":01,"t":1,"m":{"a":1}}',
  '{"seq":99999999999999999,"t":1,"m":{"a":1}}',
  '{"t":1,"m":{"a":01}}',
  '{"t":1,"m":{"a":1.}}',
  '{"t":1,"m":{"a":NaN}}',
  '{"t":1,"m":{"1a":1}}',
  '{"t":1,"m":{"a":{"v":1,"u":""}}}',
  '{"t":1,"m":{"a":1}}}',
  '{"t":1,"m":{"a":1}',
  '',
  'null',
];

test('plain readings are accepted with the identity the parser finds', () => {
  for (const text of PLAIN) {
    const parsed = parseReadings(text, 0);
    assert.ok(parsed.ok, text);
    assert.equal(scanReading(Buffer.from(text)), messageIdOf(parsed.value), text);
  }
});

test('what is not plain is left to the parser', () => {
  for (const text of NOT) assert.equal(scanReading(Buffer.from(text)), NOT_PLAIN, text);
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

test('whatever the scan accepts, the parser accepts with the same identity (200,000 mutated payloads)', () => {
  const next = random(20261122);
  const pieces = Buffer.from('{}[]":,.-+eE0123456789 tmvuqidseq\\\u00e9truefalsn');
  let accepted = 0;
  for (let i = 0; i < 200_000; i++) {
    const bytes = [...Buffer.from(PLAIN[Math.floor(next() * PLAIN.length)] as string)];
    for (let mutations = 1 + Math.floor(next() * 3); mutations > 0; mutations--) {
      const at = Math.floor(next() * bytes.length);
      const piece = pieces[Math.floor(next() * pieces.length)] as number;
      bytes.splice(at, next() < 0.6 ? 1 : 0, ...(next() < 0.7 ? [piece] : []));
    }
    const payload = Buffer.from(bytes);
    const scanned = scanReading(payload);
    if (scanned === NOT_PLAIN) continue;
    accepted++;
    const parsed = parseReadings(payload.toString('utf8'), 0);
    assert.ok(parsed.ok, payload.toString());
    assert.equal(scanned, messageIdOf(parsed.value), payload.toString());
  }
  assert.ok(accepted > 5000, `${accepted} mutated payloads were still plain`);
});

test('what the dataset’s rules demand is kept by scan and parser alike', () => {
  const title = { zh: '', en: '' };
  const properties = { pm25: { title, unit: 'ug/m3' }, o3: { title, unit: 'ug/m3', molarMass: 47.9982 }, no2: { title, unit: 'ug/m3' } };
  const definition: DatasetDefinition = {
    ...{ type: 'dataset', dataset: 'air', title, cadenceMs: 1, properties, referenceState: '298.15K' },
    clock: { refuseBeforeMs: 1000 },
  };
  const admit = (text: string) => admitPayload(Buffer.from(text), { contentType: 'application/json', receivedAt: 0, definition });
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['{"t":1000,"m":{"pm25":{"v":1,"u":"mg/m3"},"x":{"v":1,"u":"what"}}}', undefined],
    ['{"t":1000,"m":{"o3":{"v":1,"u":"ppb","q":"N"}}}', undefined],
    ['{"t":999,"m":{"pm25":1}}', 'TIME_TOO_EARLY'],
    ['{"t":1000,"m":{"pm25":{"v":1,"u":"what"}}}', 'UNIT_UNKNOWN'],
    ['{"t":1000,"m":{"no2":{"v":1,"u":"ppb"}}}', 'UNIT_INCOMPATIBLE'],
    ['{"t":1000,"m":{"o3":{"v":1,"u":"Cel","q":"N"}}}', 'UNIT_INCOMPATIBLE'],
  ];
  for (const [text, code] of cases) {
    const admitted = admit(text);
    assert.equal(admitted.ok ? undefined : admitted.code, code, text);
    assert.equal(scanReading(Buffer.from(text), rulesOf(definition)) === NOT_PLAIN, code !== undefined, text);
  }
  assert.equal(scanReading(Buffer.from('{"t":0,"m":{"pm25":{"v":1,"u":"what"}}}')), undefined, 'without a definition nothing is demanded');
});

test('a pair of property and unit is never taken for another one that was taken before', () => {
  const letters = 'abcd';
  const word = (seed: number, length: number) => Array.from({ length }, (_, i) => letters[(seed >> (2 * i)) & 3]).join('');
  const taken = new Set<string>();
  const rules = { earliest: 0, takesUnit: (property: string, unit: string) => (property.length * 7 + unit.charCodeAt(0)) % 3 === 0 };
  for (let i = 0; i < 20_000; i++) {
    const [property, unit] = [word(i * 2_654_435, 1 + (i % 4)), word(i * 40_503, 1 + (i % 3))];
    const isTaken = scanReading(Buffer.from(`{"t":1,"m":{"${property}":{"v":1,"u":"${unit}"}}}`), rules) !== NOT_PLAIN;
    assert.equal(isTaken, rules.takesUnit(property, unit), `${property} ${unit}`);
    if (isTaken) taken.add(`${property} ${unit}`);
  }
  assert.ok(taken.size > 256, `${taken.size} pairs: more than there are places`);
});
