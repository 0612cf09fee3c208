/** Everything that `airtight import` reads, with right files to start from; fuzzed with the engine of the doors' decoders. */
import assert from 'node:assert/strict';
import type { FuzzedDecoder } from '@airtight/ingest/testing/fuzz.ts';
import { type Code, parseReadings } from '@airtight/protocol';
import { readFirstSheet } from '../import/biff8.ts';
import { type Fault, FileSink } from '../import/check-file.ts';
import { COMPOUND_FILE_MAGIC } from '../import/compound-file.ts';
import { FileBroken, type FileFormat, type FileReading } from '../import/file-format.ts';
import { TextFeeder } from '../import/file-source.ts';
import { knownFormats } from '../import/formats.ts';
import { compoundFile, workbookStream } from './workbook.ts';

/** Holds each reading against what the one reader of ingest and api makes of it. */
class CheckingSink extends FileSink {
  count = 0;

  reading({ route, line, time, payload, values }: FileReading): void {
    this.count++;
    assert.ok(this.routes[route] !== undefined && line > 0, `route ${route}, line ${line}`);
    const read = parseReadings(payload, 0);
    assert.ok(read.ok, read.ok ? '' : `${read.code} ${read.detail}: ${payload}`);
    assert.deepEqual([read.value.length, read.value[0]?.time, read.value[0]?.measurements.length], [1, time, values], payload);
    assert.ok(!payload.includes('\n'), payload);
  }
  noted({ line, code, detail }: Fault): void {
    assert.ok(line >= 0 && (code satisfies string as Code) !== undefined && detail.length < 1000, detail);
  }
  blank(): void {}
  summary(): void {}
}

/** Bytes of a text come in pieces, as from a disk. */
const PIECE_BYTES = 97;

function read(format: FileFormat, input: Buffer): boolean {
  const sink = new CheckingSink();
  const options = { stem: 'name', dataset: undefined, producer: undefined, zoneMs: undefined };
  try {
    if (format.kind === 'binary') format.read(input, options, sink);
    else {
      const feeder = new TextFeeder(format.open(options, sink), format.encoding ?? 'utf-8', sink);
      for (let at = 0; at < input.length; at += PIECE_BYTES) feeder.push(input.subarray(at, at + PIECE_BYTES));
      feeder.end(false);
    }
  } catch (error) {
    // The one error that a reader may end with.
    if (error instanceof FileBroken) return false;
    throw error;
  }
  return sink.count > 0;
}

