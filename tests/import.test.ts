/**
 * Files on the whole way: dry run, import, second run, overlapping read-outs, truncated and broken files, interrupts; every
 * value of a file is an observation once, and history raises no alert.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AlertItem, ImportItem, ObservationItem, Producer } from '@airtight/protocol';
import { type JournalRecord, readJournal } from './harness/evidence.ts';
import { type Product, startProduct } from './harness/product.ts';
import { airtight, type Finished, root, sharedFile } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

const DAYS = ['20190101', '20190102', '20190103'];
/** Readings of those days: one for each station and hour with a value, counted by hand from the files. */
const DAY_READINGS = 32_872;

const folder = mkdtempSync(join(tmpdir(), 'airtight-import-files-'));
let product: Product;

before(async () => {
  product = await startProduct();
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly accepted: number;
  readonly repeats: number;
  readonly revisions: number;
  readonly quarantined: number;
  readonly skipped: number;
  readonly unfinished: number;
  readonly problems: number;
  readonly values: number;
  readonly files: readonly { readonly readings: number; readonly values: number; readonly truncatedAtLine: number | null }[];
}

const importFiles = (...args: string[]): Promise<Finished> => airtight(['import', '--data', product.dataDir, ...args]);

async function imported(...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await importFiles('--json', ...args);
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout) as Result;
}

/** Records of the producers whose name begins so. */
async function recordsOf(prefix: string): Promise<JournalRecord[]> {
  return (await readJournal(product)).filter(({ header }) => header.producer.startsWith(prefix) && !header.dataset.startsWith('sys.'));
}

/** What one record says, whoever reads it: producer and payload; two of a kind would be a double. */
function distinct(records: readonly JournalRecord[]): number {
  return new Set(records.map(({ header, payload }) => `${header.producer} ${Buffer.from(payload).toString()}`)).size;
}

function csv(name: string, lines: readonly string[], ending = '\n'): string {
  const file = join(folder, name);
  writeFileSync(file, lines.join('\n') + ending);
  return file;
}

const MAPPING = `
mapping: airtight-csv@1
name: own
dataset: air
time: { columns: [time], pattern: "YYYY-MM-DD HH:mm", zone: "+08:00" }
producer: { column: station, prefix: own- }
values:
  - { column: PM2.5, property: pm25, unit: ug/m3 }
`;

test('a day of the national network: a dry run touches nothing, a run brings all of it in once, a second run adds nothing', async (t) => {
  const file = sharedFile(t, 'data', 'air-china-cnemc', `china_sites_${DAYS[0]}.csv.gz`);
  if (file === undefined) return;
  const dry = JSON.parse((await importFiles('--json', '--dry-run', file)).stdout) as Result & { dryRun: boolean };
  assert.deepEqual([dry.dryRun, dry.files[0]?.readings, dry.files[0]?.values], [true, DAY_READINGS, 482_538]);
  assert.equal((await product.all<Producer>('producers')).filter(({ producer }) => producer.startsWith('cnemc-')).length, 0);
  const first = await imported(file);
  assert.deepEqual([first.accepted, first.repeats, first.revisions, first.quarantined, first.problems], [DAY_READINGS, 0, 0, 0, 0]);
  const second = await imported(file);
  assert.deepEqual([second.accepted, second.skipped], [0, DAY_READINGS]);
  const again = await imported('--again', file);
  assert.deepEqual([again.accepted, again.revisions, again.repeats], [0, 0, DAY_READINGS]);
  const records = await recordsOf('cnemc-');
  assert.deepEqual([records.length, distinct(records)], [DAY_READINGS, DAY_READINGS]);
  assert.ok(records.every(({ header }) => header.door === 'file'));
  await product.untilProjected();
  await compareDay(file, '1003A');
  assert.deepEqual(await product.all<AlertItem>('alerts', { state: 'all' }), [], 'PM2.5 of 300 in an old file pages nobody');
  const [item] = await product.all<ImportItem>('imports');
  assert.deepEqual([item?.format, item?.counts.accepted, item?.counts.values, item?.alerting], ['cnemc', DAY_READINGS, 482_538, false]);
  assert.equal(item?.firstTime, '2018-12-31T16:00:00.000Z');
  assert.ok(Number(item?.last) - Number(item?.first) >= DAY_READINGS - 1);
});

