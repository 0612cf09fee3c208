import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WHO_AQG_2021, WHO_TARGETS, type WhoPeriod, type WhoPollutant, whoTargetMet } from './who-aqg.ts';

test('every level is met up to its value, and the targets get stricter', () => {
  for (const [pollutant, periods] of Object.entries(WHO_AQG_2021)) {
    for (const [period, levels] of Object.entries(periods)) {
      const set = WHO_TARGETS.map((target, i) => ({ target, level: levels[i] })).filter(({ level }) => level !== null);
      let weaker: string = 'none';
      let last = Infinity;
      for (const { target, level } of set) {
        const value = level as number;
        assert.ok(value < last, `${pollutant} ${period}`);
        assert.equal(whoTargetMet(pollutant as WhoPollutant, period as WhoPeriod, value), target);
        assert.equal(whoTargetMet(pollutant as WhoPollutant, period as WhoPeriod, value * (1 + Number.EPSILON)), weaker);
        weaker = target;
        last = value;
      }
      assert.equal(whoTargetMet(pollutant as WhoPollutant, period as WhoPeriod, 0), 'AQG');
    }
  }
});

test('no level, no concentration', () => {
  assert.equal(whoTargetMet('so2', 'year', 1), null);
  for (const none of [-1, Number.NaN, Infinity]) assert.equal(whoTargetMet('pm25', 'year', none), null);
  assert.equal(whoTargetMet('pm25', '24h', 37.5), 'IT3');
});
