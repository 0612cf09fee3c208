import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parseReadings } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import { type CheckedFile, checkFile, type Fault, FileSink } from './check-file.ts';
import { FileBroken, type FileFormat, type FileReading, type FormatOptions } from './file-format.ts';
import { openFile, readWith } from './file-source.ts';
import { formatOf, knownFormats } from './formats.ts';
import { readMapping } from './mapping.ts';

const folder = mkdtempSync(join(tmpdir(), 'airtight-formats-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const FORMATS = knownFormats();

class Collector extends FileSink {
  readonly readings: FileReading[] = [];
  readonly faults: Fault[] = [];
  blanks = 0;
  readonly summaries: string[] = [];
  reading(reading: FileReading): void {
    this.readings.push(reading);
  }
  noted(fault: Fault): void {
    this.faults.push(fault);
  }
  blank(): void {
    this.blanks++;
  }
  summary(result: string): void {
    this.summaries.push(result);
  }
  /** `producer dataset payload` of each reading. */
  get texts(): string[] {
    return this.readings.map(({ route, payload }) => `${this.routes[route]?.producer} ${this.routes[route]?.dataset} ${payload}`);
  }
  get marks(): string[] {
    return this.faults.map(({ line, code }) => `${line} ${code}`);
  }
}

interface Read {
  readonly sink: Collector;
  readonly format: FileFormat;
}

async function readFile(path: string, asked: Partial<FormatOptions> = {}, format?: FileFormat): Promise<Read> {
  const file = await openFile(path);
  const known = format ?? formatOf(file.head, FORMATS);
  assert.ok(known !== undefined, `${path} is not recognised`);
  const sink = new Collector();
  const options = { stem: file.stem, dataset: undefined, producer: undefined, zoneMs: undefined, ...asked };
  await readWith(file, known, options, sink, () => undefined);
  return { sink, format: known };
}

function own(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function shared(t: TestContext, ...path: string[]): string | undefined {
  const file = join(import.meta.dirname, '../../../../shared/data', ...path);
  if (existsSync(file)) return file;
  t.skip(`../shared/data/${path.join('/')} not there`);
  return undefined;
}

/** The one reader that ingest and api have takes every payload, with as many values as were counted. */
function assertTaken({ sink }: Read): void {
  for (const { payload, time, values } of sink.readings) {
    const readings = parseReadings(payload, 0);
    assert.ok(readings.ok, payload);
    assert.deepEqual([readings.value[0]?.time, readings.value[0]?.measurements.length], [time, values], payload);
  }
}

const CNEMC = [
  'date,hour,type,1001A,1002A,1003A',
  '20190101,0,AQI,73,,92',
  '20190101,0,PM2.5,53,,68',
  '20190101,0,CO,0.8,,1.1',
  '20190101,1,AQI,70,,90',
  '20190101,1,PM2.5,50,4,60',
];

test('CNEMC: an hour is one reading a station, China time, own names for what was derived', async () => {
  const read = await readFile(own('cnemc.csv', `${CNEMC.join('\r\n')}\r\n`));
  assert.equal(read.format.name, 'cnemc');
  assert.deepEqual(read.sink.texts, [
    'cnemc-1001A air {"id":"1546272000000","t":1546272000000,"m":{"aqi_reported":73,"pm25":53,"co":0.8}}',
    'cnemc-1003A air {"id":"1546272000000","t":1546272000000,"m":{"aqi_reported":92,"pm25":68,"co":1.1}}',
    'cnemc-1001A air {"id":"1546275600000","t":1546275600000,"m":{"aqi_reported":70,"pm25":50}}',
    'cnemc-1002A air {"id":"1546275600000","t":1546275600000,"m":{"pm25":4}}',
    'cnemc-1003A air {"id":"1546275600000","t":1546275600000,"m":{"aqi_reported":90,"pm25":60}}',
  ]);
  assert.deepEqual([read.sink.blanks, read.sink.faults, new Date(1_546_272_000_000).toISOString()], [1, [], '2018-12-31T16:00:00.000Z']);
  assertTaken(read);
});

test('CNEMC: what cannot be read is named, the rest of its row and hour stays', async () => {
  const rows = [...CNEMC.slice(0, 3), '20190101,0,PM10,1', '20190101,0,XX,1,2,3', '20190101,0,PM2.5,1,2,3', '20190132,0,AQI,1,2,3'];
  const { sink } = await readFile(own('faults.csv', [...rows, '20190101,0,CO,-,2,1e400', '20190101,0,SO2,007,.5,-1', ''].join('\n')));
  assert.deepEqual(sink.marks, [
    '4 LINE_UNREADABLE',
    '5 LINE_UNREADABLE',
    '6 LINE_UNREADABLE',
    '7 TIME_INVALID',
    '8 LINE_UNREADABLE',
    '8 LINE_UNREADABLE',
  ]);
  assert.deepEqual(
    sink.readings.map(({ payload }) => payload.slice(payload.indexOf('"m"'))),
    ['"m":{"aqi_reported":73,"pm25":53,"so2":7}}', '"m":{"co":2,"so2":0.5}}', '"m":{"aqi_reported":92,"pm25":68,"so2":-1}}'],
  );
});

test('CNEMC: a file that breaks off gives its whole hours', async () => {
  const whole = [...CNEMC, '20190101,1,CO,0.7,,1'].join('\n');
  assert.equal((await readFile(own('whole.csv', whole))).sink.readings.length, 5, 'no line end behind the last line, and whole');
  const cut = await readFile(own('cut.csv', whole.slice(0, -4)));
  assert.deepEqual([cut.sink.readings.length, cut.sink.marks], [2, ['7 FILE_TRUNCATED', '5 FILE_TRUNCATED']]);
  // Random digits do not compress: the cut falls among the rows.
  const long = Array.from({ length: 24 }, (_, hour) =>
    CNEMC.slice(1, 4).map((row) => row.replace(',0,', `,${hour},`) + Math.random().toFixed(9).slice(2)),
  );
  const packed = gzipSync([CNEMC[0], ...long.flat()].join('\n'));
  const zipped = await readFile(own('cut.csv.gz', packed.subarray(0, packed.length / 2)));
  assert.ok(zipped.sink.readings.length > 0 && zipped.sink.readings.length < 48 && zipped.sink.readings.length % 2 === 0);
  assert.equal(zipped.sink.faults[0]?.code, 'FILE_TRUNCATED');
});

test('a file that is none, or is damaged, is refused whole', async () => {
  for (const header of ['date,hour,type,', 'date,hour,type,1001A,x', 'date,hour,type,1001A,1001A'])
    await assert.rejects(readFile(own('bad.csv', `${header}\n`)), FileBroken, header);
  const packed = gzipSync(CNEMC.join('\n'));
  packed[packed.length - 6] = (packed[packed.length - 6] as number) ^ 1;
  await assert.rejects(readFile(own('damaged.csv.gz', packed)), FileBroken, 'the checksum of gzip');
  await assert.rejects(readFile(own('zero.csv', `${CNEMC.join('\n')}\n\0\n`)), FileBroken);
  await assert.rejects(
    readFile(own('latin.csv', Buffer.concat([Buffer.from(`${CNEMC.join('\n')}\n`), Buffer.from([0xe9, 0x0a])]))),
    FileBroken,
  );
  assert.equal(formatOf(Buffer.from('a,b,c\n1,2,3\n'), FORMATS), undefined);
  assert.equal(formatOf(Buffer.alloc(0), FORMATS), undefined);
});

const check = async (path: string, format?: FileFormat): Promise<CheckedFile> => {
  const file = await openFile(path);
  const known = format ?? (formatOf(file.head, FORMATS) as FileFormat);
  const options = { stem: file.stem, dataset: undefined, producer: undefined, zoneMs: undefined };
  return checkFile(file, known, options, { onFault: () => undefined, onPiece: () => undefined });
};

test('a file that is mostly unreadable, or empty, is refused; a few bad lines are not', async () => {
  const rows = (bad: number) => [...CNEMC, ...Array.from({ length: bad }, () => 'x'), ''].join('\n');
  assert.deepEqual([(await check(own('few.csv', rows(4)))).faults, (await check(own('few.csv', rows(4)))).readings], [4, 5]);
  await assert.rejects(check(own('many.csv', rows(40))), FileBroken);
  await assert.rejects(check(own('none.csv', `${CNEMC[0]}\n`)), /no reading/);
});

const MAPPING = `
mapping: airtight-csv@1
name: own
dataset: air-sensor
encoding: gb18030
delimiter: ";"
decimal: ","
skip: 1
missing: ["-"]
time: { columns: [日期, 时], pattern: "YYYY/M/D H", zone: "+08:00" }
producer: { column: 站点, prefix: site- }
values:
  - { column: PM25, property: pm25, unit: ug/m3 }
  - { column: 备注, property: note, text: true }
  - { column: 6, property: no2, producer: other }
`;

test('any CSV by a mapping: encoding, delimiter, decimal comma, local time, several producers in a row', async () => {
  const format = readMapping(own('own.yaml', MAPPING));
  // "日期;时;站点;PM25;备注;NO2" and the rows in GB 18030.
  const head = Buffer.from('c8d5c6da3bcab13bd5beb5e33b504d32353bb1b8d7a23b4e4f320a', 'hex');
  const rows = Buffer.from(
    '2020/2/1;7;a;1,5;"x;""y""";-\n2020/2/1;8;b;-;-;+2,0\n2020/2/1;9;b;-;-;-\n2020/2/30;9;b;1;-;-\n2020/2/1;9;b !;1;-;-\n',
  );
  const { sink } = await readFile(own('own.csv', Buffer.concat([Buffer.from('title\n'), head, rows])), {}, format);
  assert.deepEqual(sink.texts, [
    'site-a air-sensor {"id":"1580511600000","t":1580511600000,"m":{"pm25":{"v":1.5,"u":"ug/m3"},"note":"x;\\"y\\""}}',
    'other air-sensor {"id":"1580515200000","t":1580515200000,"m":{"no2":2.0}}',
  ]);
  assert.deepEqual([sink.marks, sink.blanks], [['6 TIME_INVALID', '7 NAME_INVALID'], 1]);
});

test('a mapping with an error names it', () => {
  const broken: [string, RegExp][] = [
    [MAPPING.replace('dataset: air-sensor\n', ''), /dataset/],
    [MAPPING.replace('+08:00', 'Mars'), /zone/],
    [MAPPING.replace('YYYY/M/D H', 'M/D'), /year/],
    [MAPPING.replace('gb18030', 'klingon'), /klingon/],
    [MAPPING.replace('column: 站点, ', ''), /producer/],
    [`${MAPPING}header: 0\n`, /number/],
    [`${MAPPING}more: 1\n`, /more/],
    ['a: [', /mapping/],
  ];
  for (const [text, expected] of broken)
    assert.throws(
      () => readMapping(own('broken.yaml', text)),
      (error) => error instanceof EnvironmentError && expected.test(error.message),
      text,
    );
  assert.deepEqual(
    FORMATS.map(({ name }) => name),
    ['uci', 'cnemc', 'berlinger', 'elitech', 'amsterdam-airbox', 'purpleair', 'ruuvi'],
  );
});

const FRIDGE_TAG = `Device: Q-tag Fridge-tag 2
Conf:
 Serial: 130400199999
 Zone: 1.00
 Alarm:
  0:
   T AL: -0.5, t AL: 60
Errors:
 19:
  Err Count: 2, Err TS: 2022-03-24 15:30
Hist:
 TS Actv: 2022-03-24 02:22
 1:
  Date: 2023-02-14
  Min T: +3.0, TS Min T: 00:05
  Max T: +4.0, TS Max T: 00:10
  Avrg T: +3.5
  Alarm:
   0:
    t Acc: 0
   1:
    t Acc: 366, TS A: 00:10, C A: 0
  Events: 0
Data:
\tyyyy-MM-dd hh:mm\tT\tOut of limits
\t2023-02-14 00:05\t3.0\t
\t2023-02-14 00:10\t4.0\tx
\t2023-02-14 00:15\t--.-\tx
Cert:
 Vers: 1.0
Sig: abcd
`.replaceAll('\n', '\r\n');

test('Berlinger: readings, the summary of a day and errors, in the zone the report names', async () => {
  const read = await readFile(own('fridge-tag.txt', FRIDGE_TAG));
  const at = Date.UTC(2023, 1, 13, 23);
  assert.deepEqual(read.sink.texts, [
    `berlinger-130400199999 coldchain {"id":"${at + 300_000}","t":${at + 300_000},"m":{"tvc":3.0}}`,
    `berlinger-130400199999 coldchain {"id":"${at + 600_000}","t":${at + 600_000},"m":{"tvc":4.0}}`,
    `berlinger-130400199999 coldchain-summary {"id":"error-19-${Date.UTC(2022, 2, 24, 14, 30)}","t":${Date.UTC(2022, 2, 24, 14, 30)},"m":{"errorCode":19,"errorCount":2}}`,
    `berlinger-130400199999 coldchain-summary {"id":"day-${at}","t":${at},"m":{"tmin":3.0,"tmax":4.0,"tavg":3.5,"lowAlarmTime":0,"highAlarmTime":366,"events":0,"tminAt":"2023-02-13T23:05:00.000Z","tmaxAt":"2023-02-13T23:10:00.000Z","highAlarmAt":"2023-02-13T23:10:00.000Z"}}`,
  ]);
  assert.deepEqual([read.sink.blanks, read.sink.faults, read.sink.summaries], [1, [], ['equal']]);
  assertTaken(read);
});

test('Berlinger: a summary that its readings contradict is named; one that covers more is not', async () => {
  const differs = await readFile(own('differs.txt', FRIDGE_TAG.replace('Max T: +4.0', 'Max T: +3.9')));
  assert.deepEqual([differs.sink.summaries, differs.sink.faults[0]?.code], [['differs'], 'SUMMARY_MISMATCH']);
  const wider = await readFile(own('wider.txt', FRIDGE_TAG.replace('Max T: +4.0', 'Max T: +9.0')));
  assert.deepEqual([wider.sink.summaries, wider.sink.faults], [['wider'], []]);
});

test('Berlinger: a report that breaks off gives what is whole', async () => {
  const cut = await readFile(own('cut.txt', FRIDGE_TAG.slice(0, FRIDGE_TAG.indexOf('4.0\tx') + 1)));
  assert.deepEqual(cut.sink.texts.length, 3, 'one reading, the error, the day');
  assert.ok(cut.sink.faults.every(({ code }) => code === 'FILE_TRUNCATED') && cut.sink.faults.length > 0);
  const inDay = await readFile(own('in-day.txt', FRIDGE_TAG.slice(0, FRIDGE_TAG.indexOf('  Alarm:\r\n   0:\r\n    t Acc'))));
  assert.deepEqual(inDay.sink.readings.length, 1, 'the error alone: the day lacks lines');
});

test('real reports of Berlinger loggers: their summaries are what their readings give', async (t) => {
  const expected = [
    ['FridgeTag2__130400191542_202302140605.txt', 61, []],
    ['FridgeTagUL__100800001215_202304201410.txt', 839, ['equal', 'equal', 'wider', 'wider']],
    ['QTagCLmdocLR__RCPJ00010_02_202211090128.txt', 125, ['equal']],
  ] as const;
  for (const [name, count, summaries] of expected) {
    const file = shared(t, 'coldchain-berlinger', name);
    if (file === undefined) return;
    const read = await readFile(file);
    assert.deepEqual([read.sink.readings.length, [...read.sink.summaries].sort(), read.sink.faults], [count, summaries, []], name);
    assertTaken(read);
  }
});

test('Elitech: a real workbook, every reading, its own minimum, maximum, average, MKT and count', async (t) => {
  const file = shared(t, 'coldchain-elitech', 'EFI234105840_Ext_Temp_Recording.xls.gz');
  if (file === undefined) return;
  const read = await readFile(file);
  const { sink } = read;
  assert.deepEqual([sink.readings.length, sink.summaries, sink.faults], [16_063 + 1, ['equal'], []]);
  const first = Date.UTC(2023, 9, 4, 13, 20, 18);
  assert.equal(sink.texts[0], `elitech-EFI234105840 coldchain {"id":"${first}","t":${first},"m":{"tvc":26.7}}`);
  assert.equal(
    sink.texts[16_062],
    `elitech-EFI234105840 coldchain {"id":"${first + 16_062 * 10_000}","t":${first + 16_062 * 10_000},"m":{"tvc":24.1}}`,
  );
  assert.match(sink.texts[16_063] ?? '', /coldchain-summary .*"tmin":23.7,"tmax":26.7,"tavg":24,"mkt":24,"readings":16063/);
  assertTaken(read);
  const bytes = gunzipSync(readFileSync(file));
  await assert.rejects(readFile(own('half.xls', bytes.subarray(0, bytes.length / 2))), FileBroken);
  await assert.rejects(readFile(own('head.xls', bytes.subarray(0, 600))), FileBroken);
});

test('Elitech: mutated workbooks are read or refused, and nothing else', async (t) => {
  const file = shared(t, 'coldchain-elitech', 'EFI234105840_Ext_Temp_Recording.xls.gz');
  if (file === undefined) return;
  const bytes = gunzipSync(readFileSync(file));
  const format = formatOf(bytes, FORMATS);
  assert.ok(format?.kind === 'binary');
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const mutated = Buffer.from(bytes);
    // Header, directory and the beginning of the stream: where lengths and chains stand.
    for (let i = 0; i < 8; i++) mutated[8 + random(round % 2 === 0 ? 1000 : mutated.length - 8)] = random(256);
    try {
      format.read(mutated, { stem: 'x', dataset: undefined, producer: undefined, zoneMs: undefined }, new Collector());
    } catch (error) {
      assert.ok(error instanceof FileBroken, String((error as Error).stack));
      refused++;
    }
  }
  assert.ok(refused > 0);
});

test('real CSVs of sensors and stations are read whole', async (t) => {
  const expected = [
    [['coldchain-ruuvi', 'fridge.csv.gz'], 'ruuvi', 368, 'ruuvi-fridge'],
    [['coldchain-ruuvi', 'fruits.csv.gz'], 'ruuvi', 213, 'ruuvi-fruits'],
    [['air-purpleair', 'July_A.csv.gz'], 'purpleair', 21_745, 'purpleair-July_A'],
    [['air-amsterdam', 'AMS_hourly_airboxdata_total.csv.gz'], 'amsterdam-airbox', 4468, 'airbox-AB46'],
    [['air-beijing-uci', 'PRSA_Data_Dongsi_20130301-20170228.csv.gz'], 'uci', 35_064, 'uci-dongsi'],
    [['air-china-cnemc', 'china_sites_20190101.csv.gz'], 'cnemc', 32_872, 'cnemc-1001A'],
  ] as const;
  for (const [path, name, count, producer] of expected) {
    const file = shared(t, ...path);
    if (file === undefined) return;
    const read = await readFile(file);
    assert.deepEqual([read.format.name, read.sink.readings.length, read.sink.faults], [name, count, []]);
    assert.ok(read.sink.routes.some((route) => route.producer === producer));
    assertTaken(read);
  }
  const fridge = await readFile(shared(t, 'coldchain-ruuvi', 'fridge.csv.gz') as string, { producer: 'tag-1' });
  assert.equal(
    fridge.sink.texts[0],
    'tag-1 logger {"id":"1588663316000","t":1588663316000,"m":{"temp":{"v":1.73,"u":"Cel"},"rh":{"v":44.2,"u":"%"},"pres":{"v":1013.06,"u":"hPa"},"rssi":{"v":-96,"u":"dB"},"ax":{"v":-0.032,"u":"[g]"},"ay":{"v":-0.008,"u":"[g]"},"az":{"v":1.036,"u":"[g]"},"battery":{"v":2.917,"u":"V"},"movements":{"v":197,"u":"1"},"sequence":{"v":29478,"u":"1"}}}',
  );
});
