/**
 * The shipped contracts of the cold chain over real logger files, against what the loggers printed themselves. A logger looks
 * every minute and logs every five or ten: a time that follows from its log is right within one logging interval.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MeanKineticTemperature } from '@airtight/standards/mkt.ts';
import { shippingAlarms } from '@airtight/standards/who-pqs-tr07.ts';
import { readFirstSheet } from '../import/biff8.ts';
import { streamOf } from '../import/compound-file.ts';
import { berlingerReport, type LoggedReading, loggedReadings, loggerTime, printedEvents } from '../testing/berlinger-report.ts';
import { ContractBench, HOUR_MS, MINUTE_MS, shippedText } from './contract-bench.ts';

/** A transport, by minutes since its first reading. */
function transport(type: 1 | 2, readings: readonly LoggedReading[], text = shippedText(`shipment-type${type}`)): ContractBench {
  const start = readings[0]?.at ?? 0;
  const bench = new ContractBench(`shipment-type${type}`, MINUTE_MS, { start, text });
  const producer = type === 1 ? 'freeze-sensitive-1' : 'freeze-dried-1';
  for (const { at, tvc } of readings) bench.read('logger', producer, (at - start) / MINUTE_MS, { temp: tvc });
  return bench;
}

const only = (rule: string, { told }: ContractBench): readonly string[] => told.filter((line) => line.startsWith(`${rule} `));

/** The largest kinetic temperature of 24 h that the contract sees lies above the one and not above the other. */
function assertMkt(readings: readonly LoggedReading[], above: number, upTo: number): void {
  const asking = (limit: number) => {
    const exact = shippedText('shipment-type1').replace('round_gb(mkt(day), 1)', 'mkt(day)');
    return only('mkt', transport(1, readings, exact.replaceAll('mkt_24h > 8.0', `mkt_24h > ${limit.toFixed(6)}`)));
  };
  assert.equal(asking(above).length > 0, true, `above ${above} °C`);
  assert.deepEqual(asking(upTo), [], `not above ${upTo} °C`);
}

test('Q-tag CLm: a run of 20 h, its excursions and its MKT as it printed them, and no alarm of an indicator', (t) => {
  const text = berlingerReport(t, 'QTagCLmdocLR__RCPJ00010_02_202211090128.txt');
  if (text === undefined) return;
  const readings = loggedReadings(text);
  const start = readings[0]?.at ?? 0;
  const bench = transport(1, readings);
  const raised = only('excursion', bench)
    .filter((line) => line.includes(' raise '))
    .map((line) => start + Number(line.split('@')[1]) * MINUTE_MS);
  // Alarms 1 and 5 of the device: above 8 °C and below 2 °C, 30 min each, as the rule has it.
  const printed = [...printedEvents(text, 1), ...printedEvents(text, 5)].sort((a, b) => a.from - b.from);
  assert.equal(printed.length, 4);
  const isNear = (at: number, alarmAt: number): boolean => Math.abs(at - alarmAt) <= 10 * MINUTE_MS;
  const told = printed.map(({ alarmAt }) => raised.some((at) => isNear(at, alarmAt)));
  // What lasted 32 min by the device holds for 20 min by its log, and where the log has four values in a row below 2 °C, 30 min, the
  // device, which looked every minute, saw it come back. A log of 10 min cannot tell.
  assert.deepEqual(told, [true, false, true, true]);
  const [short] = printed.filter((_, i) => !told[i]);
  const within = readings.filter(({ at }) => at >= (short?.from ?? 0) && at <= (short?.to ?? 0));
  assert.equal((within.at(-1)?.at ?? 0) - (within[0]?.at ?? 0), 20 * MINUTE_MS);
  const [unseen, ...more] = raised.filter((at) => !printed.some(({ alarmAt }) => isNear(at, alarmAt)));
  assert.deepEqual(more, []);
  const row = readings.findIndex(({ at }) => at === unseen);
  assert.deepEqual(
    readings.slice(row - 4, row + 2).map(({ tvc }) => tvc < 2),
    [false, true, true, true, true, false],
  );

  const mkt = Number(/MKT: (\S+)/.exec(text)?.[1]);
  // Its display cuts after one decimal. It was set to 83.0 kJ/mol: 0.002 °C against 83.144 here.
  assertMkt(readings, mkt, mkt + 0.1);
  for (const type of [1, 2] as const) {
    const samples = readings.map(({ at, tvc }) => ({ at, celsius: tvc }));
    assert.deepEqual(shippingAlarms(type, samples), []);
    assert.deepEqual(
      transport(type, readings).told.filter((line) => /^(hot-45|warm-30|warm-10|frozen) .*severe/.test(line)),
      [],
    );
  }
});

const ELITECH = join(import.meta.dirname, '../../../../shared/data/coldchain-elitech/EFI234105840_Ext_Temp_Recording.xls.gz');

