import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSparkplug, type SparkplugMetric, SPARKPLUG_TYPE as T } from '@airtight/standards/sparkplug-b.ts';
import { birthOf, encodeRecord, type RecordHeader } from '../records/record.ts';
import { type SparkplugBirth, sparkplugProperty, toSparkplugBirth, toSparkplugReadings } from './sparkplug-readings.ts';

const AT = 1_700_000_000_000;
const RECEIVED_AT = AT + 5000;
const BIRTH_METRICS: readonly SparkplugMetric[] = [
  { name: 'bdSeq', datatype: T.UInt64, value: { field: 'long', value: 3n } },
  { name: 'Node Control/Rebirth', datatype: T.Boolean, value: { field: 'boolean', value: false } },
  { name: 'Room 1/Temperature', alias: '1', datatype: T.Double, value: { field: 'double', value: 4.6 } },
  { name: 'Offset', alias: '2', datatype: T.Int16, value: { field: 'int', value: 0xfffffffb } },
  { name: 'Total', alias: '18446744073709551615', datatype: T.UInt64, value: { field: 'long', value: 2n ** 63n } },
  { name: 'Empty', alias: '4', datatype: T.Double, isNull: true },
  { name: 'Table', datatype: T.DataSet, value: { field: 'dataset', value: new Uint8Array(0) } },
];
const BIRTH = encodeSparkplug({ timestamp: AT, seq: 0, metrics: BIRTH_METRICS });

function born(metrics = BIRTH_METRICS): SparkplugBirth {
  const birth = toSparkplugBirth(encodeSparkplug({ timestamp: AT, seq: 0, metrics }), 41);
  assert.ok(birth.ok);
  return birth.value;
}

function read(message: string, bytes: Uint8Array, birth?: SparkplugBirth) {
  const device = message.startsWith('D') ? '/d' : '';
  return toSparkplugReadings(bytes, { receivedAt: RECEIVED_AT, topic: `spBv1.0/g/${message}/e${device}`, birth });
}

function codeOf(outcome: ReturnType<typeof read>): string {
  return outcome.ok ? 'accepted' : outcome.code;
}

test('a birth gives its values, and that the node is online', () => {
  assert.deepEqual(read('NBIRTH', BIRTH), {
    ok: true,
    value: [
      {
        time: AT,
        measurements: [
          { property: 'online', result: true },
          { property: 'Room_1_Temperature', result: 4.6 },
          { property: 'Offset', result: -5 },
          { property: 'Total', result: '9223372036854775808' },
        ],
      },
    ],
  });
});

test('data names its metrics by alias, with time, quality and history of each', () => {
  const quality = (code: number) => [{ key: 'Quality', type: T.Int32, value: { field: 'int', value: code } }] as const;
  const data = encodeSparkplug({
    timestamp: AT + 2000,
    seq: 1,
    metrics: [
      { alias: '1', timestamp: AT + 1000, isHistorical: true, value: { field: 'double', value: 5 }, properties: quality(192) },
      { alias: '2', value: { field: 'int', value: 0xfffffffe }, properties: quality(500) },
      { alias: '1', timestamp: AT + 1000, value: { field: 'double', value: 6 }, properties: quality(0) },
      { alias: '1', value: { field: 'double', value: Number.NaN } },
    ],
  });
  assert.deepEqual(read('NDATA', data, born()), {
    ok: true,
    value: [
      { time: AT + 1000, measurements: [{ property: 'Room_1_Temperature', result: 5, historical: true }] },
      { time: AT + 2000, measurements: [{ property: 'Offset', result: -2, quality: 'STALE' }] },
      { time: AT + 1000, measurements: [{ property: 'Room_1_Temperature', result: 6, quality: 'BAD' }] },
    ],
  });
  assert.equal(codeOf(read('NDATA', data)), 'SPARKPLUG_BIRTH_MISSING');
  const unknown = encodeSparkplug({ timestamp: AT, seq: 1, metrics: [{ alias: '9', value: { field: 'double', value: 1 } }] });
  assert.equal(codeOf(read('NDATA', unknown, born())), 'SPARKPLUG_BIRTH_MISSING');
});

test('data with names needs no birth, but for the sign of integers', () => {
  const named = (metric: SparkplugMetric) => read('DDATA', encodeSparkplug({ timestamp: AT, seq: 1, metrics: [metric] }));
  assert.equal(codeOf(named({ name: 'x', value: { field: 'double', value: 1 } })), 'accepted');
  assert.equal(codeOf(named({ name: 'x', value: { field: 'int', value: 1 } })), 'SPARKPLUG_BIRTH_MISSING');
  assert.equal(codeOf(named({ name: 'x', datatype: T.Int8, value: { field: 'int', value: 1 } })), 'accepted');
});

