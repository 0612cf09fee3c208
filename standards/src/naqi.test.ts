import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NAQI_SEVERE, type NaqiPollutant, naqi, naqiSubIndex } from './naqi.ts';

/** First and last concentration of each class, as the report prints them. */
const PRINTED: { readonly [pollutant in NaqiPollutant]: readonly (readonly [number, number])[] } = {
  pm10: [
    [0, 50],
    [51, 100],
    [101, 250],
    [251, 350],
    [351, 430],
  ],
  pm25: [
    [0, 30],
    [31, 60],
    [61, 90],
    [91, 120],
    [121, 250],
  ],
  no2: [
    [0, 40],
    [41, 80],
    [81, 180],
    [181, 280],
    [281, 400],
  ],
  o3: [
    [0, 50],
    [51, 100],
    [101, 168],
    [169, 208],
    [209, 748],
  ],
  co: [
    [0, 1],
    [1.1, 2],
    [2.1, 10],
    [10.1, 17],
    [17.1, 34],
  ],
  so2: [
    [0, 40],
    [41, 80],
    [81, 380],
    [381, 800],
    [801, 1600],
  ],
  nh3: [
    [0, 200],
    [201, 400],
    [401, 800],
    [801, 1200],
    [1201, 1800],
  ],
};
const INDICES = [
  [0, 50],
  [51, 100],
  [101, 200],
  [201, 300],
  [301, 400],
];
const POLLUTANTS = Object.keys(PRINTED) as NaqiPollutant[];

test('every band begins and ends at its index, and rises between', () => {
  for (const pollutant of POLLUTANTS) {
    const bands = PRINTED[pollutant];
    assert.deepEqual(
      bands.map((band) => band.map((c) => naqiSubIndex(pollutant, c))),
      INDICES,
      pollutant,
    );
    const last = bands.at(-1)?.[1] as number;
    let before = 0;
    for (let c = 0; c <= last; c += last / 5000) {
      const index = naqiSubIndex(pollutant, c) as number;
      assert.ok(index >= before, `${pollutant} ${c}`);
      before = index;
    }
    assert.equal(naqiSubIndex(pollutant, last + 1), NAQI_SEVERE);
    for (const none of [-1, Number.NaN, Infinity]) assert.equal(naqiSubIndex(pollutant, none), null);
  }
});

test('rounded to the last place of the table first, a half up', () => {
  assert.deepEqual(
    [50.4, 50.5].map((c) => naqiSubIndex('pm10', c)),
    [50, 51],
  );
  assert.deepEqual(
    [1.04, 1.05, 1.049999].map((c) => naqiSubIndex('co', c)),
    [50, 51, 50],
  );
});

test('three pollutants with 16 hours each, particles among them', () => {
  const full = (concentration: number) => ({ concentration, hours: 16 });
  const gases = { no2: full(80), so2: full(80), co: full(2) };
  assert.deepEqual(naqi({ ...gases, pm25: { concentration: 300, hours: 15 } }).reason, 'no-particles');
  assert.deepEqual(naqi({ pm25: full(300), no2: full(1) }).reason, 'fewer-than-three');
  assert.deepEqual(naqi({ ...gases, pm10: full(100) }), {
    aqi: 100,
    orMore: false,
    class: { upTo: 100, en: 'Satisfactory', zh: '满意' },
    prominent: ['pm10', 'no2', 'co', 'so2'],
    subIndex: { pm10: 100, no2: 100, co: 100, so2: 100 },
  });
  const severe = naqi({ ...gases, pm25: full(251) });
  assert.deepEqual([severe.aqi, severe.orMore, severe.class?.en], [401, true, 'Severe']);
});
