/** The rows of one file, one after the other, without holding more of them than the text itself. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { EnvironmentError } from '../command.ts';
import { UciRowReader } from './uci-row.ts';

/** A file of four years of hours is 2.5 MB; what is far larger is not such a file. */
const TEXT_MAX_BYTES = 256 * 1024 * 1024;
const GZIP_MAGIC = 0x1f8b;

export interface RowFault {
  readonly file: string;
  /** 1-based line of the file. */
  readonly line: number;
  readonly detail: string;
}

export class RowSource {
  readonly file: string;
  readonly station: string;
  /** Rows of the file, the header not counted. */
  readonly rows: number;
  readonly firstTime: number;
  /** Rows read so far without any value. */
  empty = 0;
  readonly faults: RowFault[] = [];
  faultCount = 0;
  readonly #reader: UciRowReader;
  readonly #text: string;
  #at: number;
  #line = 1;

  /** @throws EnvironmentError when the file cannot be read or is none of the data set's */
  constructor(file: string) {
    this.file = file;
    this.#text = readText(file);
    const headerEnd = this.#text.indexOf('\n');
    const reader = UciRowReader.fromHeader(this.#text.slice(0, headerEnd).trimEnd());
    if (headerEnd < 0 || !reader.ok) {
      const detail = reader.ok ? 'empty' : reader.detail;
      throw new EnvironmentError({
        zh: `${file} 不是 UCI 北京空气质量 CSV：缺 ${detail}`,
        en: `${file} is no CSV of the UCI Beijing data set: missing ${detail}`,
      });
    }
    this.#reader = reader.value;
    this.#at = headerEnd + 1;
    const firstLine = this.#lineAt(this.#at);
    const first = reader.value.read(firstLine);
    this.station = reader.value.stationOf(firstLine);
    this.firstTime = first.ok ? first.value.time : Number.NaN;
    this.rows = countLines(this.#text, this.#at);
  }

  /** The next row that has a value; undefined at the end. Rows without values and unreadable ones are counted and passed over. */
  next(): { readonly time: number; readonly payload: string } | undefined {
    while (this.#at < this.#text.length) {
      const line = this.#lineAt(this.#at);
      this.#advance();
      if (line === '') continue;
      const row = this.#reader.read(line);
      if (!row.ok) this.#noteFault(row.detail);
      else if (row.value.payload === undefined) this.empty++;
      else return { time: row.value.time, payload: row.value.payload };
    }
    return undefined;
  }

  #advance(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
    this.#line++;
  }

  #lineAt(at: number): string {
    const end = this.#text.indexOf('\n', at);
    return this.#text.slice(at, end < 0 ? undefined : end).trimEnd();
  }

  #noteFault(detail: string): void {
    this.faultCount++;
    // The first ones show what is wrong; a file of another kind would have one per line.
    if (this.faults.length < 5) this.faults.push({ file: this.file, line: this.#line, detail });
  }
}

function readText(file: string): string {
  const bytes = readFileSync(file);
  const isGzip = bytes.length > 2 && bytes.readUInt16BE(0) === GZIP_MAGIC;
  const text = isGzip ? gunzipSync(bytes, { maxOutputLength: TEXT_MAX_BYTES }) : bytes;
  return text.toString('utf8');
}

function countLines(text: string, from: number): number {
  let count = 0;
  for (let at = from; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end + 1;
    if (text.slice(at, next).trim() !== '') count++;
    at = next;
  }
  return count;
}