/** Every value of one station's column, read here without the product's code, against the observations. */
async function compareDay(file: string, station: string): Promise<void> {
  const [header = '', ...rows] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  const column = header.split(',').indexOf(station);
  const expected = rows.flatMap((row) => {
    const fields = row.split(',');
    const [date = '', hour = '', type = ''] = fields;
    if (fields[column] === '') return [];
    const time = Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6)), Number(hour) - 8);
    const property = type === 'AQI' ? 'aqi_reported' : type.toLowerCase().replace('.', '');
    const unit = type === 'AQI' ? '1' : type.startsWith('CO') ? 'mg/m3' : 'ug/m3';
    return [`${new Date(time).toISOString()} ${property} ${Number(fields[column])} ${unit} late`];
  });
  const observations = await product.all<ObservationItem>('observations', { producer: `cnemc-${station}`, limit: 10_000 });
  const told = observations.map(
    ({ phenomenonTime, observedProperty, result, unit, flags }) =>
      `${phenomenonTime} ${observedProperty} ${result} ${unit} ${flags.join()}`,
  );
  assert.ok(expected.length > 300);
  assert.deepEqual(told.sort(), expected.sort());
}

test('three read-outs that overlap in time come in without doubles', async (t) => {
  const file = sharedFile(t, 'data', 'coldchain-ruuvi', 'fridge.csv.gz');
  if (file === undefined) return;
  const [header = '', ...rows] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  assert.equal(rows.length, 368);
  const parts = [rows.slice(0, 200), rows.slice(100, 300), rows.slice(150)].map((part, at) => csv(`part-${at}.csv`, [header, ...part]));
  const dry = await importFiles('--dry-run', '--agency', 'kitchen', ...parts);
  assert.match(dry.stderr, /count as 3 devices \(ruuvi-part-0, ruuvi-part-1, ruuvi-part-2 …\).*--producer|算作 3 台设备/);
  const result = await imported('--agency', 'kitchen', '--producer', 'ruuvi-overlap', ...parts);
  assert.deepEqual([result.accepted, result.repeats, result.revisions], [368, 100 + 150, 0]);
  const whole = await imported('--agency', 'kitchen', '--producer', 'ruuvi-overlap', file);
  assert.deepEqual([whole.accepted, whole.repeats], [0, 368]);
  const records = await recordsOf('ruuvi-overlap');
  assert.deepEqual([records.length, distinct(records)], [368, 368]);
});

test('a file that breaks off gives what is whole and says where; the whole file adds the rest, and corrects nothing', async (t) => {
  const file = sharedFile(t, 'data', 'air-china-cnemc', `china_sites_${DAYS[1]}.csv.gz`);
  if (file === undefined) return;
  const cut = join(folder, 'cut.csv.gz');
  const bytes = readFileSync(file);
  writeFileSync(cut, bytes.subarray(0, Math.floor(bytes.length / 2)));
  const { code, stdout, stderr } = await importFiles('--json', cut);
  const result = JSON.parse(stdout) as Result;
  assert.equal(code, 1);
  const line = result.files[0]?.truncatedAtLine ?? 0;
  assert.ok(line > 100 && line < 360, `${line}`);
  assert.match(stderr, /FILE_TRUNCATED/);
  assert.ok(result.accepted > 10_000 && result.accepted === result.files[0]?.readings, stdout);
  const whole = await imported(file);
  assert.deepEqual([whole.repeats, whole.revisions], [result.accepted, 0]);
});

