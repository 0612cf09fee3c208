import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmCodes, applianceOf, cceFault, isCceTransmission, parseAbst } from './cce-interop.ts';

const meta = { schemaVersion: '0.8.1', transferId: 'T-1', transferSrc: 'org.example', transferredAt: '2026-11-22T10:00:00Z' };
const rtmReport = {
  ...{ AMID: 'fridge-7', CID: 'CHN', EDOP: '2024-01-01', EMFR: 'M', EMOD: 'X', EPQS: 'E006/001', ESER: 's1', EMSV: '1.0' },
  DLST: { TVC: { SID: 'p1', SMFR: 'M', SMOD: 'P' } },
};
const rtm = (record: object) => ({
  meta: { ...meta, transferType: 'rtm' },
  data: [{ ...rtmReport, records: [{ ABST: '20261122T095500Z', ALRM: null, BEMD: 14, EERR: null, TVC: 4.5, ...record }] }],
});
const emsReport = {
  ...{ CID: 'CHN', ADOP: '2024', AMFR: 'F', AMOD: 'Y', APQS: 'E003/001', ASER: 'a1', LDOP: '2024', LMFR: 'L', LMOD: 'Z', LPQS: 'E006/002' },
  ...{ LSER: 'l1', EDOP: '2024', EMFR: 'M', EMOD: 'X', EPQS: 'E006/001', ESER: 's1', EMSV: '1.0', LSV: '1.0' },
};
const ems = (record: object) => ({
  meta: { ...meta, transferType: 'ems' },
  data: [
    {
      ...emsReport,
      records: [
        {
          ABST: '20261122T095500Z',
          ALRM: null,
          BEMD: 14,
          BLOG: 3,
          CMPR: 10,
          DORV: 0,
          EERR: null,
          LERR: null,
          TAMB: 21,
          SVA: 900,
          TVC: 4,
          ...record,
        },
      ],
    },
  ],
});

test('what is right passes', () => {
  for (const right of [
    rtm({}),
    rtm({ TVC: null }),
    rtm({ vendor: { any: 1 } }),
    ems({}),
    ems({ TVC: null, LERR: 'E1' }),
    ems({ DCSV: 1 }),
  ]) {
    assert.ok(isCceTransmission(right));
    assert.equal(cceFault(right), undefined, JSON.stringify(right));
  }
});

test('the first fault is named by its JSON Pointer', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [7, ''],
    [{ meta }, ''],
    [{ ...rtm({}), meta: { ...meta, transferType: 'RTM' } }, '/meta/transferType'],
    [{ ...rtm({}), meta: { ...meta, transferType: 'rtm', transferredAt: '2026-11-22T10:00:00+08:00' } }, '/meta/transferredAt'],
    [{ ...rtm({}), data: [] }, '/data'],
    [{ ...rtm({}), data: [{ ...rtmReport, records: [] }] }, '/data/0/records'],
    [{ ...rtm({}), data: [{ ...rtm({}).data[0], EMSV: undefined, LAT: 91 }] }, '/data/0/EMSV'],
    [rtm({ ABST: '2026-11-22T09:55:00Z' }), '/data/0/records/0/ABST'],
    [rtm({ TVC: 60.1 }), '/data/0/records/0/TVC'],
    [rtm({ MSW: 'on' }), '/data/0/records/0/MSW'],
    [rtm({ EMSV: '2' }), '/data/0'],
    [ems({ TVC: null }), '/data/0/records/0/TVC'],
    [ems({ DCSV: 1, DCCD: 1 }), '/data/0/records/0'],
    [ems({ TAMB: null }), '/data/0/records/0/TAMB'],
    [{ ...rtm({}), data: [{ ...rtm({}).data[0], DLST: { TVC: { SID: 'a', SMFR: 'b', SMOD: 'c', x: 1 } } }] }, '/data/0/DLST/TVC'],
    [{ ...rtm({}), data: [{ ...rtm({}).data[0], DLST: { TAMB: { SID: 'a', SMFR: 'b', SMOD: 'c' } } }] }, '/data/0/DLST'],
  ];
  for (const [json, at] of cases) assert.equal(cceFault(json)?.at, at, JSON.stringify(cceFault(json)));
});

test('ABST is a time of the calendar', () => {
  assert.equal(parseAbst('20261122T095500Z'), Date.UTC(2026, 10, 22, 9, 55));
  assert.equal(parseAbst('20261122T095500.25Z'), Date.UTC(2026, 10, 22, 9, 55, 0, 250));
  for (const none of ['20260231T000000Z', '20261122T256000Z', '20261322T000000Z', '20261122T240000Z'])
    assert.ok(Number.isNaN(parseAbst(none)), none);
});

test('alarm codes are separated by blanks', () => {
  assert.deepEqual([...alarmCodes('HEAT  DOOR')], ['HEAT', 'DOOR']);
  for (const none of [null, undefined, '', ' ']) assert.equal(alarmCodes(none).size, 0);
});

test('an appliance is named by the supplier, else by its maker', () => {
  assert.equal(applianceOf({ AMID: 'a', records: [] }), '["a"]');
  assert.equal(applianceOf({ AMFR: 'F', AMOD: 'Y', ASER: 's', records: [] }), '["F","Y","s"]');
});
