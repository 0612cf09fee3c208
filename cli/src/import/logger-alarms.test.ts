/**
 * Alarms and mean kinetic temperature that loggers printed themselves, against what their readings give. A logger looks every
 * minute and logs every five or ten: a time that is derived from its readings is right within one logging interval.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeanKineticTemperature } from '@airtight/standards/mkt.ts';
import { alarms, FRZE, HEAT } from '@airtight/standards/who-pqs.ts';
import { loggerTime as at, berlingerReport, type LoggedReading, loggedReadings, printedEvents } from '../testing/berlinger-report.ts';

const MINUTE_MS = 60_000;

/** Stretches out of range with the bounds of their beginning and end: the readings on either side of them. */
function stretches(readings: readonly LoggedReading[], isOut: (tvc: number) => boolean) {
  const found: { after: number; first: number; last: number; until: number }[] = [];
  for (const [i, { at: time, tvc }] of readings.entries()) {
    if (!isOut(tvc)) continue;
    const until = readings[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const before = readings[i - 1];
    if (before !== undefined && isOut(before.tvc)) Object.assign(found.at(-1) as object, { last: time, until });
    else found.push({ after: before?.at ?? Number.NEGATIVE_INFINITY, first: time, last: time, until });
  }
  return found;
}

const FRIDGE_TAG_DAY =
  /Date: (\S+)\n {2}Min T: (\S+), TS Min T: \S+\n {2}Max T: (\S+), TS Max T: \S+\n[\s\S]*?0:\n {4}t Acc: (\d+).*\n {3}1:\n {4}t Acc: (\d+)/g;

test('Fridge-tag 2: the minutes in alarm of each day are what its extremes allow, and its limits those of WHO PQS', (t) => {
  const text = berlingerReport(t, 'FridgeTag2__130400191542_202302140605.txt');
  if (text === undefined) return;
  const limits = [...text.matchAll(/T AL: (\S+), t AL: (\d+)/g)].map(([, celsius, minutes]) => [
    Number(celsius),
    Number(minutes) * MINUTE_MS,
  ]);
  assert.deepEqual(limits, [
    [FRZE.atOrBelowCel, FRZE.continuousMs],
    [HEAT.aboveCel, HEAT.continuousMs],
  ]);
  const created = /TS Report Creation: (\S+ \S+)/.exec(text)?.[1] ?? '';
  const days = [...text.matchAll(FRIDGE_TAG_DAY)];
  for (const [, date = '', min, max, freeze, heat] of days) {
    // The minute in which the report was made counts.
    const minutes = created.startsWith(date) ? (at(created) - at(`${date} 00:00`)) / MINUTE_MS + 1 : 1440;
    if (Number(min) > HEAT.aboveCel) assert.equal(Number(heat), minutes, date);
    else if (Number(max) <= HEAT.aboveCel) assert.equal(Number(heat), 0, date);
    if (Number(min) > FRZE.atOrBelowCel) assert.equal(Number(freeze), 0, date);
  }
  assert.equal(days.length, 60);
  // Two days above the limit from end to end: our alarm comes ten hours after it began.
  const [, newest = ''] = days[1] as RegExpExecArray;
  const samples = [0, 600, 1439].map((minute) => ({ at: at(`${newest} 00:00`) + minute * MINUTE_MS, tvc: 17 }));
  assert.deepEqual(
    alarms(samples).map(({ code, at: due }) => [code, due - (samples[0]?.at as number)]),
    [['HEAT', HEAT.continuousMs]],
  );
});

test('Fridge-tag UL: the upper alarm comes at the minute the logger printed, and its minutes are those above the limit', (t) => {
  const text = berlingerReport(t, 'FridgeTagUL__100800001215_202304201410.txt');
  if (text === undefined) return;
  const limit = { aboveCel: -60, forMs: 60 * MINUTE_MS };
  assert.ok(text.includes(`T AL: ${limit.aboveCel}.0, t AL: 60`));
  // The logger's own extreme is its first measurement; the rows of its first quarter of an hour are empty.
  const [, date = '', warmest, warmestAt = ''] = /Date: (2023-04-17)\n.*\n {2}Max T: (\S+), TS Max T: (\S+)/.exec(text) ?? [];
  const readings = [{ at: at(`${date} ${warmestAt}`), tvc: Number(warmest) }, ...loggedReadings(text)];
  const [only, ...more] = stretches(readings, (tvc) => tvc > limit.aboveCel);
  assert.deepEqual(more, []);
  const printed = /t Acc: 474, TS A: (\S+),/.exec(text)?.[1] ?? '';
  assert.equal((only?.first ?? 0) + limit.forMs, at(`${date} ${printed}`));
  assert.equal((at('2023-04-18 00:00') - (only?.first ?? 0)) / MINUTE_MS, 474);
});

test('Q-tag CLm: single and cumulative alarms at the times the logger printed, and its MKT', (t) => {
  const text = berlingerReport(t, 'QTagCLmdocLR__RCPJ00010_02_202211090128.txt');
  if (text === undefined) return;
  const readings = loggedReadings(text);
  const intervalMs = 10 * MINUTE_MS;
  const [tooWarm, tooCold] = [(tvc: number) => tvc > 8, (tvc: number) => tvc < 2];

  for (const [alarm, isOut, count] of [
    [1, tooWarm, 1],
    [5, tooCold, 3],
  ] as const) {
    const runs = stretches(readings, isOut);
    const events = printedEvents(text, alarm);
    assert.equal(events.length, count);
    for (const { from, alarmAt, to } of events) {
      const run = runs.find(({ after, first }) => from > after && from <= first);
      assert.ok(run !== undefined, new Date(from).toISOString());
      assert.equal(alarmAt - from, 30 * MINUTE_MS);
      if (to !== undefined) assert.ok(to > run.last && to <= run.until, new Date(to).toISOString());
    }
    // The first alarm by the readings alone.
    const first = runs.find((run) => run.last - run.first >= 30 * MINUTE_MS);
    assert.ok(Math.abs((first?.first ?? 0) + 30 * MINUTE_MS - (events[0]?.alarmAt ?? 0)) <= intervalMs);
  }

  for (const [alarm, isOut, printedMinutes] of [
    [2, tooWarm, 219],
    [4, tooCold, 598],
  ] as const) {
    assert.equal(printedEvents(text, alarm).length, 1);
    const runs = stretches(readings, isOut);
    const [least, most] = runs.reduce(
      ([low, high], { after, first, last, until }) => [
        low + last - first,
        high + Math.min(until, last + intervalMs) - Math.max(after, first - intervalMs),
      ],
      [0, 0],
    );
    assert.ok(printedMinutes * MINUTE_MS >= least && printedMinutes * MINUTE_MS <= most, `${printedMinutes}: ${least} to ${most}`);
  }

  const mean = new MeanKineticTemperature(83);
  for (const { tvc } of readings) mean.add(tvc);
  // The display cuts after one decimal.
  assert.equal(Math.trunc(mean.celsius * 10) / 10, Number(/MKT: (\S+)/.exec(text)?.[1]));
});
