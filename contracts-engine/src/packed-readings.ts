/** Readings as lines of JSON: what they have in common once, the rest as rows. A third of their own JSON. */
import { NO_FLAGS } from './reading.ts';
import type { Reading } from './rule/series.ts';

/** About 25 kB of text, made in well under a millisecond. */
const ROWS_IN_LINE = 256;

type Row = readonly [
  at: number,
  position: number,
  receivedAt: number,
  lateByMs: number,
  live: 0 | 1,
  values: readonly Reading['values'][string][],
  /** Absent: no flags, no verdicts. */
  marks?: Pick<Reading, 'flags' | 'judged' | 'manual'>,
];

interface PackedLine extends Pick<Reading, 'agency' | 'dataset' | 'producer'> {
  /** Of all values, in order. */
  readonly properties: readonly string[];
  readonly rows: readonly Row[];
}

/** Lines without line ends; none for no readings. */
export function* packReadings(readings: readonly Reading[]): Iterable<string> {
  for (let from = 0; from < readings.length; ) {
    const first = readings[from] as Reading;
    const { agency, dataset, producer } = first;
    const properties = Object.keys(first.values);
    const rows: Row[] = [];
    let to = from;
    for (; to < readings.length && rows.length < ROWS_IN_LINE; to++) {
      const reading = readings[to] as Reading;
      if (!isAlike(reading, first, properties)) break;
      rows.push(rowOf(reading));
    }
    const line: PackedLine = { agency, dataset, producer, properties, rows };
    yield JSON.stringify(line);
    from = to;
  }
}

/** The readings of one line. */
export function unpackReadings(text: string): readonly Reading[] {
  const { agency, dataset, producer, properties, rows } = JSON.parse(text) as PackedLine;
  return rows.map(([at, position, receivedAt, lateByMs, live, told, marks]) => {
    const values: { [property: string]: Reading['values'][string] } = {};
    for (const [i, property] of properties.entries()) values[property] = told[i] as Reading['values'][string];
    const { flags, judged, manual } = marks ?? { flags: NO_FLAGS, judged: null, manual: null };
    return { agency, dataset, producer, at, position, receivedAt, live: live === 1, values, flags, judged, manual, lateByMs };
  });
}

function isAlike(reading: Reading, first: Reading, properties: readonly string[]): boolean {
  if (reading.agency !== first.agency || reading.dataset !== first.dataset || reading.producer !== first.producer) return false;
  let at = 0;
  for (const name in reading.values) if (name !== properties[at++]) return false;
  return at === properties.length;
}

function rowOf({ at, position, receivedAt, lateByMs, live, values, flags, judged, manual }: Reading): Row {
  const told = Object.values(values);
  let isMarked = judged !== null || manual !== null;
  for (const _ in flags) isMarked = true;
  const isLive = live ? 1 : 0;
  if (!isMarked) return [at, position, receivedAt, lateByMs, isLive, told];
  return [at, position, receivedAt, lateByMs, isLive, told, { flags, judged, manual }];
}
