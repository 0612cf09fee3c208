import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DaqiPollutant, daqi, daqiBand, daqiOf, isDaqiMean } from './daqi.ts';

const POLLUTANTS: readonly DaqiPollutant[] = ['pm25', 'pm10', 'no2', 'o3', 'so2'];

test('ten steps, each changing at the half above its upper bound', () => {
  for (const pollutant of POLLUTANTS) {
    let before = 1;
    for (let tenths = 0; tenths <= 12_000; tenths++) {
      const index = daqiOf(pollutant, tenths / 10) as number;
      assert.ok(index === before || (index === before + 1 && tenths % 10 === 5), `${pollutant} ${tenths / 10}`);
      before = index;
    }
    assert.equal(before, 10, pollutant);
    for (const none of [-1, Number.NaN, Infinity]) assert.equal(daqiOf(pollutant, none), null);
  }
});

test('highest pollutants, bands, capture of 75 %', () => {
  assert.deepEqual(daqi({ pm25: 70.4, o3: 240, no2: 1 }), { index: 9, band: 'High', highest: ['pm25', 'o3'] });
  assert.deepEqual(daqi({}), { index: null, band: null, highest: [] });
  assert.deepEqual([3, 4, 6, 7, 9, 10].map(daqiBand), ['Low', 'Moderate', 'Moderate', 'High', 'High', 'Very High']);
  assert.equal(isDaqiMean(18, 24), true);
  assert.equal(isDaqiMean(17, 24), false);
  assert.equal(isDaqiMean(0, 0), false);
});
