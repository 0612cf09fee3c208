/**
 * The cells of a workbook in BIFF8 ([MS-XLS]): texts and numbers of its first sheet. Formats, charts and everything else
 * is passed over; formulas give their stored result.
 */
import { FileBroken } from './file-format.ts';

const RECORD = {
  formula: 0x0006,
  eof: 0x000a,
  filePass: 0x002f,
  continue: 0x003c,
  boundSheet: 0x0085,
  multipleRk: 0x00bd,
  sharedStrings: 0x00fc,
  labelShared: 0x00fd,
  number: 0x0203,
  label: 0x0204,
  text: 0x0207,
  rk: 0x027e,
  begin: 0x0809,
} as const;
const BIFF8_VERSION = 0x0600;
/** [MS-XLS] §2.2: a sheet has at most 65,536 rows of 256 columns. */
const COLUMNS_MAX = 256;
/** Texts of one workbook: each is at least three bytes of the file, so a count beyond that is a lie. */
const TEXT_MIN_BYTES = 3;
const LABEL_SHARED_BYTES = 10;

export type Cell = string | number;
/** By 0-based column; absent: an empty cell. */
export type SheetRow = readonly (Cell | undefined)[];

interface BiffRecord {
  readonly type: number;
  readonly data: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

function recordAt(stream: Buffer, at: number): BiffRecord | undefined {
  if (at + 4 > stream.length) return undefined;
  const end = at + 4 + stream.readUInt16LE(at + 2);
  if (end > stream.length) return undefined;
  return { type: stream.readUInt16LE(at), data: stream.subarray(at + 4, end), end };
}

/**
 * Rows of the first sheet, by 0-based row number; rows without cells are absent.
 * @param stream the workbook's stream
 * @throws FileBroken when it is no BIFF8, is encrypted, or is not whole
 */
export function readFirstSheet(stream: Buffer): Map<number, SheetRow> {
  const first = recordAt(stream, 0);
  if (first?.type !== RECORD.begin || first.data.length < 4 || first.data.readUInt16LE(0) !== BIFF8_VERSION)
    throw broken('it is no BIFF8 workbook');
  let texts: readonly string[] = [];
  let sheetAt: number | undefined;
  for (let at = 0; ; ) {
    const record = recordAt(stream, at);
    if (record === undefined) throw broken('the workbook breaks off');
    if (record.type === RECORD.filePass) throw broken('the workbook is encrypted');
    if (record.type === RECORD.boundSheet && record.data.length >= 4) sheetAt ??= record.data.readUInt32LE(0);
    if (record.type === RECORD.sharedStrings) texts = readTexts(stream, at);
    if (record.type === RECORD.eof) break;
    at = record.end;
  }
  if (sheetAt === undefined) throw broken('the workbook has no sheet');
  return readCells(stream, sheetAt, texts);
}

function readCells(stream: Buffer, from: number, texts: readonly string[]): Map<number, SheetRow> {
  const rows = new Map<number, (Cell | undefined)[]>();
  /** The cell of a formula whose text follows in a record of its own. */
  let pending: readonly [row: number, column: number] | undefined;
  const put = (row: number, column: number, cell: Cell | undefined): void => {
    if (column >= COLUMNS_MAX || cell === undefined) return;
    const cells = rows.get(row) ?? [];
    cells[column] = cell;
    rows.set(row, cells);
  };
  let depth = 0;
  for (let at = from; ; ) {
    const record = recordAt(stream, at);
    if (record === undefined) throw broken('the sheet breaks off');
    const { type, data } = record;
    at = record.end;
    // A chart within the sheet is a stream within the stream.
    if (type === RECORD.begin) depth++;
    else if (type === RECORD.eof && --depth <= 0) return rows;
    if (depth !== 1 || data.length < 6) continue;
    const [row, column] = [data.readUInt16LE(0), data.readUInt16LE(2)];
    if (type === RECORD.labelShared && data.length >= LABEL_SHARED_BYTES) put(row, column, texts[data.readUInt32LE(6)]);
    else if (type === RECORD.number && data.length >= 14) put(row, column, data.readDoubleLE(6));
    else if (type === RECORD.rk && data.length >= 10) put(row, column, rkNumber(data.readUInt32LE(6)));
    else if (type === RECORD.multipleRk) {
      for (let i = 0; 4 + 6 * i + 6 <= data.length - 2; i++) put(row, column + i, rkNumber(data.readUInt32LE(4 + 6 * i + 2)));
    } else if (type === RECORD.label && data.length >= 9) put(row, column, textAt(data, 6));
    else if (type === RECORD.formula && data.length >= 14) {
      // §2.5.133: 0xFFFF at the end of the value marks one that is no number; 0 in front: a text follows.
      if (data.readUInt16LE(12) !== 0xffff) put(row, column, data.readDoubleLE(6));
      else if (data[6] === 0) pending = [row, column];
    } else if (type === RECORD.text && pending !== undefined) {
      put(...pending, textAt(data, 0));
      pending = undefined;
    }
  }
}

/** [MS-XLS] §2.5.217: 30 bits of a whole number or of a double's front, perhaps times 100. */
function rkNumber(rk: number): number {
  let value: number;
  if ((rk & 2) !== 0) value = (rk | 0) >> 2;
  else {
    const double = Buffer.alloc(8);
    double.writeUInt32LE((rk & 0xfffffffc) >>> 0, 4);
    value = double.readDoubleLE(0);
  }
  return (rk & 1) === 0 ? value : value / 100;
}

/** A text of its own record: length in characters, flags, characters. */
function textAt(data: Buffer, at: number): string | undefined {
  if (at + 3 > data.length) return undefined;
  const length = data.readUInt16LE(at);
  const isWide = ((data[at + 2] as number) & 1) !== 0;
  const end = at + 3 + length * (isWide ? 2 : 1);
  if (end > data.length) return undefined;
  return data.toString(isWide ? 'utf16le' : 'latin1', at + 3, end);
}

/** §2.4.265: the texts that cells name by number. They run on over CONTINUE records, and a cut text tells its width anew. */
function readTexts(stream: Buffer, at: number): string[] {
  const pieces: Buffer[] = [];
  for (let record = recordAt(stream, at); record !== undefined; record = recordAt(stream, record.end)) {
    if (pieces.length > 0 && record.type !== RECORD.continue) break;
    pieces.push(record.data);
  }
  const reader = new PieceReader(pieces);
  reader.uint(4);
  const count = reader.uint(4);
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (count * TEXT_MIN_BYTES > bytes) throw broken(`${count} texts in ${bytes} bytes`);
  return Array.from({ length: count }, () => reader.text());
}

class PieceReader {
  readonly #pieces: readonly Buffer[];
  #piece = 0;
  #at = 0;

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces;
  }

