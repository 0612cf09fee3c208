/** The station files of the UCI data set "Beijing Multi-Site Air Quality": the very records that `airtight replay` publishes. */

import { producerOf } from '../replay/enrolment.ts';
import { UciRowReader } from '../replay/uci-row.ts';
import { UCI_REGION, uciStation } from '../replay/uci-stations.ts';
import { FileBroken, type FormatOptions, type LineReader, type ReadingSink, type TextFormat } from './file-format.ts';

class UciReader implements LineReader {
  readonly #options: FormatOptions;
  readonly #sink: ReadingSink;
  #rows: UciRowReader | undefined;
  #route: { readonly station: string; readonly index: number } | undefined;

  constructor(options: FormatOptions, sink: ReadingSink) {
    this.#options = options;
    this.#sink = sink;
  }

  line(text: string, number: number): void {
    if (this.#rows === undefined) {
      const reader = UciRowReader.fromHeader(text);
      if (!reader.ok) throw new FileBroken('FILE_BROKEN', number, `missing ${reader.detail}`);
      this.#rows = reader.value;
      return;
    }
    if (text === '') return;
    const row = this.#rows.read(text);
    if (!row.ok) {
      this.#sink.fault(number, 'LINE_UNREADABLE', row.detail);
      return;
    }
    const { time, payload, values } = row.value;
    const route = this.#routeOf(this.#rows.stationOf(text), number);
    if (route === undefined) return;
    if (payload === undefined) this.#sink.blank();
    else this.#sink.reading({ route, line: number, time, payload, values });
  }

  end(): void {
    // A row is whole or it is not: nothing is held back.
  }

  #routeOf(station: string, number: number): number | undefined {
    if (this.#route?.station === station) return this.#route.index;
    const known = uciStation(station);
    if (known === undefined) {
      this.#sink.fault(number, 'LINE_UNREADABLE', `station ${JSON.stringify(station.slice(0, 32))} is not of this data set`);
      return undefined;
    }
    const { name, location } = known;
    const index = this.#sink.route({
      dataset: this.#options.dataset ?? 'air',
      producer: producerOf(station),
      kind: 'air-station',
      name,
      region: UCI_REGION,
      location,
    });
    this.#route = { station, index };
    return index;
  }
}

export const UCI_CSV: TextFormat = {
  name: 'uci',
  title: { zh: 'UCI 北京多站空气质量（每站一文件）', en: 'UCI Beijing multi-site air quality, a file per station' },
  agency: 'bj-eco',
  version: '1',
  kind: 'text',
  recognises: ([header = '']) => UciRowReader.fromHeader(header).ok,
  open: (options, sink) => new UciReader(options, sink),
};