test('a broken file changes nothing, nor does what is named beside it', async () => {
  await product.untilProjected();
  const before = await product.all<ImportItem>('imports');
  const mapping = join(folder, 'own.yaml');
  writeFileSync(mapping, MAPPING);
  const good = csv('good.csv', ['station,time,PM2.5', 'a,2020-01-01 00:00,10']);
  const nonsense = csv('nonsense.csv', ['station,time,PM2.5', ...Array.from({ length: 20 }, (_, i) => `a,${i},x`)]);
  const binary = join(folder, 'binary.csv');
  writeFileSync(binary, Buffer.concat([readFileSync(good), Buffer.from([0, 255, 254, 10])]));
  const packed = gzipSync(readFileSync(good));
  packed[packed.length - 6] = (packed[packed.length - 6] as number) ^ 1;
  const damaged = join(folder, 'damaged.csv.gz');
  writeFileSync(damaged, packed);
  const bad = [nonsense, binary, damaged, csv('empty.csv', ['']), csv('head.csv', ['station,when,PM2.5'])];
  const refused = await importFiles('--agency', 'x', '--mapping', mapping, good, ...bad);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /nothing was sent|未发送任何数据/);
  const named = refused.stderr.split('\n').filter((line) => line.includes('FILE_BROKEN'));
  assert.deepEqual(
    named.map((line) => line.slice(0, line.indexOf(':'))),
    bad,
  );
  const { code, stderr } = await importFiles('--agency', 'x', good);
  assert.equal(code, 1);
  assert.match(stderr, /FORMAT_UNKNOWN/, 'nobody knows its columns');
  assert.deepEqual(await recordsOf('own-'), []);
  await product.untilProjected();
  assert.equal((await product.all<Producer>('producers')).filter(({ producer }) => producer.startsWith('own-')).length, 0);
  assert.deepEqual(await product.all<ImportItem>('imports'), before);
});

test('any CSV by a mapping; lines that cannot be read are named; history raises an alert only when asked', async () => {
  const mapping = join(folder, 'own.yaml');
  writeFileSync(mapping, MAPPING);
  const rows = (station: string) =>
    Array.from({ length: 12 }, (_, i) => `${station},2020-01-01 ${String(i).padStart(2, '0')}:00,${300 + i}`);
  const history = csv('history.csv', ['station,time,PM2.5', ...rows('quiet'), 'quiet,2020-01-01 12:00,many', 'quiet,2020-02-30 00:00,1']);
  const report = join(folder, 'report.txt');
  const { code } = await importFiles('--agency', 'x', '--mapping', mapping, '--report', report, history);
  assert.equal(code, 1, 'two lines could not be read');
  const told = readFileSync(report, 'utf8').trim().split('\n');
  assert.deepEqual(
    told.map((line) => line.split(': ').slice(0, 2)),
    [
      ['history.csv:14', 'LINE_UNREADABLE'],
      ['history.csv:15', 'TIME_INVALID'],
    ],
  );
  await imported('--agency', 'x', '--mapping', mapping, '--alert', csv('alerting.csv', ['station,time,PM2.5', ...rows('loud')]));
  await until('the alert is raised', async () => (await product.all<AlertItem>('alerts')).length > 0);
  await product.untilProjected();
  const alerts = await product.all<AlertItem>('alerts', { state: 'all' });
  assert.deepEqual([...new Set(alerts.map(({ subject }) => subject))], ['own-loud']);
});

test('killed in the middle, ingest or the command itself: run again it goes on, and everything is in once', async (t) => {
  const file = sharedFile(t, 'data', 'air-beijing-uci', 'PRSA_Data_Dongsi_20130301-20170228.csv.gz');
  const other = sharedFile(t, 'data', 'air-china-cnemc', `china_sites_${DAYS[2]}.csv.gz`);
  if (file === undefined || other === undefined) return;
  const states = join(product.dataDir, 'imports');
  const before = new Set(readdirSync(states));
  const killed = spawn(process.execPath, ['cli/src/main.ts', 'import', '--data', product.dataDir, file, other], {
    cwd: root,
    stdio: 'ignore',
  });
  // The first commit has left its trace, the last one has not.
  await until(
    'a part is committed',
    () => killed.exitCode !== null || readdirSync(states).some((name) => name.endsWith('.json') && !before.has(name)),
  );
  killed.kill('SIGKILL');
  const trace = () =>
    readdirSync(states)
      .map((name) => readFileSync(join(states, name), 'utf8'))
      .join();
  const committed = trace();
  const running = importFiles('--json', file, other);
  await until('the second run has a commit of its own', () => trace() !== committed);
  await product.kill('ingest', 0);
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stdout + stderr);
  assert.ok((JSON.parse(stdout) as Result).skipped > 0, 'it went on where the first one was killed');
  const last = await imported('--again', file, other);
  assert.deepEqual([last.accepted, last.revisions], [0, 0]);
  const [uci, all] = [await recordsOf('uci-'), await recordsOf('cnemc-')];
  assert.deepEqual([uci.length, distinct(uci)], [35_064, 35_064]);
  assert.equal(distinct(all), all.length);
});
