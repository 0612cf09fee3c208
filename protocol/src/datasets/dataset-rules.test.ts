import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetDefinition } from '../control.ts';
import type { Measurement } from '../records/measurement.ts';
import { checkDatasetDefinition } from './dataset-definition.ts';
import { rulesOf } from './dataset-rules.ts';

const title = { zh: '一', en: 'one' };
const air: DatasetDefinition = {
  type: 'dataset',
  dataset: 'air',
  title,
  cadenceMs: 3_600_000,
  unknownProperties: 'refuse',
  payloadMaxBytes: 4096,
  clock: { futureMs: 1000, lateMs: 1000, refuseBeforeMs: 1_000_000 },
  referenceState: '298.15K',
  properties: {
    pm25: { title, unit: 'ug/m3', min: 0, max: 1500, required: true },
    o3: { title, unit: 'ug/m3', molarMass: 47.9982 },
    no2: { title, unit: 'ug/m3' },
  },
};
const T = 2_000_000;
const faultOf = (measurements: readonly Measurement[], time = T, definition = air) => {
  const fault = rulesOf(definition).faultOf([{ time, measurements }]);
  return fault === undefined ? undefined : [fault.code, fault.detail];
};
const pm25 = { property: 'pm25', result: 1 };

test('readings are judged by the definition, and the reason names property and unit', () => {
  assert.equal(faultOf([pm25]), undefined);
  assert.equal(
    faultOf([
      { ...pm25, unit: 'mg/m³' },
      { property: 'o3', result: 70, unit: 'ppb' },
    ]),
    undefined,
  );
  assert.deepEqual(faultOf([{ ...pm25, unit: 'furlong' }]), ['UNIT_UNKNOWN', `pm25: "furlong"; the dataset's unit is "ug/m3"`]);
  assert.deepEqual(faultOf([{ ...pm25, unit: 'Cel' }]), ['UNIT_INCOMPATIBLE', 'pm25: "Cel" is no unit of what is measured in "ug/m3"']);
  const stateless = ['UNIT_INCOMPATIBLE', `no2: "ppb" to "ug/m3" needs the dataset's molarMass and referenceState`];
  assert.deepEqual(faultOf([pm25, { property: 'no2', result: 1, unit: 'ppb' }]), stateless);
  assert.deepEqual(faultOf([{ ...pm25, unit: 'mg/m3', result: 1e308 }]), ['NUMBER_NOT_FINITE', 'pm25']);
  assert.deepEqual(faultOf([pm25, { property: 'constructor', result: 1 }]), ['PROPERTY_UNKNOWN', 'constructor']);
  assert.deepEqual(faultOf([{ property: 'o3', result: 1 }]), ['PROPERTY_MISSING', 'pm25']);
  assert.deepEqual(faultOf([pm25], 999_999), ['TIME_TOO_EARLY', '999999 ms; the earliest is 1000000']);
  const { unknownProperties: _, ...lax } = air;
  assert.equal(faultOf([pm25, { property: 'radon', result: 1, unit: 'furlong' }], T, lax), undefined);
});

test('odd units are not remembered without bound', () => {
  const rules = rulesOf({ ...air });
  for (let i = 0; i < 5000; i++) assert.ok(rules.takesUnit('no2', `${i + 1}.ug/m3`));
});

test('definitions that nobody could admit by are refused with the member that is wrong', () => {
  assert.ok(checkDatasetDefinition(air).ok);
  for (const retentionDays of [0.001, 1, 365.25, 366_000]) assert.ok(checkDatasetDefinition({ ...air, retentionDays }).ok);
  for (const retentionDays of [0, -1, 366_001, Number.NaN, '30', null])
    assert.equal(checkDatasetDefinition({ ...air, retentionDays }).ok, false, String(retentionDays));
  const { unknownProperties: _, payloadMaxBytes: _1, clock: _2, referenceState: _3, ...old } = air;
  assert.ok(checkDatasetDefinition(old).ok, 'a definition of before is one still');
  const property = (member: object) => ({ ...air, properties: { pm25: { title, unit: 'ug/m3', ...member } } });
  const faults: readonly (readonly [unknown, RegExp])[] = [
    [null, /object/],
    [[], /object/],
    [{ ...air, type: 'device' }, /type/],
    [{ ...air, dataset: 'sys.users' }, /dataset/],
    [{ ...air, dataset: 'alerts' }, /dataset/],
    [{ ...air, title: 'Air' }, /title/],
    [{ ...air, cadenceMs: 0 }, /cadenceMs/],
    [{ ...air, properties: [] }, /properties/],
    [{ ...air, properties: { '1a': { title, unit: '1' } } }, /properties: 1a/],
    [property({ unit: 'furlong' }), /properties: pm25: unit/],
    [property({ min: 2, max: 1 }), /min and max/],
    [property({ min: '0' }), /min and max/],
    [property({ required: 1 }), /required/],
    [property({ molarMass: 0 }), /molarMass/],
    [{ ...air, unknownProperties: 'drop' }, /unknownProperties/],
    [{ ...air, payloadMaxBytes: 1_000_000 }, /payloadMaxBytes/],
    [{ ...air, referenceState: '25C' }, /referenceState/],
    [{ ...air, referenceState: 'constructor' }, /referenceState/],
    [{ ...air, clock: { lateMs: -1 } }, /clock: lateMs/],
    [{ ...air, index: 'us-aqi' }, /index/],
  ];
  for (const [definition, wanted] of faults) {
    const checked = checkDatasetDefinition(definition);
    assert.ok(!checked.ok && checked.code === 'DATASET_INVALID', String(wanted));
    assert.match(checked.detail, wanted);
  }
});
