import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetDefinition } from '../control.ts';
import { JSON_DEPTH_MAX } from '../formats/json-text.ts';
import type { Outcome } from '../outcome.ts';
import { contentTypeOf, JSON_TYPE, readPayload, SENML_CBOR_TYPE, SENML_JSON_TYPE } from './payload.ts';
import { messageIdOf, type Reading } from './reading.ts';
import { decodeRecord, encodeRecord } from './record.ts';

const RECEIVED_AT = Date.UTC(2026, 10, 22);
const title = { zh: '测试', en: 'test' };
const base: DatasetDefinition = { type: 'dataset', dataset: 'd', title, cadenceMs: 1, properties: {} };

function read(payload: string | Uint8Array | object, definition?: DatasetDefinition, contentType = JSON_TYPE): Outcome<readonly Reading[]> {
  const text = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return readPayload(bytes, { contentType, receivedAt: RECEIVED_AT, definition });
}
function readingsOf(outcome: Outcome<readonly Reading[]>): readonly Reading[] {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.value;
}
const valuesOf = (reading: Reading | undefined): object =>
  Object.fromEntries(reading?.measurements.map(({ property, result }) => [property, result]) ?? []);
const refusalOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'taken' : `${outcome.code} ${outcome.detail}`);

test('SenML in CBOR, JSON, and under its media type says the same', () => {
  const pack = [{ bn: 'urn:dev:1:', bt: 1.7e9, n: 'temp', u: 'Cel', v: 4.5 }];
  const cbor = Uint8Array.fromHex('81a5216a75726e3a6465763a313a221a6553f1000064' + '74656d7001634365' + '6c02f94480');
  assert.equal(contentTypeOf(cbor), SENML_CBOR_TYPE);
  const wanted = [{ time: 1.7e12, measurements: [{ property: 'temp', result: 4.5, unit: 'Cel' }] }];
  for (const outcome of [read(pack), read(pack, undefined, SENML_JSON_TYPE), read(cbor, undefined, SENML_CBOR_TYPE)])
    assert.deepEqual(readingsOf(outcome), wanted);
  assert.match(refusalOf(read({ t: 1, m: { a: 1 } }, undefined, SENML_JSON_TYPE)), /^PAYLOAD_SHAPE/);
  assert.match(refusalOf(read([{ t: 1, m: { a: 1 } }], undefined, SENML_JSON_TYPE)), /^PAYLOAD_SHAPE/);
  assert.match(refusalOf(read(cbor.subarray(1), undefined, SENML_CBOR_TYPE)), /^PAYLOAD_SHAPE SenML pack/);
  assert.match(refusalOf(read('x', undefined, 'text/plain')), /^FORMAT_UNKNOWN text\/plain/);
});

const cce = (records: readonly object[], more: object = {}) => ({
  meta: {
    schemaVersion: '0.8.1',
    transferType: 'rtm',
    transferId: 'T-1',
    transferSrc: 'org.example',
    transferredAt: '2026-11-22T10:00:00Z',
  },
  data: [
    {
      ...{ AMID: 'f1', CID: 'CHN', EDOP: '2024', EMFR: 'M', EMOD: 'X', EPQS: 'E006/001', ESER: 's', EMSV: '1' },
      ...{
        DLST: { TVC: { SID: 'p', SMFR: 'M', SMOD: 'P' } },
        records: records.map((record) => ({ ALRM: null, BEMD: 14, EERR: null, ...record })),
        ...more,
      },
    },
  ],
});
const NO_ALARM = { alarm_heat: false, alarm_frze: false, alarm_door: false, alarm_powr: false };

test('fridge data: records of one time are one reading, repeats add nothing, a changed value is a revision', () => {
  const outcome = read(
    cce([
      { ABST: '20261122T095500Z', TVC: 4.5 },
      { ABST: '20261122T094000Z', TVC: 9.1, ALRM: 'HEAT POWR', SVA: 0, LERR: 'E7' },
      { ABST: '20261122T095500Z', TAMB: 21 },
      { ABST: '20261122T095500Z', TVC: 4.5 },
      { ABST: '20261122T095500Z', TVC: 4.6 },
    ]),
  );
  const readings = readingsOf(outcome);
  const at = Date.UTC(2026, 10, 22, 9, 55);
  assert.deepEqual(
    readings.map((reading) => [reading.time - at, valuesOf(reading)]),
    [
      [0, { tvc: 4.5, bemd: 14, ...NO_ALARM, tamb: 21 }],
      [
        -900_000,
        { tvc: 9.1, bemd: 14, alrm: 'HEAT POWR', lerr: 'E7', sva: 0, ...NO_ALARM, alarm_heat: true, alarm_powr: true, power: false },
      ],
      [0, { tvc: 4.6 }],
    ],
  );
  assert.equal(messageIdOf(readings), 'id:T-1');
});

