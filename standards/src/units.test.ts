import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert, unitCodeOf } from './units.ts';

test('units as devices write them', () => {
  const samples: readonly (readonly [string, string | null])[] = [
    ['ug/m3', 'ug/m3'],
    ['\u00b5g/m3', 'ug/m3'],
    ['\u03bcg/m³', 'ug/m3'],
    ['mg/m³', 'mg/m3'],
    ['°C', 'Cel'],
    ['℃', 'Cel'],
    ['m/s', 'm/s'],
    ['', null],
    ['ppb', null],
    ['UG/M3', null],
    ['constructor', null],
  ];
  for (const [text, code] of samples) assert.equal(unitCodeOf(text), code, text);
});

test('conversion moves the decimal point and nothing else', () => {
  assert.equal(convert(0.0354, 'mg/m3', 'ug/m3'), 35.4);
  assert.equal(convert(1.005, 'mg/m3', 'µg/m3'), 1005);
  assert.equal(convert(1100, 'ug/m3', 'mg/m3'), 1.1);
  assert.equal(convert(1e-7, 'mg/m3', 'ug/m3'), 1e-4);
  assert.equal(convert(-0.3, 'ug/m3', 'mg/m3'), -0.0003);
  for (let thousandths = 0; thousandths < 5000; thousandths++) {
    const mg = thousandths / 1000;
    assert.equal(convert(mg, 'mg/m3', 'ug/m3'), thousandths);
    assert.equal(convert(thousandths, 'ug/m3', 'mg/m3'), mg);
  }
});

test('no conversion between different quantities or unknown units', () => {
  assert.equal(convert(20, '°C', 'Cel'), 20);
  assert.equal(convert(20, 'Cel', 'ug/m3'), null);
  assert.equal(convert(20, 'ppb', 'ug/m3'), null);
  assert.equal(convert(20, 'ppb', 'ppb'), null);
});
