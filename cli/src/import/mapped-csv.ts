/** Any CSV, by a mapping: a row is one reading per producer it has values of. A record is one line: no quoted line ends. */
import { isName } from '@airtight/protocol';
import { parse } from 'csv-parse/sync';
import { FileBroken, type FormatOptions, type LineReader, payloadOf, type ReadingSink } from './file-format.ts';
import { type TimeReader, timeReader, zoneOffset } from './local-time.ts';
import type { Column, Mapping } from './mapping.ts';
import { jsonNumber } from './number-text.ts';

const MISSING = ['NA', 'NaN', 'null'];
/** Producers one file may name. */
const PRODUCERS_MAX = 20_000;
const TEXT_MAX_LENGTH = 256;
const SHOWN_LENGTH = 32;

interface BoundValue {
  readonly at: number;
  readonly column: Column;
  readonly prefix: string;
  readonly suffix: string;
  readonly isText: boolean;
  /** Absent: the row's. */
  readonly producer: string | undefined;
}

interface Columns {
  readonly count: number;
  readonly time: readonly number[];
  readonly producer: number | undefined;
  readonly values: readonly BoundValue[];
}

export class MappedReader implements LineReader {
  readonly #mapping: Mapping;
  readonly #options: FormatOptions;
  readonly #sink: ReadingSink;
  readonly #missing: ReadonlySet<string>;
  readonly #time: TimeReader;
  readonly #skip: number;
  readonly #header: number;
  readonly #routes = new Map<string, number>();
  #columns: Columns | undefined;

  constructor(mapping: Mapping, options: FormatOptions, sink: ReadingSink) {
    this.#mapping = mapping;
    this.#options = options;
    this.#sink = sink;
    this.#missing = new Set(['', ...(mapping.missing ?? MISSING)]);
    this.#time = timeReader(mapping.time.pattern, options.zoneMs ?? zoneOffset(mapping.time.zone ?? 'UTC') ?? 0);
    this.#skip = mapping.skip ?? 0;
    this.#header = mapping.header ?? 1;
  }

  line(text: string, number: number): void {
    const inHeader = number - this.#skip;
    if (inHeader <= 0) return;
    if (inHeader <= this.#header) {
      if (inHeader === 1) this.#columns = this.#bind(this.#fieldsOf(text) ?? [], number);
      return;
    }
    if (text.trim() === '') return;
    const fields = this.#fieldsOf(text);
    if (fields === undefined) return this.#sink.fault(number, 'LINE_UNREADABLE', 'a quote is not closed');
    this.#columns ??= this.#bind(
      fields.map((_, at) => String(at + 1)),
      number,
    );
    this.#row(this.#columns, fields, number);
  }

  end(): void {
    // A row is whole or it is not: nothing is held back.
  }

  #row(columns: Columns, fields: string[], number: number): void {
    // Some programs put a delimiter behind the last field now and then.
    while (fields.length > columns.count && fields.at(-1) === '') fields.pop();
    if (fields.length !== columns.count) {
      this.#sink.fault(number, 'LINE_UNREADABLE', `${fields.length} fields instead of ${columns.count}`);
      return;
    }
    const stamp = columns.time.map((at) => (fields[at] as string).trim()).join(' ');
    const time = this.#time(stamp);
    if (time === undefined) return this.#sink.fault(number, 'TIME_INVALID', JSON.stringify(stamp.slice(0, SHOWN_LENGTH)));
    const parts = new Map<string | undefined, { text: string; values: number }>();
    for (const { at, column, prefix, suffix, isText, producer } of columns.values) {
      const field = (fields[at] as string).trim();
      if (this.#missing.has(field)) continue;
      const value = isText ? JSON.stringify(field.slice(0, TEXT_MAX_LENGTH)) : jsonNumber(field, this.#mapping.decimal);
      if (value === undefined) {
        this.#sink.fault(number, 'LINE_UNREADABLE', `${column}: ${JSON.stringify(field.slice(0, SHOWN_LENGTH))} is no number`);
        continue;
      }
      const part = parts.get(producer) ?? { text: '', values: 0 };
      part.text += `${part.values === 0 ? '' : ','}${prefix}${value}${suffix}`;
      part.values++;
      parts.set(producer, part);
    }
    if (parts.size === 0) this.#sink.blank();
    for (const [producer, { text, values }] of parts) {
      const route = this.#routeOf(producer ?? this.#producerOf(columns, fields), number);
      if (route !== undefined) this.#sink.reading({ route, line: number, time, payload: payloadOf(time, text), values });
    }
  }

  #fieldsOf(line: string): string[] | undefined {
    const { delimiter = ',' } = this.#mapping;
    if (!line.includes('"')) return line.split(delimiter);
    try {
      return (parse(line, { delimiter, relax_column_count: true }) as string[][])[0] ?? [];
    } catch {
      return undefined;
    }
  }

  /** @throws FileBroken when a column of the mapping is not there */
  #bind(names: readonly string[], number: number): Columns {
    const find = (column: Column): number => {
      const at = typeof column === 'number' ? column - 1 : names.findIndex((name) => name.trim() === column);
      if (at < 0 || at >= names.length) throw new FileBroken('FILE_BROKEN', number, `there is no column ${column}`);
      return at;
    };
    const { time, producer, values } = this.#mapping;
    return {
      count: names.length,
      time: time.columns.map(find),
      producer: producer.column === undefined ? undefined : find(producer.column),
      values: values.map(({ column, property, unit, text, producer: own }) => ({
        at: find(column),
        column,
        prefix: unit === undefined ? `"${property}":` : `"${property}":{"v":`,
        suffix: unit === undefined ? '' : `,"u":${JSON.stringify(unit)}}`,
        isText: text === true,
        producer: own,
      })),
    };
  }

  #producerOf({ producer: at }: Columns, fields: readonly string[]): string {
    const { prefix = '', name, file } = this.#mapping.producer;
    if (this.#options.producer !== undefined && at === undefined) return this.#options.producer;
    return prefix + (file === true ? this.#options.stem : (name ?? (fields[at as number] as string).trim()));
  }

  #routeOf(producer: string, number: number): number | undefined {
    const known = this.#routes.get(producer);
    if (known !== undefined) return known;
    if (!isName(producer)) {
      this.#sink.fault(number, 'NAME_INVALID', `producer ${JSON.stringify(producer.slice(0, SHOWN_LENGTH))}`);
      return undefined;
    }
    if (this.#routes.size >= PRODUCERS_MAX) throw new FileBroken('FILE_BROKEN', number, `more than ${PRODUCERS_MAX} producers`);
    const { dataset, kind = 'air-station' } = this.#mapping;
    const name = { zh: producer, en: producer };
    const route = this.#sink.route({ dataset: this.#options.dataset ?? dataset, producer, kind, name });
    this.#routes.set(producer, route);
    return route;
  }
}