test('fridge data that is not right is refused with the place', () => {
  assert.match(refusalOf(read(cce([{ ABST: '20261122T095500Z', TVC: 99 }]))), /^PAYLOAD_SHAPE cce-interop \/data\/0\/records\/0\/TVC/);
  assert.match(refusalOf(read(cce([{ ABST: '20261322T095500Z', TVC: 9 }]))), /^TIME_INVALID cce-interop \/data\/0\/records\/0\/ABST/);
  const [one] = cce([{ ABST: '20261122T095500Z', TVC: 9 }]).data;
  assert.match(refusalOf(read({ ...cce([]), data: [one, { ...one, AMID: 'f2' }] })), /several appliances/);
  const abstOf = (i: number): string => new Date(RECEIVED_AT + i * 1000).toISOString().replace(/\.000|[-:]/g, '');
  const many = Array.from({ length: 1001 }, (_, i) => ({ ABST: abstOf(i), TVC: 4 }));
  assert.match(refusalOf(read(cce(many))), /more than 1000 readings/);
});

const uplink = {
  deviceInfo: { devEui: '24e124136b502217' },
  ...{ devAddr: '00189440', fCnt: 17, fPort: 85, data: 'A2c0AQ==', time: '2026-11-22T08:30:00.123456+00:00' },
};
const withCodec: DatasetDefinition = {
  ...base,
  codec: { form: 'tlv', entries: [{ tag: '0367', bytes: 2, values: [{ property: 'temp', as: 'i16le', divide: 10, unit: 'Cel' }] }] },
};

test('an uplink is one reading at the time of reception, named by session and frame counter', () => {
  const measurements = [{ property: 'temp', result: 30.8, unit: 'Cel' }];
  assert.deepEqual(readingsOf(read(uplink, withCodec)), [
    { messageId: 'fcnt:00189440-17', time: Date.UTC(2026, 10, 22, 8, 30, 0, 123), measurements },
  ]);
  const { devAddr: _, ...nameless } = uplink;
  assert.equal(messageIdOf(readingsOf(read(nameless, withCodec))), 'fcnt:17');
  assert.deepEqual(readingsOf(read({ ...uplink, data: '' }, withCodec)), [], 'no application data, no reading');
  assert.deepEqual(readingsOf(read({ t: 1, m: { a: 1 } }, withCodec))[0]?.time, 1, 'the dataset takes our own form too');
});

test('an uplink that cannot be decoded is refused, so that it can be replayed with a better table', () => {
  assert.match(refusalOf(read(uplink, base)), /^PAYLOAD_SHAPE LoRaWAN: the dataset has no codec/);
  assert.match(refusalOf(read({ ...uplink, data: '/wAA' }, withCodec)), /^PAYLOAD_SHAPE LoRaWAN frame ff0000: .*not in the codec/);
  assert.match(refusalOf(read({ ...uplink, time: '' }, withCodec)), /^TIME_INVALID/);
  const infinite: DatasetDefinition = {
    ...base,
    codec: { form: 'tlv', entries: [{ tag: '01', bytes: 4, values: [{ property: 'x', as: 'f32be' }] }] },
  };
  assert.match(refusalOf(read({ ...uplink, data: 'AX+AAAA=' }, infinite)), /^NUMBER_NOT_FINITE/);
});

const withDocument: DatasetDefinition = {
  ...base,
  document: {
    schema: {
      type: 'object',
      required: ['period', 'stations'],
      properties: {
        stations: { type: 'array', items: { type: 'object', properties: { ph: { type: 'number', minimum: 0, maximum: 14 } } } },
      },
    },
    items: '/stations',
    time: '/at',
    id: '/no',
    values: { ph: '/ph', turbidity: '/more/tu~1rb', open: '/open' },
  },
};

