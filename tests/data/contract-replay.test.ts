/** Four years of eight real stations through the shipped contracts: at the pace of the clock, at once, and with restarts the same to the byte. */
import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { alertsOf, alertsWithRestarts, uciJournal } from '../harness/contract-replay.ts';
import { root } from '../harness/programs.ts';

const FOLDER = join(root, '../shared/data/air-beijing-uci');
const FROM = Date.UTC(2013, 2, 1, -8);
const TO = Date.UTC(2017, 2, 1, -8);
const RESTARTS = 20;

test('March 2013 to February 2017: alerts do not depend on speed or restarts', (t) => {
  if (!existsSync(FOLDER)) return t.skip('air-beijing-uci is not there');
  const files = globSync(join(FOLDER, 'PRSA_Data_*.csv.gz')).sort();
  const atOnce = [...uciJournal(files, FROM, TO, 'at-once')];
  const alerts = alertsOf(atOnce);
  assert.ok(alerts.length > 10_000, `${alerts.length} transitions`);
  assert.deepEqual(alertsWithRestarts(atOnce, RESTARTS, 1), alerts);
  // Twelve million ticks between the readings.
  assert.deepEqual(alertsOf(uciJournal(files, FROM, TO, 'paced')), alerts);
});
