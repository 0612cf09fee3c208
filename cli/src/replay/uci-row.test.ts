import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseReadings } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import { RowSource } from './row-source.ts';
import { UciRowReader } from './uci-row.ts';

const HEADER = '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN","wd","WSPM","station"';
const folder = mkdtempSync(join(tmpdir(), 'uci-'));
after(() => rmSync(folder, { recursive: true }));

function reader(): UciRowReader {
  const outcome = UciRowReader.fromHeader(HEADER);
  assert.ok(outcome.ok);
  return outcome.value;
}

test('a row: local hour to UTC, digits as they are, CO in its own unit', () => {
  const row = reader().read('1,2013,3,1,0,9,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"');
  assert.ok(row.ok);
  assert.equal(row.value.time, Date.UTC(2013, 1, 28, 16));
  assert.equal(
    row.value.payload,
    '{"id":"uci-Dongsi-1","t":1362067200000,"m":{"pm25":9,"pm10":9,"so2":3,"no2":17,"co":{"v":300,"u":"ug/m3"},"o3":89,"temp":-0.5,"pres":1024.5,"dewp":-21.4,"rain":0,"wspm":5.7,"wd":"NNW"}}',
  );
});

test('NA is absent; a row of nothing but NA has no payload', () => {
  const some = reader().read('3,2013,3,1,2,7,NA,NA,17,NA,60,NA,NA,NA,-2.77555756156289e-17,NA,NA,"Dongsi"');
  assert.ok(some.ok);
  assert.equal(some.value.payload, '{"id":"uci-Dongsi-3","t":1362074400000,"m":{"pm25":7,"no2":17,"o3":60,"rain":-2.77555756156289e-17}}');
  const none = reader().read('4,2013,3,1,3,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,"Dongsi"');
  assert.ok(none.ok);
  assert.equal(none.value.payload, undefined);
});

test('what is no such row is refused', () => {
  for (const line of [
    '1,2013,3,1,0,9',
    '1,x,3,1,0,9,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"',
    '1,2013,3,1,0,NaN,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"',
    '1,2013,3,1,0,09,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"',
    '1,2013,3,1,0,9,9,3,17,300,89,-0.5,1024.5,-21.4,0,"a""b",5.7,"Dongsi"',
  ]) {
    assert.equal(reader().read(line).ok, false, line);
  }
  assert.equal(UciRowReader.fromHeader('a,b,c').ok, false);
});

test('a file, plain or gzipped: rows in order, what cannot be read counted with its line', () => {
  const rows = [
    '1,2013,3,1,0,9,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"',
    '2,2013,3,1,1,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,"Dongsi"',
    'broken',
    '4,2013,3,1,3,3,3,5,18,NA,NA,0.3,1026.2,-25.5,0,"N",4.9,"Dongsi"',
  ];
  for (const [name, ending] of [
    ['plain.csv', '\n'],
    ['gzipped.csv.gz', '\r\n'],
  ] as const) {
    const text = [HEADER, ...rows].join(ending);
    const file = join(folder, name);
    writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
    const source = new RowSource(file);
    assert.equal(source.rows, 4);
    assert.equal(source.station, 'Dongsi');
    assert.equal(source.firstTime, Date.UTC(2013, 1, 28, 16));
    assert.equal(source.next()?.time, Date.UTC(2013, 1, 28, 16));
    assert.equal(source.next()?.time, Date.UTC(2013, 1, 28, 19));
    assert.equal(source.next(), undefined);
    assert.equal(source.empty, 1);
    assert.deepEqual(source.faults, [{ file, line: 4, detail: '1 fields instead of 18' }]);
  }
  writeFileSync(join(folder, 'other.csv'), 'a,b\n1,2\n');
  assert.throws(() => new RowSource(join(folder, 'other.csv')), EnvironmentError);
});

test('a whole station of the real data: every row has values, and every payload is taken', (t) => {
  const file = new URL('../../../../shared/data/air-beijing-uci/PRSA_Data_Dongsi_20130301-20170228.csv.gz', import.meta.url).pathname;
  if (!existsSync(file)) {
    t.skip('the UCI data set is not there');
    return;
  }
  const source = new RowSource(file);
  assert.equal(source.rows, 35_064);
  let count = 0;
  for (let row = source.next(); row !== undefined; row = source.next()) {
    count++;
    if (count % 50 !== 0) continue;
    const readings = parseReadings(row.payload, 0);
    assert.ok(readings.ok, row.payload);
    assert.equal(readings.value[0]?.time, row.time);
  }
  assert.deepEqual([count, source.empty, source.faultCount], [35_064, 0, 0]);
});