test('a death is offline at its receipt, if it is that of the session', () => {
  const death = (bdSeq: bigint) => encodeSparkplug({ timestamp: AT, metrics: [{ name: 'bdSeq', value: { field: 'long', value: bdSeq } }] });
  assert.deepEqual(read('NDEATH', death(3n), born()), {
    ok: true,
    value: [{ time: RECEIVED_AT, relativeTime: true, measurements: [{ property: 'online', result: false }] }],
  });
  assert.equal(codeOf(read('NDEATH', death(2n), born())), 'SPARKPLUG_DEATH_STALE');
  assert.equal(codeOf(read('NDEATH', death(3n))), 'SPARKPLUG_BIRTH_MISSING');
  const gone = read('DDEATH', encodeSparkplug({ timestamp: AT, seq: 4, metrics: [] }));
  assert.ok(gone.ok);
  assert.deepEqual(gone.value, [{ time: AT, measurements: [{ property: 'online', result: false }] }]);
});

test('metrics that could not be told apart are refused at birth', () => {
  const cases: readonly (readonly SparkplugMetric[])[] = [
    [{ name: 'Room 1' }, { name: 'Room_1' }],
    [{ name: 'online' }],
    [{ name: '///' }],
    [{ name: 'x'.repeat(65) }],
    [{ alias: '1' }],
    [
      { name: 'a', alias: '1' },
      { name: 'b', alias: '1' },
    ],
  ];
  for (const metrics of cases) assert.equal(codeOf(read('NBIRTH', encodeSparkplug({ timestamp: AT, metrics }))), 'SPARKPLUG_BIRTH_INVALID');
  const taken = encodeSparkplug({ timestamp: AT, metrics: [{ name: 'Room_1/Temperature', value: { field: 'double', value: 1 } }] });
  assert.equal(codeOf(read('NDATA', taken, born())), 'SPARKPLUG_BIRTH_INVALID');
});

test('a metric name becomes a property name by the published rule', () => {
  for (const [name, property] of [
    ['temperature', 'temperature'],
    ['Room 1/Temperature', 'Room_1_Temperature'],
    ['/Tank (A)/Level %', 'Tank_A_Level'],
    ['1-wire/t', 'm_1_wire_t'],
    ['温度', 'u6e29u5ea6'],
    ['__', undefined],
  ])
    assert.equal(sparkplugProperty(name as string), property);
});

test('what is no Sparkplug, commands included, is refused with a code', () => {
  assert.equal(codeOf(read('NDATA', Buffer.from('{"t":1}'))), 'PAYLOAD_SHAPE');
  assert.equal(codeOf(read('NCMD', BIRTH)), 'PAYLOAD_SHAPE');
  const late = encodeSparkplug({ timestamp: Number.MAX_SAFE_INTEGER, metrics: [{ name: 'x', value: { field: 'double', value: 1 } }] });
  assert.equal(codeOf(read('NDATA', late)), 'TIME_INVALID');
});

test('many metrics of one time are several readings of it', () => {
  const metrics = Array.from({ length: 130 }, (_, i): SparkplugMetric => ({ name: `m${i}`, value: { field: 'double', value: i } }));
  const readings = read('NDATA', encodeSparkplug({ timestamp: AT, metrics }));
  assert.ok(readings.ok);
  assert.deepEqual(
    readings.value.map(({ time, measurements }) => [time, measurements.length]),
    [
      [AT, 64],
      [AT, 64],
      [AT, 2],
    ],
  );
});

test('the birth a record refers to is told from its first bytes', () => {
  const base = { v: 1, agency: 'a', dataset: 'd', producer: 'p', receivedAt: 1, door: 'mqtt', contentType: 'x' } as const;
  for (const header of [base, { ...base, birth: 0 }, { ...base, birth: 9_007_199_254_740_991 }] as RecordHeader[])
    assert.equal(birthOf(encodeRecord(header, Buffer.from('{"birth":5}'))), header.birth);
  for (const text of [
    '',
    '{"agency":"',
    '{"agency":"a","birth":',
    '{"agency":"a","birth":x}',
    '{"agency":"a","birth":99999999999999999999}',
  ])
    assert.equal(birthOf(Buffer.from(text)), undefined, text);
});
