import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyConversion, conversionOf, convert, isUnit } from './units.ts';

test('units as devices write them are the UCUM unit', () => {
  const samples: readonly (readonly [string, string])[] = [
    ['\u00b5g/m3', 'ug/m3'],
    ['\u03bcg/m³', 'ug/m3'],
    ['ug/m^3', 'ug/m3'],
    ['µg·m-3', 'ug/m3'],
    ['ug.m-3', 'ug/m3'],
    ['ug m-3', 'ug/m3'],
    ['mg/m³', 'mg/m3'],
    ['µg·m⁻³', 'ug/m3'],
    ['°C', 'Cel'],
    ['℃', 'Cel'],
    ['C', 'Cel'],
    ['%RH', '%'],
    ['％', '%'],
    ['mbar', 'hPa'],
    ['ppb', '[ppb]'],
    ['count', '1'],
    ['{count}', '1'],
    ['m.s-1', 'm/s'],
    ['kW.h', 'kW.h{total}'],
    ['10*3/ul', '10^3/ul'],
    ['J', 'N.m'],
    ['W', 'J/s'],
    ['V', 'W/A'],
    ['C', 'A.s'],
    ['l/m2', 'mm'],
  ];
  for (const [text, code] of samples) {
    const conversion = conversionOf(text, code);
    assert.ok(
      typeof conversion !== 'string' && conversion.identical,
      `${text} is ${code}: ${JSON.stringify(conversion, (_, v) => String(v))}`,
    );
  }
});

test('what is no unit, and what could be two of one kind', () => {
  for (const text of [
    '',
    ' ',
    'furlong',
    'UG/M3',
    'constructor',
    '__proto__',
    'ppt',
    'mg/Nm3',
    'm/',
    '/',
    'm..s',
    '(m',
    'm3)',
    'm99',
    'x'.repeat(100),
  ])
    assert.equal(text === '/' ? false : isUnit(text), false, text);
  assert.equal(isUnit('/'), true, 'SenML: a ratio');
});

test('exact conversion, rounded once', () => {
  const cases: readonly (readonly [number, string, string, number])[] = [
    [0.0354, 'mg/m3', 'ug/m3', 35.4],
    [1.005, 'mg/m3', 'µg/m3', 1005],
    [1100, 'ug/m3', 'mg/m3', 1.1],
    [1e-7, 'mg/m3', 'ug/m3', 1e-4],
    [-0.3, 'ug/m3', 'mg/m3', -0.0003],
    [98.6, '°F', 'Cel', 37],
    [-40, '[degF]', 'Cel', -40],
    [277.75, 'K', 'Cel', 4.6],
    [4.6, 'Cel', 'K', 277.75],
    [4.6, 'Cel', '[degF]', 40.28],
    [101325, 'Pa', 'hPa', 1013.25],
    [101.325, 'kPa', 'hPa', 1013.25],
    [1013.25, 'mbar', 'hPa', 1013.25],
    [1.01325, 'bar', 'hPa', 1013.25],
    [760, 'mmHg', 'hPa', 1013.250144354],
    [29.92, 'inHg', 'hPa', 1013.2074811900272],
    [36, 'km/h', 'm/s', 10],
    [10, 'kn', 'm/s', 5.144444444444445],
    [10, 'mph', 'm/s', 4.4704],
    [55.3, '%RH', '%', 55.3],
    [0.553, '1', '%', 55.3],
    [55.3, '%', '1', 0.553],
    [1, 'in', 'mm', 25.4],
    [90, 'min', 'h', 1.5],
    [7200, 's', 'h', 2],
    [180, 'deg', 'rad', Math.PI],
    [1, 'kW.h', 'J', 3_600_000],
    [0, '°F', 'Cel', -17.77777777777778],
  ];
  for (const [value, from, to, wanted] of cases) assert.equal(convert(value, from, to), wanted, `${value} ${from} in ${to}`);
  for (let thousandths = 0; thousandths < 5000; thousandths++) {
    const mg = thousandths / 1000;
    assert.equal(convert(mg, 'mg/m3', 'ug/m3'), thousandths);
    assert.equal(convert(thousandths, 'ug/m3', 'mg/m3'), mg);
  }
});

test('a volume fraction needs the molar mass and a reference state', () => {
  const ozone = { molarMass: 47.9982 };
  assert.equal(conversionOf('ppb', 'ug/m3'), 'state');
  assert.equal(conversionOf('ppb', 'ug/m3', ozone), 'state');
  const at = (referenceState: '298.15K' | '293.15K' | '273.15K') => convert(1, 'ppb', 'ug/m3', { ...ozone, referenceState });
  // reference tables of the standards: 1.9619, 1.9949, 2.1414
  assert.deepEqual([at('298.15K')?.toFixed(4), at('293.15K')?.toFixed(4), at('273.15K')?.toFixed(4)], ['1.9619', '1.9949', '2.1414']);
  const gas = { ...ozone, referenceState: '298.15K' } as const;
  assert.equal(convert(convert(70, 'ppb', 'ug/m3', gas) as number, 'ug/m3', 'ppb', gas), 70);
  assert.equal(convert(0.07, 'ppm', 'ug/m3', gas), convert(70, 'ppb', 'ug/m3', gas));
});

test('no conversion between different quantities or unknown units', () => {
  assert.equal(conversionOf('Cel', 'ug/m3'), 'incompatible');
  assert.equal(conversionOf('hPa', 'Cel'), 'incompatible');
  assert.equal(conversionOf('mol', '1'), 'incompatible');
  assert.equal(conversionOf('furlong', 'm'), 'unknown');
  assert.equal(conversionOf('m', 'furlong'), 'unknown');
  assert.equal(convert(20, 'Cel', 'ug/m3'), null);
});

test('an identical unit leaves the value alone, whatever it is', () => {
  const conversion = conversionOf('°C', 'Cel');
  assert.ok(typeof conversion !== 'string');
  for (const value of [0.1 + 0.2, -0, 1e308, 5e-324]) assert.ok(Object.is(applyConversion(value, conversion), value));
});

test('a power of ten moves the point, to the same double as the fractions come to', () => {
  for (const [from, to, tens] of [
    ['ug/m3', 'mg/m3', -3],
    ['kPa', 'Pa', 3],
    ['h', 's', null],
    ['Cel', 'K', null],
  ] as const) {
    const conversion = conversionOf(from, to);
    assert.ok(typeof conversion !== 'string');
    assert.equal(conversion.tens, tens);
    for (const value of [0, -0, 35.4, 0.1 + 0.2, -1234.5678, 1e21, 1.5e-7, 5e-324, 9_007_199_254_740_992])
      assert.ok(Object.is(applyConversion(value, conversion), applyConversion(value, { ...conversion, tens: null })), `${value} ${from}`);
  }
});