const CNEMC = ['date,hour,type,1001A,1002A', '20190101,0,AQI,73,', '20190101,0,CO,0.8,1.1', '20190101,1,PM2.5,50,4e0', ''];
const BERLINGER = [
  ...['Device: Q-tag Fridge-tag 2', 'Conf:', ' Serial: 130400199999', ' Zone: 1.00', ' MKT Energy: 83.14', 'Errors:', ' 19:'],
  ...['  Err Count: 2, Err TS: 2022-03-24 15:30', 'Hist:', ' TS Actv: 2022-03-24 02:22', ' 1:', '  Date: 2023-02-14'],
  ...['  Min T: +3.0, TS Min T: 00:05', '  Max T: +4.0, TS Max T: 00:10', '  Avrg T: +3.5', '  Alarm:', '   1:', '    t Acc: 366'],
  ...['  Events: 0', 'Res:', ' TS Start: 2023-02-14 00:00, TS Stop: 2023-02-14 01:00', ' MKT: +3.6', 'Data:', '\tyyyy-MM-dd hh:mm\tT'],
  ...['\t2023-02-14 00:05\t3.0\t', '\t2023-02-14 00:10\t4.0\tx', '\t2023-02-14 00:15\t--.-\tx', 'Sig: abcd', ''],
];
const UCI = [
  '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN","wd","WSPM","station"',
  ...[
    '1,2013,3,1,0,9,9,3,17,300,89,-0.5,1024.5,-21.4,0,"NNW",5.7,"Dongsi"',
    '2,2013,3,1,1,NA,4,3,16,NA,88,NA,1025.1,-22.1,0,"NW",3.9,"Dongsi"',
  ],
];
const AIRBOX = [
  ...['Time,AB46,AB46,AB46,AB46,AB47,AB47,AB47,AB47', 'Time,NO2,PM1,PM2.5,PM10,NO2,PM1,PM2.5,PM10', '[UTC],,,,,,,,'],
  ...['01-06-16 00:00,11.5,5,7.1,NaN,9,NaN,3,4', ''],
];
const PURPLEAIR = [
  'time,id,PM1d0,PM2d5,PM10,UptimeMinutes,RSSI_dbm,Temperature_F,Humidity,PM2d5_ATM',
  '2021-07-01 04:00:50 UTC,88888,4.84,"6.93",7.61,23918.00,-78.00,72.00,70.00,6.93',
];
const RUUVI = [
  'timestamp,temperature,humidity,pressure,rssi,acceleration x,acceleration y,acceleration z,voltage,movement counter,measurement sequence number',
  '2020-05-05T09:21:56+0200,1.73,44.2,1013.06,-96,-0.032,-0.008,1.036,2.917,197,29478',
];
const TEXTS: { readonly [format: string]: readonly string[] } = {
  ...{ cnemc: CNEMC, berlinger: BERLINGER, uci: UCI, 'amsterdam-airbox': AIRBOX, purpleair: PURPLEAIR, ruuvi: RUUVI },
};

const elitechSheet = (rows: number) => [
  ['Device Information', undefined, undefined, 'Configuration'],
  ['Serial Number', 'EFI234105840', undefined, 'Time Zone', 'UTC+08:00'],
  ['First Reading', '2023-10-04 21:20:18', undefined, 'Last Reading', '2023-10-04 21:30:18'],
  ['Minimum', '23,7°C', undefined, 'Maximum', '26.7°C'],
  ['Average', 24.2, undefined, 'Mean Kinetic Temperature (MKT)', '24.3°C'],
  ['温度', 'x', undefined, 'Current Readings', rows],
  [],
  ['No.', 'Time', 'Temperature°C'],
  ...Array.from({ length: rows }, (_, i) => [i + 1, `2023-10-04 21:${20 + i}:18`, i % 2 === 0 ? 23.7 : '26.7']),
];
/** One that lies in small sectors and one that does not. */
const streams = [3, 40].map((rows) => workbookStream(elitechSheet(rows)));
const workbooks = streams.map((stream) => compoundFile('Workbook', stream));

const sheets: FuzzedDecoder = {
  name: 'BIFF8 sheets',
  seeds: streams,
  decode(input) {
    try {
      return readFirstSheet(input).size > 0;
    } catch (error) {
      if (error instanceof FileBroken) return false;
      throw error;
    }
  },
};
/** The sheet as it is within its container, because few changes of the whole file meet what matters. */
const elitech = knownFormats().find(({ name }) => name === 'elitech') as FileFormat;
const contained: FuzzedDecoder = {
  name: 'elitech, the sheet alone',
  seeds: streams,
  decode: (input) => read(elitech, compoundFile('Workbook', input.subarray(0, 60_000))),
};

export const DECODERS: readonly FuzzedDecoder[] = [
  ...knownFormats().map((format): FuzzedDecoder => {
    const seeds = format.kind === 'text' ? [TEXTS[format.name]?.join('\n') ?? ''].map((text) => Buffer.from(text)) : workbooks;
    const known = format.kind === 'text' ? format.recognises(TEXTS[format.name] ?? []) : format.recognises(COMPOUND_FILE_MAGIC);
    assert.ok(known, `no file to start from for ${format.name}`);
    return { name: format.name, seeds, decode: (input) => read(format, input) };
  }),
  ...[sheets, contained],
];
