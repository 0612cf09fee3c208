import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type UsAqiColumn, usAqi, usAqiCategory, usIndex } from './us-aqi.ts';

/** Column, decimals kept, first and last value of the column in units of the last place, whether the last line goes on. */
const COLUMNS: readonly (readonly [UsAqiColumn, number, number, number, boolean])[] = [
  ['o3_8h', 3, 0, 200, false],
  ['o3_1h', 3, 125, 604, true],
  ['pm25_24h', 1, 0, 3254, true],
  ['pm10_24h', 0, 0, 604, true],
  ['co_8h', 1, 0, 504, true],
  ['so2_1h', 0, 0, 304, false],
  ['so2_24h', 0, 305, 1004, true],
  ['no2_1h', 0, 0, 2049, true],
];

test('every column rises without a gap and is blank outside', () => {
  for (const [column, decimals, first, last, goesOn] of COLUMNS) {
    const scale = 10 ** decimals;
    let before = -1;
    for (let units = first; units <= last; units++) {
      const index = usIndex(column, units / scale);
      assert.ok(index !== null && index >= before, `${column} ${units}`);
      const text = (units / scale).toFixed(decimals);
      assert.equal(usIndex(column, Number(`${text}${decimals === 0 ? '.' : ''}999`)), index, `${column} ${text} and more digits`);
      before = index;
    }
    if (first > 0) assert.equal(usIndex(column, (first - 1) / scale), null, column);
    if (goesOn) assert.ok((usIndex(column, (last * 2) / scale) as number) > 500, column);
    else assert.equal(usIndex(column, (last + 1) / scale), null, column);
    for (const none of [Number.NaN, Infinity, -1]) assert.equal(usIndex(column, none), null, column);
  }
});

test('the value at 500, and the same line above it', () => {
  assert.equal(usIndex('o3_1h', 0.604), 500);
  assert.equal(usIndex('pm25_24h', 325.4), 500);
  assert.equal(usIndex('pm10_24h', 604), 500);
  assert.equal(usIndex('co_8h', 50.4), 500);
  assert.equal(usIndex('so2_24h', 1004), 500);
  assert.equal(usIndex('no2_1h', 2049), 500);
  // 199/999 · (4254 − 2255) + 301 = 699.2
  assert.equal(usIndex('pm25_24h', 425.4), 699);
});

test('the equation wins over the printed example', () => assert.equal(usIndex('o3_1h', 0.162), 147));

test('sulphur dioxide: the day decides from 305 ppb in the hour', () => {
  assert.equal(usAqi({ so2_1h: 304, so2_24h: 100 }).aqi, 200);
  assert.equal(usAqi({ so2_1h: 400, so2_24h: 304.9 }).aqi, 200);
  assert.equal(usAqi({ so2_1h: 400 }).aqi, 200);
  assert.equal(usAqi({ so2_1h: 400, so2_24h: 305 }).aqi, 201);
  assert.equal(usAqi({ so2_24h: 10 }).aqi, null);
});

test('the main pollutants are all that reach the AQI; nothing gives nothing', () => {
  assert.deepEqual(usAqi({ pm25_24h: 35.4, pm10_24h: 154, co_8h: 1 }), {
    aqi: 100,
    category: usAqiCategory(51),
    main: ['pm25', 'pm10'],
    index: { pm25: 100, pm10: 100, co: 11 },
  });
  assert.deepEqual(usAqi({ pm25_24h: -5, o3_1h: 0.1 }), { aqi: null, category: null, main: [], index: {} });
  assert.deepEqual(
    [50, 51, 300, 301, 900].map((aqi) => usAqiCategory(aqi).en),
    ['Good', 'Moderate', 'Very Unhealthy', 'Hazardous', 'Hazardous'],
  );
});
