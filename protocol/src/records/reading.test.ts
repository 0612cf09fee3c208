import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageIdOf, parseReadings } from './reading.ts';

const RECEIVED_AT = 1_735_689_600_000;
const codeOf = (text: string): string => {
  const outcome = parseReadings(text, RECEIVED_AT);
  return outcome.ok ? 'accepted' : outcome.code;
};

test('the documented forms are taken as they are', () => {
  const outcome = parseReadings(
    '{"seq":17,"t":1735689600000,"m":{"pm25":35.4,"pm10":{"v":80,"u":"ug/m3","q":"N"},"wd":"NNW","door":true}}',
    RECEIVED_AT,
  );
  assert.ok(outcome.ok);
  assert.deepEqual(outcome.value, [
    {
      messageId: 'seq:17',
      time: 1735689600000,
      measurements: [
        { property: 'pm25', result: 35.4 },
        { property: 'pm10', result: 80, unit: 'ug/m3', quality: 'N' },
        { property: 'wd', result: 'NNW' },
        { property: 'door', result: true },
      ],
    },
  ]);
});

test('times are epoch milliseconds or RFC 3339 with a zone', () => {
  const timeOf = (t: string): number | string => {
    const outcome = parseReadings(`{"t":${t},"m":{"a":1}}`, RECEIVED_AT);
    return outcome.ok ? (outcome.value[0]?.time as number) : outcome.code;
  };
  assert.equal(timeOf('"2026-11-22T10:05:00+08:00"'), Date.UTC(2026, 10, 22, 2, 5));
  assert.equal(timeOf('"2026-11-22T02:05:00.250Z"'), Date.UTC(2026, 10, 22, 2, 5, 0, 250));
  assert.equal(timeOf('0'), 0, '1970 is a wrong clock, not a wrong message');
  assert.equal(timeOf('4102444800000'), 4102444800000, 'and so is the year 2100');
  for (const bad of ['"2026-11-22T10:05:00"', '"2026-11-22"', '"now"', '-1', '1.5', '1e300', 'null', '"2026-13-01T00:00:00Z"']) {
    assert.equal(timeOf(bad), 'TIME_INVALID', bad);
  }
  assert.equal(codeOf('{"m":{"a":1}}'), 'TIME_INVALID');
});

test('what is not admissible has its code', () => {
  const cases: [string, string][] = [
    ['', 'PAYLOAD_NOT_JSON'],
    ['{"t":NaN,"m":{"a":1}}', 'PAYLOAD_NOT_JSON'],
    ['{"t":1,"m":{"a":NaN}}', 'PAYLOAD_NOT_JSON'],
    ['{"t":1,"m":{"a":1e999}}', 'NUMBER_NOT_FINITE'],
    ['{"t":1,"m":{}}', 'PAYLOAD_SHAPE'],
    ['{"t":1,"m":[]}', 'PAYLOAD_SHAPE'],
    ['{"t":1,"m":{"a b":1}}', 'PAYLOAD_SHAPE'],
    ['{"t":1,"m":{"a":null}}', 'PAYLOAD_SHAPE'],
    ['{"t":1,"m":{"a":{"u":"x"}}}', 'PAYLOAD_SHAPE'],
    ['{"t":1,"m":{"a":"\\ud800"}}', 'PAYLOAD_SHAPE'],
    ['{"id":7,"t":1,"m":{"a":1}}', 'PAYLOAD_SHAPE'],
    ['{"seq":1.5,"t":1,"m":{"a":1}}', 'PAYLOAD_SHAPE'],
    ['[]', 'PAYLOAD_SHAPE'],
    ['[[]]', 'PAYLOAD_SHAPE'],
    ['17', 'PAYLOAD_SHAPE'],
    [`{"t":1,"m":{${Array.from({ length: 65 }, (_, i) => `"a${i}":1`).join()}}}`, 'PAYLOAD_SHAPE'],
    [`[${Array.from({ length: 1001 }, () => '{"t":1,"m":{"a":1}}').join()}]`, 'PAYLOAD_SHAPE'],
  ];
  for (const [text, code] of cases) assert.equal(codeOf(text), code, text.slice(0, 80));
});

test('a lone reading lends the record its identity, several lend it their numbers', () => {
  const idOf = (text: string): string | undefined => {
    const outcome = parseReadings(text, RECEIVED_AT);
    assert.ok(outcome.ok);
    return messageIdOf(outcome.value);
  };
  assert.equal(idOf('{"id":"a","seq":1,"t":1,"m":{"a":1}}'), 'id:a');
  assert.equal(idOf('[{"seq":1,"t":1,"m":{"a":1}}]'), 'seq:1');
  assert.equal(idOf('[{"seq":1,"t":1,"m":{"a":1}},{"seq":2,"t":1,"m":{"a":1}}]'), 'seq:1-2');
  assert.equal(idOf('[{"seq":1,"t":1,"m":{"a":1}},{"seq":3,"t":1,"m":{"a":1}}]'), undefined);
  assert.equal(idOf('[{"id":"a","t":1,"m":{"a":1}},{"id":"b","t":1,"m":{"a":1}}]'), undefined);
  assert.equal(idOf('{"t":1,"m":{"a":1}}'), undefined);
});

test('names that mean something to JavaScript are just names', () => {
  const outcome = parseReadings('{"t":1,"m":{"constructor":1,"toString":2}}', RECEIVED_AT);
  assert.ok(outcome.ok);
  assert.deepEqual(
    outcome.value[0]?.measurements.map(({ property }) => property),
    ['constructor', 'toString'],
  );
});
