/**
 * Everything that reads bytes from outside, with right inputs to start from. A decoder that is added to the product is added
 * here. `decode` throws when the decoder does, and when what it let pass breaks a promise to the stages behind it.
 */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import {
  type DatasetDefinition,
  decodeRecord,
  encodeRecord,
  HJ212_MEDIA_TYPE,
  isPropertyName,
  JSON_TYPE,
  MEASUREMENTS_MAX,
  messageIdOf,
  type Outcome,
  parseReadings,
  READINGS_MAX,
  type Reading,
  type RecordHeader,
  readFrame,
  readPayload,
  SENML_CBOR_TYPE,
  SENML_JSON_TYPE,
  SPARKPLUG_MEDIA_TYPE,
  type SparkplugBirth,
  TIME_MAX,
  toObservations,
  toSparkplugBirth,
} from '@airtight/protocol';
import { frameHj212, HJ212_FRAME_MAX_BYTES, Hj212Cutter, parseHj212, unframeHj212 } from '@airtight/standards/hj212.ts';
import { decodeSparkplug, encodeSparkplug, type SparkplugMetric, SPARKPLUG_TYPE as T } from '@airtight/standards/sparkplug-b.ts';
import { NOT_PLAIN, scanReading } from '../admit/scan-reading.ts';
import type { FuzzedDecoder } from './fuzz.ts';

const RECEIVED_AT = 1_735_689_600_000;
const bytes = (json: unknown): Uint8Array => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
const title = { zh: '', en: '' };
const dataset: DatasetDefinition = {
  type: 'dataset',
  dataset: 'd',
  title,
  cadenceMs: 1,
  properties: { a: { title, unit: '1', min: 0, max: 9 } },
};

function payloadDecoder(name: string, contentType: string, definition: DatasetDefinition, seeds: readonly unknown[]): FuzzedDecoder {
  return {
    name,
    seeds: seeds.map((seed) => (seed instanceof Uint8Array ? seed : bytes(seed))),
    decode: (input) => keepsPromises(readPayload(input, { contentType, receivedAt: RECEIVED_AT, definition })),
  };
}

/** What every reader promises to the stages behind it. */
function keepsPromises(outcome: Outcome<readonly Reading[]>): boolean {
  if (!outcome.ok) {
    assert.ok(outcome.detail.length < 100_000);
    return false;
  }
  assert.ok(outcome.value.length <= READINGS_MAX);
  for (const { time, measurements } of outcome.value) {
    assert.ok(Number.isSafeInteger(time) && time >= 0 && time <= TIME_MAX, `time ${time}`);
    assert.ok(measurements.length > 0 && measurements.length <= MEASUREMENTS_MAX, `${measurements.length} measurements`);
    for (const { property, result } of measurements) {
      assert.ok(isPropertyName(property), property);
      assert.ok(
        typeof result === 'number'
          ? Number.isFinite(result)
          : typeof result === 'boolean' || (result.length <= 256 && result.isWellFormed()),
      );
    }
  }
  // It stands in the header, which has 1,024 bytes.
  assert.ok((messageIdOf(outcome.value)?.length ?? 0) <= 160);
  toObservations(HEADER, 0, outcome.value, dataset);
  return true;
}

const HEADER: RecordHeader = {
  ...{ v: 1, agency: 'bj', dataset: 'd', producer: 'p', receivedAt: RECEIVED_AT, door: 'mqtt', topic: 'v1/bj/d/p', contentType: JSON_TYPE },
  messageId: 'seq:1',
};

/** The quick scan of admission and the parser must say the same. */
const scan: FuzzedDecoder = {
  name: 'scan of plain readings',
  seeds: [
    '{"t":1735689600000,"m":{"pm25":35.4}}',
    '{"seq":17,"t":1735689600000,"m":{"pm25":35.4,"pm10":{"v":80,"u":"ug/m3","q":"N"}},"fw":"2.1"}',
    '{"id":"uci-1","t":0,"m":{"wd_x":-0.5}}',
  ].map(bytes),
  decode(input) {
    const scanned = scanReading(input);
    if (scanned === NOT_PLAIN) return false;
    const parsed = parseReadings(input.toString('utf8'), 0);
    assert.ok(parsed.ok, 'the scan takes what the parser refuses');
    assert.equal(scanned, messageIdOf(parsed.value));
    return true;
  },
};

