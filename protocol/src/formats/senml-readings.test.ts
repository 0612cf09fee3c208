import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READINGS_MAX } from '../records/measurement.ts';
import { messageIdOf, parseReadings, type Reading } from '../records/reading.ts';

const RECEIVED_AT = 1_735_689_600_123;

const readingsOf = (pack: unknown, receivedAt = RECEIVED_AT): readonly Reading[] => {
  const outcome = parseReadings(JSON.stringify(pack), receivedAt);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.value;
};
const codeOf = (pack: unknown): string => {
  const outcome = parseReadings(typeof pack === 'string' ? pack : JSON.stringify(pack), RECEIVED_AT);
  return outcome.ok ? 'accepted' : outcome.code;
};

test('records of one time are one reading; the end of a name is the property; units stay as written', () => {
  const readings = readingsOf([
    { bn: 'urn:dev:ow:10e2073a01080063:', bt: 1320067464.25, n: 'temp', u: 'Cel', v: 21.2, ut: 600 },
    { n: 'temp', u: 'Cel', t: 10, v: 21.3, s: 5 },
    { n: 'humidity', u: '%RH', v: 60 },
    { n: 'site/door', vb: false },
    { n: 'site/state', vs: 'ok', t: 10 },
  ]);
  assert.deepEqual(readings, [
    {
      time: 1320067464250,
      measurements: [
        { property: 'temp', result: 21.2, unit: 'Cel' },
        { property: 'humidity', result: 60, unit: '%RH' },
        { property: 'door', result: false },
      ],
    },
    {
      time: 1320067474250,
      measurements: [
        { property: 'temp', result: 21.3, unit: 'Cel' },
        { property: 'state', result: 'ok' },
      ],
    },
  ]);
  assert.equal(messageIdOf(readings), undefined, 'the content is the identity');
});

test('relative times refer to the receipt and say so', () => {
  const pack = [
    { n: 'temp', v: 21.5 },
    { n: 'temp', t: -60, v: 21.4 },
    { n: 'temp', t: 1320067464, v: 21.3 },
  ];
  const timesAt = (receivedAt: number): unknown => readingsOf(pack, receivedAt).map(({ time, relativeTime }) => [time, relativeTime]);
  assert.deepEqual(timesAt(RECEIVED_AT), [
    [RECEIVED_AT, true],
    [RECEIVED_AT - 60_000, true],
    [1320067464000, undefined],
  ]);
  assert.deepEqual(timesAt(RECEIVED_AT), timesAt(RECEIVED_AT), 'a replay gives the same');
  assert.notDeepEqual(timesAt(RECEIVED_AT), timesAt(RECEIVED_AT + 1));
});

test('what is no SenML is judged as before', () => {
  assert.equal(codeOf([{ t: 1, m: { a: 1 }, n: 'temp', v: 1 }]), 'accepted', 'an array with "m" is our own form');
  assert.equal(readingsOf([{ t: 1, m: { a: 1 }, n: 'temp', v: 1 }])[0]?.time, 1);
  assert.equal(
    codeOf([
      { n: 'temp', v: 1 },
      { t: 1, m: { a: 1 } },
    ]),
    'TIME_INVALID',
    'a mixture is neither',
  );
  assert.equal(codeOf({ n: 'temp', v: 1 }), 'TIME_INVALID', 'a pack is an array');
  assert.equal(codeOf([]), 'PAYLOAD_SHAPE');
});

test('packs that are not admissible have their code', () => {
  const cases: [unknown, string][] = [
    [[{ n: 'temp' }], 'PAYLOAD_SHAPE'],
    [[{ n: 'temp', s: 1 }], 'PAYLOAD_SHAPE'],
    [[{ n: 'temp', vd: 'aGkgCg' }], 'PAYLOAD_SHAPE'],
    [[{ n: 'temp', v: 1, x_: 1 }], 'PAYLOAD_SHAPE'],
    [[{ n: 'temp', v: 1, bver: 42 }], 'PAYLOAD_SHAPE'],
    [[{ n: 'temp', vs: 'x'.repeat(257) }], 'PAYLOAD_SHAPE'],
    [[{ n: 'urn:dev:ow:10e2073a01080063', v: 1 }], 'PAYLOAD_SHAPE'],
    [[{ n: 'pm2.5', v: 1 }], 'PAYLOAD_SHAPE'],
    [[{ n: 'dev/', v: 1 }], 'PAYLOAD_SHAPE'],
    ['[{"n":"temp","v":1e999}]', 'NUMBER_NOT_FINITE'],
    [[{ n: 'temp', v: 1, t: -3e9 }], 'TIME_INVALID'],
    [[{ n: 'temp', v: 1, t: 1e300 }], 'TIME_INVALID'],
    [[{ n: 'temp', v: 1, t: 1735689600000 }], 'TIME_INVALID'],
    [Array.from({ length: 65 }, (_, i) => ({ n: `a${i}`, v: 1 })), 'PAYLOAD_SHAPE'],
    [Array.from({ length: READINGS_MAX + 1 }, (_, i) => ({ n: 'temp', v: 1, t: -i })), 'PAYLOAD_SHAPE'],
    [Array.from({ length: READINGS_MAX }, (_, i) => ({ n: 'temp', v: 1, t: -i })), 'accepted'],
  ];
  for (const [pack, code] of cases) assert.equal(codeOf(pack), code, JSON.stringify(pack).slice(0, 80));
});

test('two sensors never become one series, and one moment has one value', () => {
  const two = [
    { bn: '2001:db8::2/', bt: 1320078429, n: 'temperature', v: 25.2 },
    { bn: '2001:db8::1/', n: 'temperature', t: 1, v: 12.3 },
  ];
  assert.equal(codeOf(two), 'PAYLOAD_SHAPE');
  assert.equal(
    codeOf([
      { n: 'temp', v: 1 },
      { n: 'temp', v: 2 },
    ]),
    'PAYLOAD_SHAPE',
  );
});