test('a department document is checked by its schema and read by pointers', () => {
  const stations = [
    { no: 'W-1', at: '2026-11-01T00:00:00+08:00', ph: 7.2, more: { 'tu/rb': 3 } },
    { no: 2, at: 1, open: true, ph: null },
  ];
  const second = { ...stations[1], ph: 6 };
  assert.deepEqual(readingsOf(read({ period: '2026-10', stations: [stations[0], second] }, withDocument)), [
    {
      messageId: 'id:W-1',
      time: Date.UTC(2026, 9, 31, 16),
      measurements: [
        { property: 'ph', result: 7.2 },
        { property: 'turbidity', result: 3 },
      ],
    },
    {
      messageId: 'id:2',
      time: 1,
      measurements: [
        { property: 'ph', result: 6 },
        { property: 'open', result: true },
      ],
    },
  ]);
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ stations: [] }, /^PAYLOAD_SHAPE document .*required/],
    [{ period: 'x', stations: [{ ...stations[0], ph: 15 }] }, /^PAYLOAD_SHAPE document \/stations\/0\/ph maximum/],
    [{ period: 'x', stations }, /^PAYLOAD_SHAPE document \/stations\/1\/ph type/],
    [{ period: 'x', stations: [] }, /^PAYLOAD_SHAPE document \/stations: an array of 1 to 1000/],
    [{ period: 'x', stations: [{ no: 'a', ph: 7 }] }, /^TIME_INVALID document \/stations\/0\/at/],
    [{ period: 'x', stations: [{ no: '', at: 1, ph: 7 }] }, /^PAYLOAD_SHAPE document \/stations\/0\/no/],
    [{ period: 'x', stations: [{ no: 'a', at: 1 }] }, /^PAYLOAD_SHAPE document \/stations\/0: none of the values/],
    [{ period: 'x', stations: [{ no: 'a', at: 1, open: {} }] }, /^PAYLOAD_SHAPE document \/stations\/0\/open/],
    [{ t: 1, m: { ph: 7 } }, /^PAYLOAD_SHAPE/],
  ];
  for (const [json, wanted] of refused) assert.match(refusalOf(read(json as object, withDocument)), wanted);
});

test('a faulty definition refuses, it does not break the reader', () => {
  const definitions = [
    { ...base, codec: { form: 'tlv', entries: [{ tag: '03', bytes: 1, values: [{ property: 'x', as: 'u16le', at: 5 }] }] } },
    { ...base, codec: { form: 'script' } },
  ];
  for (const definition of definitions)
    assert.match(refusalOf(read(uplink, definition as unknown as DatasetDefinition)), /^DATASET_INVALID codec/);
  const document = { schema: { allOf: 5 }, time: '/at', values: { a: 7 } };
  assert.match(refusalOf(read({}, { ...base, document } as unknown as DatasetDefinition)), /^DATASET_INVALID document/);
});

test('the longest name that a payload may give itself fits into the header', () => {
  const name = 'n'.repeat(64);
  const names = { agency: name, dataset: name, producer: name, topic: `v1/${name}/${name}/${name}` };
  for (const id of ['水'.repeat(128), '"'.repeat(128), '\ufffd'.repeat(128)]) {
    const messageId = messageIdOf(readingsOf(read({ id, t: 1, m: { a: 1 } })));
    assert.equal(messageId, `id:${id}`);
    const header = { v: 1, ...names, receivedAt: RECEIVED_AT, door: 'internal', contentType: SENML_CBOR_TYPE, messageId } as const;
    assert.ok(decodeRecord(encodeRecord(header, new Uint8Array(1))).ok);
  }
  assert.match(refusalOf(read({ id: '\u0001'.repeat(128), t: 1, m: { a: 1 } })), /^PAYLOAD_SHAPE "id"/);
});

test('JSON nests at most so deep, whatever it holds', () => {
  const nested = (depth: number): string => `{"t":1,"m":{"a":1},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  assert.equal(refusalOf(read(nested(JSON_DEPTH_MAX - 1))), 'taken');
  assert.match(refusalOf(read(nested(JSON_DEPTH_MAX))), /^PAYLOAD_SHAPE nested deeper than 32/);
  assert.match(refusalOf(read('['.repeat(262_144))), /^PAYLOAD_SHAPE nested/);
  assert.match(refusalOf(read('{"a":'.repeat(50_000))), /^PAYLOAD_SHAPE nested/);
  assert.equal(
    refusalOf(read(`{"t":1,"m":{"a":1},"x":"${'['.repeat(100)}\\"${'['.repeat(100)}"}`)),
    'taken',
    'brackets in a text are no levels',
  );
});