const ownJson = payloadDecoder('our JSON', JSON_TYPE, dataset, [
  { id: 'x', t: '2025-01-01T00:00:00+08:00', m: { a: 1, b: { v: 2, u: 'ug/m3', q: 'N' }, c: 'text', d: true } },
  [
    { t: 1, m: { a: 1 } },
    { seq: 2, t: 2, m: { a: 2 } },
  ],
]);
const senmlPack = [
  { bn: 'urn:dev:1:', bt: 1.7e9, bu: 'Cel', bver: 5, n: 'a', v: 1.5 },
  { n: 'b', t: -5, vs: 'x' },
  { n: 'c', vb: true, ut: 60 },
  { n: 'd', s: 3, v: 1 },
];
const senmlJson = payloadDecoder('SenML JSON', SENML_JSON_TYPE, dataset, [senmlPack, [{ n: 'a', t: -1, v: 0 }]]);
const senmlCbor = payloadDecoder('SenML CBOR', SENML_CBOR_TYPE, dataset, [
  Buffer.from('82a5216a75726e3a6465763a313a221a6553f100006474656d70016343656c02f94480a30064646f6f72062904f5', 'hex'),
  Buffer.from('9fbf00616102c4822018ebffa2006162036131ff', 'hex'),
]);

const cceRecord = { ABST: '20261122T095500Z', ALRM: 'HEAT DOOR', BEMD: 14.5, EERR: null, TVC: 9.1 };
const emsText = 'CID ADOP AMFR AMOD APQS ASER LDOP LMFR LMOD LPQS LSER EDOP EMFR EMOD EPQS ESER EMSV LSV';
const cceMeta = { schemaVersion: '0.8.1', transferId: 'T-1', transferSrc: 'org.example', transferredAt: '2026-11-22T10:00:00Z' };
const cce = payloadDecoder('cce-interop', JSON_TYPE, dataset, [
  {
    meta: { ...cceMeta, transferType: 'rtm' },
    data: [
      {
        ...{
          AMID: 'f1',
          CID: 'CHN',
          EDOP: '',
          EMFR: 'M',
          EMOD: 'X',
          EPQS: 'E',
          ESER: 's',
          EMSV: '1',
          DLST: { TVC: { SID: 'p', SMFR: 'M', SMOD: 'P' } },
        },
        records: [cceRecord, { ...cceRecord, TAMB: 20 }, { ...cceRecord, ABST: '20261122T094000.5Z' }],
      },
    ],
  },
  {
    meta: { ...cceMeta, transferType: 'ems' },
    data: [
      {
        ...Object.fromEntries(emsText.split(' ').map((code) => [code, code])),
        records: [{ ...cceRecord, BLOG: 1, CMPR: 900, DORV: 0, LERR: null, TAMB: 20, SVA: 0 }],
      },
    ],
  },
]);

const tlv: DatasetDefinition = {
  ...dataset,
  codec: {
    form: 'tlv',
    entries: [
      { tag: '0367', bytes: 2, values: [{ property: 'temp', as: 'i16le', divide: 10 }] },
      { tag: '09', bytes: 4, values: [{ property: 'x', as: 'f32be' }] },
    ],
  },
};
const words: DatasetDefinition = {
  ...dataset,
  codec: {
    ...{ form: 'flag-words', begins: '02', header: { bytes: 3, values: [{ property: 'id', at: 1, as: 'u16be' }] } },
    groups: [
      { bytes: 2, values: [{ property: 'volt', as: 'u16be', divide: 1000 }] },
      { bytes: 4, values: [{ property: 'temp', as: 'u16be', multiply: 175.72, divide: 65536, add: -46.85 }] },
    ],
  },
};
const chirpStack = {
  deviceInfo: { devEui: '24e124136b502217' },
  devAddr: '00189440',
  fCnt: 17,
  fPort: 85,
  time: '2026-11-22T08:30:00.1+00:00',
};
const thingsStack = (payload: string) => ({
  end_device_ids: { device_id: 'hall', dev_eui: '24E124136B502217', dev_addr: '00189440' },
  uplink_message: {
    f_port: 85,
    f_cnt: 17,
    frm_payload: payload,
    rx_metadata: [{ time: '2026-11-22T08:30:00.1Z' }],
    received_at: '2026-11-22T08:30:00.3Z',
  },
});
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const uplinks = [
  payloadDecoder('LoRaWAN uplinks, tlv', JSON_TYPE, tlv, [
    { ...chirpStack, data: base64('0367340109bf800000') },
    thingsStack(base64('03673401')),
  ]),
  payloadDecoder('LoRaWAN uplinks, flag-words', JSON_TYPE, words, [
    { ...chirpStack, data: base64('021b5000030c2567bd618d') },
    thingsStack(base64('021b5000010c25')),
  ]),
];
/** Frames as they are, because in base64 a changed bit seldom meets the byte that matters. */
const codecs = [tlv, words].map(
  (definition): FuzzedDecoder => ({
    name: `codec ${definition.codec?.form}`,
    seeds: ['0367340109bf800000', '03673401', '021b5000030c2567bd618d', '021b5000010c25'].map((hex) => Buffer.from(hex, 'hex')),
    decode: (input) =>
      keepsPromises(
        readPayload(bytes({ ...chirpStack, data: input.subarray(0, 240).toString('base64') }), {
          contentType: JSON_TYPE,
          receivedAt: 0,
          definition,
        }),
      ),
  }),
);