  uint(bytes: number): number {
    return this.#take(bytes).readUIntLE(0, bytes);
  }

  /** §2.5.293: characters, flags (1: wide, 4: phonetic, 8: rich), lengths of what follows, the text, what follows. */
  text(): string {
    let left = this.uint(2);
    const flags = this.uint(1);
    const runs = (flags & 8) === 0 ? 0 : this.uint(2);
    const phoneticBytes = (flags & 4) === 0 ? 0 : this.uint(4);
    let isWide = (flags & 1) !== 0;
    let text = '';
    while (left > 0) {
      if (this.#room() === 0) {
        this.#next();
        isWide = (this.uint(1) & 1) !== 0;
      }
      const width = isWide ? 2 : 1;
      const characters = Math.min(left, Math.floor(this.#room() / width));
      if (characters === 0) throw broken('a text is cut within a character');
      text += this.#take(characters * width).toString(isWide ? 'utf16le' : 'latin1');
      left -= characters;
    }
    this.#skip(runs * 4 + phoneticBytes);
    return text;
  }

  #room(): number {
    return (this.#pieces[this.#piece]?.length ?? 0) - this.#at;
  }

  #next(): void {
    this.#piece++;
    this.#at = 0;
    if (this.#piece >= this.#pieces.length) throw broken('the texts break off');
  }

  /** Bytes that lie in one piece. */
  #take(bytes: number): Buffer {
    if (this.#room() === 0) this.#next();
    if (this.#room() < bytes) throw broken('the texts break off');
    const taken = (this.#pieces[this.#piece] as Buffer).subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }

  #skip(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      if (this.#room() === 0) this.#next();
      const step = Math.min(left, this.#room());
      this.#at += step;
      left -= step;
    }
  }
}

function broken(detail: string): FileBroken {
  return new FileBroken('FILE_BROKEN', 0, detail);
}