/** The readings and the MKT it printed. undefined: the file is not there. */
function elitech(t: TestContext): { readonly readings: readonly LoggedReading[]; readonly mkt: number } | undefined {
  if (!existsSync(ELITECH)) return void t.skip('the Elitech workbook is not there');
  const rows = [...readFirstSheet(streamOf(gunzipSync(readFileSync(ELITECH)), ['Workbook', 'Book'])).values()];
  const readings = rows.flatMap(([number, time, tvc]) =>
    /^\d+$/.test(`${number}`) && typeof tvc === 'number' ? [{ at: loggerTime(`${time}`.slice(0, 16)) + seconds(`${time}`), tvc }] : [],
  );
  const printed = rows.find(([name]) => `${name}`.startsWith('Mean Kinetic Temperature'))?.[1];
  return { readings, mkt: Number(`${printed}`.replace(',', '.').replace('°C', '')) };
}

const seconds = (time: string): number => Number(time.slice(17)) * 1000;

test('Elitech RC-5+: 44 h of room temperature use up the 20 h of type 2; its MKT', (t) => {
  const file = elitech(t);
  if (file === undefined) return;
  const { readings, mkt } = file;
  assert.equal(readings.length, 16_063);
  const mean = new MeanKineticTemperature();
  for (const { tvc } of readings) mean.add(tvc);
  assert.equal(Math.trunc(mean.celsius * 10) / 10, mkt, 'of the whole run, as it printed it');
  // One in five minutes: what the rule counts is time, not readings.
  const thinned = readings.filter((_, i) => i % 30 === 0);
  const [alarm, ...more] = shippingAlarms(
    2,
    thinned.map(({ at, tvc }) => ({ at, celsius: tvc })),
  );
  assert.deepEqual([alarm?.limit.cel, (alarm?.at ?? 0) - (readings[0]?.at ?? 0), more.length], [10, 20 * HOUR_MS, 0]);
  const bench = transport(2, thinned);
  assert.deepEqual(only('warm-10', bench), ['warm-10 raise minor 600 @600', 'warm-10 severe @1200']);
  assert.deepEqual(only('warm-30', bench), []);
});

test('Fridge-tag UL: an alarm at the minute it printed, one for the whole of it; its probe was off for less than the platform waits', (t) => {
  const text = berlingerReport(t, 'FridgeTagUL__100800001215_202304201410.txt');
  if (text === undefined) return;
  // An ultra-cold store: above −60 °C for 60 min instead of above +8 °C for 10 h.
  const own = shippedText('vaccine-fridge')
    .replace('tvc > 8.0, for: PT10H', 'tvc > -60.0, for: PT1H')
    .replace('tvc >= 2.0 && tvc <= 8.0', 'tvc <= -60.0');
  const [, date = '', warmest, warmestAt = ''] = /Date: (2023-04-17)\n.*\n {2}Max T: (\S+), TS Max T: (\S+)/.exec(text) ?? [];
  // The log begins a quarter of an hour after the first measurement, which is the extreme that it printed.
  const first = { at: loggerTime(`${date} ${warmestAt}`), tvc: Number(warmest) };
  const readings = [first, ...loggedReadings(text)];
  const bench = new ContractBench('vaccine-fridge', MINUTE_MS, { start: first.at, text: own });
  const minute = (at: number): number => (at - first.at) / MINUTE_MS;
  for (const { at, tvc } of readings) bench.read('coldchain', 'f', minute(at), { tvc });
  const printed = /t Acc: 474, TS A: (\S+),/.exec(text)?.[1] ?? '';
  assert.deepEqual(only('heat', bench), [`heat raise severe 0 @${minute(loggerTime(`${date} ${printed}`))}`]);

  // "Ext Sensor timeout: t AccST: 17": the probe was off for 17 min of the day when the report was made; silence is 45 min here.
  const last = minute(readings.at(-1)?.at ?? 0);
  assert.match(text, /Ext Sensor timeout:\n {3}t AccST: 17,/);
  for (let at = last; at < last + 45; at += 0.5) bench.tick(at);
  assert.deepEqual(only('silent', bench), []);
  assert.deepEqual(only('silent', bench.tick(last + 45)), [`silent raise minor ${last} @${last + 45}`]);
});

test('Fridge-tag 2: 59 days above +8 °C from end to end are one alert, ten hours after they began', (t) => {
  const text = berlingerReport(t, 'FridgeTag2__130400191542_202302140605.txt');
  if (text === undefined) return;
  const days = [...text.matchAll(/Date: (\S+)\n {2}Min T: (\S+),[\s\S]*?1:\n {4}t Acc: (\d+)/g)].map(([, date, min, heat]) => ({
    ...{ at: loggerTime(`${date} 00:00`), min: Number(min), heatMinutes: Number(heat) },
  }));
  const whole = days.filter(({ heatMinutes }) => heatMinutes === 24 * 60).sort((a, b) => a.at - b.at);
  assert.equal(whole.length, 59);
  const bench = new ContractBench('vaccine-fridge', MINUTE_MS, { start: whole[0]?.at ?? 0 });
  // Whatever the fridge had at a quarter of an hour, it was not below the day's lowest.
  for (const [day, { min }] of whole.entries())
    for (let minute = 0; minute < 24 * 60; minute += 15) bench.read('coldchain', 'f', day * 24 * 60 + minute, { tvc: min });
  assert.deepEqual(bench.told, ['heat raise severe 0 @600']);
});
