import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSparkplug,
  encodeSparkplug,
  parseSparkplugTopic,
  SPARKPLUG_METRICS_MAX,
  SPARKPLUG_TYPE,
  type SparkplugMetric,
  type SparkplugPayload,
  sparkplugScalar,
  sparkplugTopic,
} from './sparkplug-b.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

function decoded(data: Uint8Array): SparkplugPayload {
  const result = decodeSparkplug(data);
  assert.ok(result.ok, result.ok ? '' : result.detail);
  return result.payload;
}

/** Name or alias, and the value it means. */
function meaning({ name, alias, value, datatype }: SparkplugMetric): [string | undefined, unknown] {
  return [name ?? alias, value === undefined ? undefined : sparkplugScalar(value, datatype)];
}

/** Written by Eclipse Tahu's JavaScript library (sparkplug-payload 1.0.3), values of our choice. */
const TAHU_BIRTH =
  '0880d095ffbc31120b0a05626453657120085807121a0a144e6f646520436f6e74726f6c2f52656269727468200b7000124c0a12526f6f6d20312f54656d706572617475726510011880d095ffbc31200a4a220a075175616c6974790a07656e67556e69741205080318c0011207080c420343656c696666666666661240120e0a0269381002200150fbffffff0f120f0a036931361003200250d4fdffff0f120f0a036933321004200350fbffffff0f12140a036936341005200458ffffffffffffffefff01120b0a0275381006200550ff01120f0a037533321007200758ffffffff0f12140a037536341008200858ffffffffffffffffff01120c0a016610092009650000c03f12090a0162100a200b7001120c0a0173100b200c7a03e5bc8012110a047768656e100c200d5880d095ffbc31120c0a046e6f6e65100d200a380112210a0373657420108a01170802120161120162180c180322090a033201780a02080118002203752d312a026869';
const TAHU_DATA = '08e8d795ffbc31122810011884d795ffbc31200a28014a100a075175616c6974791205080318f4036900000000000016401801';

test("a birth written by Tahu's own library is read exactly", () => {
  const payload = decoded(bytes(TAHU_BIRTH));
  assert.equal(payload.timestamp, 1_700_000_000_000);
  assert.deepEqual([payload.seq, payload.uuid, payload.body], [0, 'u-1', Uint8Array.from([0x68, 0x69])]);
  assert.deepEqual(payload.metrics.map(meaning), [
    ['bdSeq', 7],
    ['Node Control/Rebirth', false],
    ['Room 1/Temperature', 4.6],
    ['i8', -5],
    ['i16', -300],
    ['i32', -5],
    ['i64', -9_007_199_254_740_993n],
    ['u8', 255],
    ['u32', 4_294_967_295],
    ['u64', 18_446_744_073_709_551_615n],
    ['f', 1.5],
    ['b', true],
    ['s', '开'],
    ['when', 1_700_000_000_000],
    ['none', undefined],
    ['set', null],
  ]);
  const [, , temperature] = payload.metrics;
  assert.deepEqual([temperature?.alias, temperature?.timestamp], ['1', 1_700_000_000_000]);
  assert.deepEqual(temperature?.properties, [
    { key: 'Quality', type: SPARKPLUG_TYPE.Int32, value: { field: 'int', value: 192 } },
    { key: 'engUnit', type: SPARKPLUG_TYPE.String, value: { field: 'string', value: 'Cel' } },
  ]);
  assert.equal(payload.metrics[14]?.isNull, true);
});

test('data by alias, historical and of a quality', () => {
  const [metric, ...others] = decoded(bytes(TAHU_DATA)).metrics;
  assert.equal(others.length, 0);
  assert.deepEqual([metric?.name, metric?.alias, metric?.isHistorical], [undefined, '1', true]);
  assert.deepEqual(metric?.properties?.[0]?.value, { field: 'int', value: 500 });
});

test('what is read and written again is the same bytes', () => {
  const golden =
    '08fbd095ffbc31121a0a04706d323510011880d095ffbc31200a690000000000c0414012170a0474656d7010021880d095ffbc31200350fbffffff0f1801';
  for (const written of [TAHU_BIRTH, TAHU_DATA, golden]) assert.equal(hex(encodeSparkplug(decoded(bytes(written)))), written);
});

test('the sign of an integer cannot be guessed without its datatype', () => {
  const { metrics } = decoded(encodeSparkplug({ metrics: [{ alias: '1', value: { field: 'int', value: 0xfffffffb } }] }));
  const value = metrics[0]?.value;
  assert.ok(value !== undefined);
  assert.equal(sparkplugScalar(value, undefined), undefined);
  assert.equal(sparkplugScalar(value, SPARKPLUG_TYPE.Int32), -5);
  assert.equal(sparkplugScalar(value, SPARKPLUG_TYPE.UInt32), 4_294_967_291);
});

test('what is no payload is refused, and nothing throws', () => {
  const good = bytes(TAHU_BIRTH);
  for (let end = 1; end < good.length; end++) decodeSparkplug(good.subarray(0, end));
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = Uint8Array.from(good);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    decodeSparkplug(flipped);
  }
  const refused: [string, Uint8Array][] = [
    ['cut in the middle of a metric', good.subarray(0, 12)],
    ['JSON', Buffer.from('{"t":1}')],
    ['a metric that is a number', bytes('1001')],
    ['a timestamp beyond 2^53', bytes('08ffffffffffffffffff01')],
    ['more metrics than the limit', Buffer.alloc((SPARKPLUG_METRICS_MAX + 1) * 2, bytes('1200'))],
    ['keys without values', bytes('12054a030a0171')],
  ];
  for (const [name, data] of refused) assert.equal(decodeSparkplug(data).ok, false, name);
});

test('topics of the specification, and what is none', () => {
  for (const topic of ['spBv1.0/g/NBIRTH/e', 'spBv1.0/g 1/DDATA/e.1/d-1', 'spBv1.0/组/NDEATH/节点']) {
    const parsed = parseSparkplugTopic(topic);
    assert.ok(parsed !== null);
    assert.equal(sparkplugTopic(parsed), topic);
  }
  for (const topic of [
    'spBv1.0/g/NBIRTH',
    'spBv1.0/g/NBIRTH/e/d',
    'spBv1.0/g/DDATA/e',
    'spBv1.0/g/DDATA/e/d/x',
    'spBv1.0//NDATA/e',
    'spBv1.0/g/NDATA/',
    'spBv1.0/g/DDATA/e/',
    'spBv1.0/STATE/host',
    'spAv1.0/g/NDATA/e',
  ])
    assert.equal(parseSparkplugTopic(topic), null, topic);
});
