/** Small `.xls` workbooks: BIFF8 records ([MS-XLS]) in an OLE2 compound file ([MS-CFB]), as little of both as a reader needs. */
import { COMPOUND_FILE_MAGIC } from '../import/compound-file.ts';

const SECTOR_BYTES = 512;
const MINI_SECTOR_BYTES = 64;
/** Streams below it lie in small sectors. */
const MINI_CUTOFF_BYTES = 4096;
const END_OF_CHAIN = 0xfffffffe;
const FREE = 0xffffffff;
const FAT = 0xfffffffd;

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(type);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

function begin(kind: number): Buffer {
  const data = Buffer.alloc(16);
  data.writeUInt16LE(0x0600);
  data.writeUInt16LE(kind, 2);
  return record(0x0809, data);
}

/** A text with its length before it, in two bytes a character where one does not do. */
function text(value: string): Buffer {
  const isWide = /[^\0-ÿ]/.test(value);
  const head = Buffer.alloc(3);
  head.writeUInt16LE(value.length);
  head[2] = isWide ? 1 : 0;
  return Buffer.concat([head, Buffer.from(value, isWide ? 'utf16le' : 'latin1')]);
}

function cell(row: number, column: number, value: string | number, textAt: (value: string) => number): Buffer {
  const at = Buffer.alloc(6);
  at.writeUInt16LE(row);
  at.writeUInt16LE(column, 2);
  const data = Buffer.alloc(typeof value === 'string' ? 4 : 8);
  if (typeof value === 'string') data.writeUInt32LE(textAt(value));
  else data.writeDoubleLE(value);
  return record(typeof value === 'string' ? 0x00fd : 0x0203, Buffer.concat([at, data]));
}

/** The stream `Workbook` with one sheet. @param rows cells from the first column on; undefined: an empty one */
export function workbookStream(rows: readonly (readonly (string | number | undefined)[])[]): Buffer {
  const texts = new Map<string, number>();
  const textAt = (value: string): number => {
    const known = texts.get(value) ?? texts.size;
    texts.set(value, known);
    return known;
  };
  const cells = rows.flatMap((row, r) => row.flatMap((value, c) => (value === undefined ? [] : [cell(r, c, value, textAt)])));
  const counts = Buffer.alloc(8);
  counts.writeUInt32LE(texts.size);
  counts.writeUInt32LE(texts.size, 4);
  const shared = record(0x00fc, Buffer.concat([counts, ...[...texts.keys()].map(text)]));
  const sheet = Buffer.concat([Buffer.alloc(6), Buffer.from([1, 0]), Buffer.from('S')]);
  const end = record(0x000a, Buffer.alloc(0));
  const globalsBytes = begin(5).length + record(0x0085, sheet).length + shared.length + end.length;
  sheet.writeUInt32LE(globalsBytes);
  return Buffer.concat([begin(5), record(0x0085, sheet), shared, end, begin(0x10), ...cells, end]);
}

function directoryEntry(name: string, kind: number, start: number, sizeBytes: number): Buffer {
  const entry = Buffer.alloc(128);
  entry.write(name, 'utf16le');
  entry.writeUInt16LE(2 * name.length + 2, 64);
  entry[66] = kind;
  entry.writeUInt32LE(start, 116);
  entry.writeUInt32LE(sizeBytes, 120);
  return entry;
}

const padded = (bytes: Buffer, to: number): Buffer => Buffer.concat([bytes], Math.ceil(bytes.length / to) * to);
const numbers = (values: readonly number[], filled: number): Buffer => {
  const sector = Buffer.alloc(SECTOR_BYTES, 0xff);
  for (const [i, value] of values.entries()) sector.writeUInt32LE(value, 4 * i);
  return filled === SECTOR_BYTES ? sector : sector.subarray(0, filled);
};
/** A chain over neighbouring sectors. */
const chain = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (i === count - 1 ? END_OF_CHAIN : from + i + 1));

/** A compound file with one stream: sector 0 the FAT, 1 the directory, 2 the FAT of small sectors, then the stream. */
export function compoundFile(name: string, stream: Buffer): Buffer {
  const isMini = stream.length < MINI_CUTOFF_BYTES;
  const content = padded(stream, SECTOR_BYTES);
  const sectors = content.length / SECTOR_BYTES;
  const header = Buffer.alloc(SECTOR_BYTES);
  COMPOUND_FILE_MAGIC.copy(header);
  header.writeUInt16LE(3, 26);
  header.writeUInt16LE(9, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(1, 44);
  header.writeUInt32LE(1, 48);
  header.writeUInt32LE(MINI_CUTOFF_BYTES, 56);
  header.writeUInt32LE(2, 60);
  header.writeUInt32LE(FREE, 68);
  numbers([0], SECTOR_BYTES - 76).copy(header, 76);
  const fat = numbers([FAT, END_OF_CHAIN, END_OF_CHAIN, ...chain(3, sectors)], SECTOR_BYTES);
  const directory = Buffer.concat([
    directoryEntry('Root Entry', 5, isMini ? 3 : END_OF_CHAIN, isMini ? content.length : 0),
    directoryEntry(name, 2, isMini ? 0 : 3, stream.length),
  ]);
  const miniFat = numbers(isMini ? chain(0, Math.ceil(stream.length / MINI_SECTOR_BYTES)) : [], SECTOR_BYTES);
  return Buffer.concat([header, fat, padded(directory, SECTOR_BYTES), miniFat, content]);
}
