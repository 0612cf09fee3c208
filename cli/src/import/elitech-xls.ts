/**
 * The `.xls` reports of Elitech loggers (RC-5+ and kin): device, configuration and summary as pairs of cells, then the
 * table `No. | Time | Temperature°C`. Times are in the zone of the configuration; a comma may stand for the decimal
 * point. Readings go to dataset `coldchain`, the logger's summary to `coldchain-summary`.
 */
import type { Cell, SheetRow } from './biff8.ts';
import { readFirstSheet } from './biff8.ts';
import { COMPOUND_FILE_MAGIC, streamOf } from './compound-file.ts';
import { type BinaryFormat, FileBroken, type FormatOptions, payloadOf, type ReadingSink } from './file-format.ts';
import { recordableTime, timeReader, zoneOffset } from './local-time.ts';
import { compareSummary, type LoggerSummary, ReadingStatistics } from './logger-summary.ts';
import { jsonNumber } from './number-text.ts';

const STAMP = timeReader('YYYY-MM-DD HH:mm:ss', 0);
const STAMP_LENGTH = 19;
const SERIAL = /^[A-Za-z0-9]{4,40}$/;
/** Table head of a logger that measures in °C, in a report in English. */
const TEMPERATURE = /^Temperature\s*°C$/;
const DIGITS = 4;

function read(bytes: Buffer, options: FormatOptions, sink: ReadingSink): void {
  const rows = readFirstSheet(streamOf(bytes, ['Workbook', 'Book']));
  const order = [...rows.keys()].sort((a, b) => a - b);
  const fields = fieldsOf(order.map((row) => rows.get(row) as SheetRow));
  const serial = fields.get('Serial Number') ?? '';
  if (!SERIAL.test(serial)) throw new FileBroken('FILE_BROKEN', 0, 'the report names no serial number');
  const table = order.find((row) => isTableHead(rows.get(row) as SheetRow));
  if (table === undefined) throw new FileBroken('FILE_BROKEN', 0, 'there is no table No. | Time | Temperature°C');
  const zone = options.zoneMs ?? zoneOffset(fields.get('Time Zone') ?? '');
  if (zone === undefined) throw new FileBroken('FILE_BROKEN', 0, `time zone ${fields.get('Time Zone') ?? ''}`);
  const producer = options.producer ?? `elitech-${serial}`;
  const name = { zh: `温度记录仪 ${serial}`, en: `Temperature logger ${serial}` };
  const route = (dataset: string): number => sink.route({ dataset, producer, kind: 'fridge', name });
  const readings = route(options.dataset ?? 'coldchain');
  const statistics = new ReadingStatistics();
  for (const row of order.filter((at) => at > table)) {
    const [, at, celsius] = rows.get(row) as SheetRow;
    const local = typeof at === 'string' ? STAMP(at) : undefined;
    const time = local === undefined ? undefined : recordableTime(local, zone);
    const value = numberOf(celsius);
    if (time === undefined || value === undefined) sink.fault(row + 1, 'LINE_UNREADABLE', `${at ?? ''} ${celsius ?? ''}`.slice(0, 64));
    else {
      statistics.add(value);
      sink.reading({ route: readings, line: row + 1, time, payload: payloadOf(time, `"tvc":${value}`), values: 1 });
    }
  }
  if (statistics.count === 0) throw new FileBroken('FILE_BROKEN', table + 1, 'the table is empty');
  emitSummary(fields, { line: table + 1, route: route('coldchain-summary'), zone }, sink);
  const { result, detail } = compareSummary(summaryOf(fields), statistics, true);
  sink.summary(result);
  if (result === 'differs') sink.fault(table + 1, 'SUMMARY_MISMATCH', detail);
}

/** Cells in pairs of name and value, up to two a row. */
function fieldsOf(rows: readonly SheetRow[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const cells of rows) {
    if (isTableHead(cells)) break;
    for (const at of [0, 3]) {
      const [name, value] = [cells[at], cells[at + 1]];
      if (typeof name === 'string' && name !== '' && value !== undefined) fields.set(name.trim(), String(value).trim());
    }
  }
  return fields;
}

function isTableHead([number, time, temperature]: SheetRow): boolean {
  return number === 'No.' && time === 'Time' && typeof temperature === 'string' && TEMPERATURE.test(temperature.trim());
}

function numberOf(cell: Cell | undefined): number | undefined {
  // A double of a cell may carry noise beyond what was measured (23.700000000000003).
  if (typeof cell === 'number') return Number.isFinite(cell) ? Number(cell.toFixed(DIGITS)) : undefined;
  const text = cell === undefined ? undefined : jsonNumber(cell.replace(/\s*°C$/, '').replace(',', '.'));
  return text === undefined ? undefined : Number(text);
}

function summaryOf(fields: ReadonlyMap<string, string>): LoggerSummary {
  const told = (name: string): number | undefined => numberOf(fields.get(name));
  return {
    min: told('Minimum'),
    max: told('Maximum'),
    mean: told('Average'),
    mkt: told('Mean Kinetic Temperature (MKT)'),
    readings: told('Current Readings'),
  };
}

function emitSummary(
  fields: ReadonlyMap<string, string>,
  { line, route, zone }: { readonly line: number; readonly route: number; readonly zone: number },
  sink: ReadingSink,
): void {
  const stamp = (name: string): number | undefined => STAMP((fields.get(name) ?? '').slice(0, STAMP_LENGTH));
  const first = stamp('First Reading');
  const from = first === undefined ? undefined : recordableTime(first, zone);
  if (from === undefined) return;
  const { min, max, mean, mkt, readings } = summaryOf(fields);
  const numbers = Object.entries({ tmin: min, tmax: max, tavg: mean, mkt, readings }).filter(([, value]) => value !== undefined);
  const measurements = numbers.map(([property, value]) => `"${property}":${value}`);
  const to = stamp('Last Reading');
  if (to !== undefined) measurements.push(`"to":"${new Date(to - zone).toISOString()}"`);
  const payload = payloadOf(from, measurements.join(','), `run-${from}`);
  if (measurements.length > 0) sink.reading({ route, line, time: from, payload, values: measurements.length });
}

export const ELITECH_XLS: BinaryFormat = {
  name: 'elitech',
  title: { zh: 'Elitech 温度记录仪 .xls 报告', en: 'Elitech logger reports (.xls)' },
  version: '1',
  kind: 'binary',
  recognises: (head) => head.subarray(0, COMPOUND_FILE_MAGIC.length).equals(COMPOUND_FILE_MAGIC),
  read,
};
