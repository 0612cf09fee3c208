import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContract } from '../parse-contract.ts';
import { AIR, contractRecord, contractText, HOUR_MS, START, TestJournal } from '../test-journal.ts';
import { alarmLoad } from './alarm-load.ts';
import { needsOf } from './contract-needs.ts';
import { differenceOf } from './difference.ts';
import { Trial } from './trial.ts';

const journal = new TestJournal();
const SETTING = [journal.dataset(AIR)];
const LOW = contractText('raise: { when: pm25 > 100.0 }, clear: { when: pm25 <= 80.0 }');
const HIGH = contractText('raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 80.0 }');

/** Hourly values of one station from START on. */
function tried(text: string, values: readonly number[]): Trial {
  const own = new TestJournal();
  const trial = new Trial(contractRecord(text), SETTING);
  for (const [hour, pm25] of values.entries()) {
    const at = START + hour * HOUR_MS;
    assert.ok(trial.apply(own.readings('s1', [[at, { pm25 }]]), at));
  }
  return trial;
}

const VALUES = [90, 120, 130, 70, 120, 70, 90, 120, 160, 70, 160];

test('a trial tells what would have been raised, and the same twice', () => {
  const trial = tried(LOW, VALUES);
  assert.deepEqual(
    trial
      .alerts()
      .map(({ raisedAt, clearedAt }) => [(raisedAt - START) / HOUR_MS, clearedAt === null ? null : (clearedAt - START) / HOUR_MS]),
    [
      [1, 3],
      [4, 5],
      [7, 9],
      [10, null],
    ],
  );
  assert.equal(tried(LOW, VALUES).digest, trial.digest);
  assert.notEqual(tried(HIGH, VALUES).digest, trial.digest);
  assert.notEqual(tried(LOW, VALUES.with(1, 121)).digest, trial.digest);
});

test('versions differ by what is new, lost, earlier and later', () => {
  const [low, high] = [tried(LOW, VALUES).alerts(), tried(HIGH, VALUES).alerts()];
  const stricter = differenceOf(high, low);
  assert.deepEqual(
    [stricter.added.length, stricter.lost.length, stricter.earlier.length, stricter.later.length, stricter.same],
    [0, 2, 0, 1, 1],
  );
  assert.equal(stricter.later[0]?.shiftMs, HOUR_MS);
  const laxer = differenceOf(low, high);
  assert.deepEqual([laxer.added.length, laxer.lost.length, laxer.earlier.length, laxer.later.length, laxer.same], [2, 0, 1, 0, 1]);
});

test('the load is counted by 10 minutes and by shifts of local time', () => {
  const minute = 60_000;
  const annunciations = Array.from({ length: 12 }, (_, i) => ({ at: START + 15 * HOUR_MS + i * 10_000, severity: 'minor' as const }));
  annunciations.push({ at: START + 16 * HOUR_MS + 5 * minute, severity: 'minor' });
  const load = alarmLoad(annunciations, { from: START, to: START + 24 * HOUR_MS }, () => 8 * HOUR_MS);
  assert.deepEqual([load.alarms, load.peakPer10Min, load.peakAt, load.floods], [13, 12, START + 15 * HOUR_MS, 1]);
  assert.equal(load.meanPer10Min, 13 / 144);
  // 23:00 local belongs to the shift from 16:00, 00:05 of the next day to the one from midnight.
  assert.deepEqual(
    load.shifts.map(({ from, alarms }) => [(from - START) / HOUR_MS, alarms]),
    [
      [8, 12],
      [16, 1],
    ],
  );
  assert.equal(alarmLoad([], { from: START, to: START + HOUR_MS }, () => 0).verdict, 'acceptable');
  const storm = Array.from({ length: 30 }, () => ({ at: START, severity: 'minor' as const }));
  assert.equal(alarmLoad(storm, { from: START, to: START + HOUR_MS }, () => 0).verdict, 'overloaded');
});

test('what a contract needs: its datasets, time for its windows, ticks for silence', () => {
  const parse = (text: string) => {
    const outcome = parseContract(text, new Map([['air', AIR]]));
    assert.ok(outcome.ok);
    return needsOf(outcome.contract);
  };
  const plain = parse(contractText('raise: { when: pm25 > 100.0, for: PT2H }, clear: { when: pm25 <= 80.0 }'));
  assert.deepEqual([plain.datasets, plain.ticks, plain.warmUpMs], [['air'], false, (2 + 3 + 3) * HOUR_MS]);
  assert.equal(parse(contractText('noData: { after: PT3H }')).ticks, true);
});