const documents = payloadDecoder(
  'department documents',
  JSON_TYPE,
  {
    ...dataset,
    document: {
      schema: {
        $defs: {
          site: {
            type: 'object',
            required: ['at'],
            properties: { ph: { type: ['number', 'null'], maximum: 14 }, code: { pattern: '^[A-Z]+-\\d*$' } },
          },
        },
        ...{ type: 'object', required: ['sites'], properties: { sites: { type: 'array', items: { $ref: '#/$defs/site' } } } },
        patternProperties: { '^x-': { anyOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#' } }] } },
      },
      ...{ items: '/sites', time: '/at', id: '/code', values: { ph: '/ph', state: '/more/0/state' } },
    },
  },
  [
    {
      'x-a': 'b',
      sites: [
        { code: 'W-1', at: '2026-11-01T00:00:00Z', ph: 7.2, more: [{ state: 'ok' }] },
        { code: 'W-', at: 5, ph: 14 },
      ],
    },
  ],
);

const segment =
  'QN=20261122093000001;ST=22;CN=2011;PW=123456;MN=88888880000001;Flag=5;CP=&&DataTime=20261122093000;a34004-Rtd=35.4,a34004-Flag=N;a21026-Rtd=7&&';
const hj212: FuzzedDecoder = {
  name: 'HJ 212 frames and segments',
  seeds: [frameHj212(segment), frameHj212(segment.replace('Flag=5;', 'Flag=7;PNUM=2;PNO=1;'))],
  decode(input) {
    const opened = unframeHj212(input);
    // What lies in a broken frame is tried as well: the CRC would keep nearly every change from the parser.
    const parsed = parseHj212(Buffer.from(opened.ok ? opened.value : input.subarray(6, -6)).toString('latin1'));
    return opened.ok && parsed.ok;
  },
};
const hj212Cutter: FuzzedDecoder = {
  name: 'HJ 212 cutter',
  seeds: [Buffer.concat([frameHj212(segment), frameHj212(segment)]), frameHj212(segment)],
  decode(input) {
    const cutter = new Hj212Cutter();
    let taken = 0;
    for (let at = 0; at < input.length; at += 97) {
      taken += cutter.push(input.subarray(at, at + 97)).filter(({ ok }) => ok).length;
      assert.ok(cutter.pendingBytes < HJ212_FRAME_MAX_BYTES, `${cutter.pendingBytes} bytes wait`);
    }
    return taken > 0;
  },
};

const hj212Readings = payloadDecoder('HJ 212 readings', HJ212_MEDIA_TYPE, dataset, [
  segment.replace('PW=123456;', ''),
  'ST=31;CN=2051;MN=8;CP=&&DataTime=20240229235900;011-Cou=1.5,011-Avg=-2,011-Flag=D;a21026-ZsMax=+7.25,a21026-Info=x&&',
]);

const bornMetrics: readonly SparkplugMetric[] = [
  { name: 'bdSeq', datatype: T.UInt64, value: { field: 'long', value: 3n } },
  { name: 'Room 1/Temperature', alias: '1', datatype: T.Double, value: { field: 'double', value: 4.6 } },
  { name: 'Offset', alias: '2', datatype: T.Int16, value: { field: 'int', value: 0xfffffffb } },
  { name: 'Total', alias: '18446744073709551615', datatype: T.UInt64, value: { field: 'long', value: 2n ** 63n } },
  { name: 'Label', alias: '4', datatype: T.String, value: { field: 'string', value: '冷库' } },
  { name: 'Table', datatype: T.DataSet, value: { field: 'dataset', value: new Uint8Array(3) } },
];
const sparkplugBirths = [bornMetrics, bornMetrics.slice(0, 2)].map((metrics) =>
  encodeSparkplug({ timestamp: RECEIVED_AT, seq: 0, uuid: 'u', metrics }),
);
const quality = [{ key: 'Quality', type: T.Int32, value: { field: 'int', value: 500 } }] as const;
/** By alias, which only the birth explains. */
const sparkplugByAlias = encodeSparkplug({
  timestamp: RECEIVED_AT,
  seq: 1,
  metrics: [
    { alias: '1', timestamp: RECEIVED_AT - 1000, isHistorical: true, value: { field: 'double', value: 5 }, properties: quality },
    { alias: '2', value: { field: 'int', value: 0xfffffffe } },
    { alias: '18446744073709551615', isNull: true },
  ],
});
const sparkplugByName = encodeSparkplug({
  timestamp: RECEIVED_AT,
  seq: 2,
  metrics: [
    { name: 'Speed', timestamp: RECEIVED_AT, datatype: T.Float, value: { field: 'float', value: 1.5 } },
    { name: 'On', datatype: T.Boolean, value: { field: 'boolean', value: true }, metadata: new Uint8Array(2) },
    { name: 'Since', datatype: T.DateTime, value: { field: 'long', value: 1_735_689_600_000n } },
  ],
});
const sparkplugDeath = encodeSparkplug({ timestamp: RECEIVED_AT, metrics: bornMetrics.slice(0, 1) });
const firstBirth = toSparkplugBirth(sparkplugBirths[0] as Uint8Array, 41);
assert.ok(firstBirth.ok);

function sparkplugDecoder(message: string, birth: SparkplugBirth | undefined, seeds: readonly Uint8Array[]): FuzzedDecoder {
  const topic = `spBv1.0/g/${message}/e${message.startsWith('D') ? '/d' : ''}`;
  const context = { contentType: SPARKPLUG_MEDIA_TYPE, receivedAt: RECEIVED_AT, definition: dataset, topic, birth };
  return {
    name: `Sparkplug ${message}${birth === undefined ? '' : ', born'}`,
    seeds,
    decode: (input) => keepsPromises(readPayload(input, context)),
  };
}

const sparkplug: readonly FuzzedDecoder[] = [
  {
    name: 'Sparkplug payloads',
    seeds: [...sparkplugBirths, sparkplugByAlias, sparkplugByName, sparkplugDeath],
    decode(input) {
      // A plain Uint8Array, so that what is cut from it is of the class that is cut from what is written.
      const decoded = decodeSparkplug(Uint8Array.from(input));
      if (!decoded.ok) return false;
      // Written and read again it says the same: nothing was taken for something else.
      const again = decodeSparkplug(encodeSparkplug(decoded.payload));
      assert.deepEqual(again, decoded);
      return true;
    },
  },
  {
    name: 'Sparkplug births',
    seeds: sparkplugBirths,
    decode(input) {
      const birth = toSparkplugBirth(input, 7);
      if (!birth.ok) return false;
      for (const property of birth.value.nameOf.keys()) assert.ok(isPropertyName(property), property);
      return true;
    },
  },
  sparkplugDecoder('DBIRTH', undefined, sparkplugBirths),
  sparkplugDecoder('DDATA', firstBirth.value, [sparkplugByAlias, sparkplugByName]),
  sparkplugDecoder('NDATA', undefined, [sparkplugByName]),
  sparkplugDecoder('NDEATH', firstBirth.value, [sparkplugDeath]),
];

const record = encodeRecord(HEADER, bytes({ t: 1, m: { a: 1 } }));
const records: FuzzedDecoder = { name: 'records', seeds: [record], decode: (input) => decodeRecord(input).ok };
function frameOf(body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}
const feed: FuzzedDecoder = {
  name: 'journal and feed frames',
  seeds: [Buffer.concat([0, 1, 2].map(() => frameOf(Buffer.concat([Buffer.from([0]), record]))))],
  decode(input) {
    let taken = 0;
    for (let at = 0; at < input.length; taken++) {
      const frame = readFrame(input, at, crc32);
      if (typeof frame === 'string') break;
      assert.ok(frame.end > at && frame.end <= input.length);
      at = frame.end;
    }
    return taken > 0;
  },
};

export const DECODERS: readonly FuzzedDecoder[] = [
  ...[scan, ownJson, senmlJson, senmlCbor, cce, ...uplinks, ...codecs, documents],
  ...[hj212, hj212Cutter, hj212Readings, ...sparkplug, records, feed],
];
