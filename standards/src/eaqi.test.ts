import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EAQI_BANDS, type EaqiPollutant, eaqi, eaqiOf } from './eaqi.ts';

const POLLUTANTS: readonly EaqiPollutant[] = ['pm25', 'pm10', 'o3', 'no2', 'so2'];

test('an upper bound belongs to its band, the next double above it does not; never falling', () => {
  for (const pollutant of POLLUTANTS) {
    let before = 1;
    const bounds: number[] = [];
    for (let c = 0; c <= 400; c++) {
      const index = eaqiOf(pollutant, c) as number;
      assert.ok(index === before || index === before + 1, `${pollutant} ${c}`);
      if (index > before) {
        bounds.push(c - 1);
        assert.equal(eaqiOf(pollutant, (c - 1) * (1 + Number.EPSILON)), index);
      }
      before = index;
    }
    assert.equal(bounds.length, EAQI_BANDS.length - 1, pollutant);
    for (const none of [-1, Number.NaN, Infinity]) assert.equal(eaqiOf(pollutant, none), null);
  }
});

test('the worst pollutants make the index', () => {
  assert.deepEqual(eaqi({ pm25: 51, no2: 61, o3: 10 }), { index: 4, worst: ['pm25', 'no2'] });
  assert.deepEqual(eaqi({ pm25: Number.NaN, so2: undefined }), { index: null, worst: [] });
});
