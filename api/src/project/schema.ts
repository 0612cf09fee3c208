/**
 * The tables of the store. Each is written by one process in order of journal position, one insert = one part, so its own
 * `max(position)` says how far it is; a projection keeps that answer at hand. No partitions: a partition would split an
 * insert into several parts, and an insert must be there whole or not at all.
 */

export const DATABASE = 'airtight';

export type Table = 'observations' | 'verdicts' | 'indices' | 'alerts' | 'ticks' | 'control';

/**
 * In the order in which one flush writes them. Observations come last: what lies below their highest position is
 * therefore complete in every table, and the projector resumes right above it.
 */
export const TABLES: readonly Table[] = ['control', 'ticks', 'alerts', 'indices', 'verdicts', 'observations'];

/** Inserts whose token is remembered: a repeat of one of these changes nothing. The projector only ever repeats the last. */
const DEDUPLICATION_WINDOW = 100;
/** The journal is fsynced long before; this makes "in the table" survive a power cut as well, at some ten fdatasyncs per insert. */
const DURABILITY = `non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}, fsync_after_insert = 1, fsync_part_directory = 1`;
/** A question is about hours of one series: granules a quarter of the usual halve what a day of a dozen stations reads (measured). */
const GRANULARITY = 'index_granularity = 2048, min_compress_block_size = 16384, max_compress_block_size = 65536';

const HEAD = 'PROJECTION head (SELECT max(position), count())';

const DEFINITIONS: { readonly [table in Table]: string } = {
  // One row per observed value. kind: 0 number, 1 text, 2 boolean (result 0 or 1). flags: JSON array, empty text for none.
  observations: `(
    agency LowCardinality(String),
    dataset LowCardinality(String),
    producer LowCardinality(String),
    observedProperty LowCardinality(String),
    phenomenonTime Int64 CODEC(DoubleDelta, LZ4),
    receivedAt Int64 CODEC(DoubleDelta, LZ4),
    position UInt64 CODEC(DoubleDelta, LZ4),
    ordinal UInt32 CODEC(T64, LZ4),
    kind UInt8 CODEC(T64, LZ4),
    result Float64 CODEC(Gorilla, LZ4),
    text String CODEC(ZSTD(1)),
    unit LowCardinality(String),
    flags LowCardinality(String),
    INDEX by_position position TYPE minmax GRANULARITY 8,
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY (dataset, producer, observedProperty, phenomenonTime, position, ordinal)`,
  // One row per reading of a dataset that has an index. aqi NULL: not published. primaries: JSON array, empty text for none.
  indices: `(
    agency LowCardinality(String),
    dataset LowCardinality(String),
    producer LowCardinality(String),
    phenomenonTime Int64 CODEC(DoubleDelta, LZ4),
    receivedAt Int64 CODEC(DoubleDelta, LZ4),
    position UInt64 CODEC(DoubleDelta, LZ4),
    ordinal UInt32 CODEC(T64, LZ4),
    standard LowCardinality(String),
    aqi Nullable(UInt16),
    primaries LowCardinality(String),
    reason LowCardinality(String),
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY (dataset, producer, phenomenonTime, position, ordinal)`,
  // One row per quality verdict that is not pass. position, ordinal: of the record that decided it; judged, judgedOrdinal: of the
  // value it is about. Of several about one value the last decided counts. tests: `spike=3 rate=4`.
  verdicts: `(
    dataset LowCardinality(String),
    producer LowCardinality(String),
    observedProperty LowCardinality(String),
    phenomenonTime Int64 CODEC(DoubleDelta, LZ4),
    receivedAt Int64 CODEC(DoubleDelta, LZ4),
    judged UInt64 CODEC(DoubleDelta, LZ4),
    judgedOrdinal UInt32 CODEC(T64, LZ4),
    position UInt64 CODEC(DoubleDelta, LZ4),
    ordinal UInt32 CODEC(T64, LZ4),
    flag UInt8 CODEC(T64, LZ4),
    tests LowCardinality(String),
    INDEX by_position position TYPE minmax GRANULARITY 8,
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY (dataset, producer, observedProperty, phenomenonTime, judged, judgedOrdinal, position, ordinal)`,
  alerts: `(
    position UInt64 CODEC(DoubleDelta, LZ4),
    agency LowCardinality(String),
    producer LowCardinality(String),
    receivedAt Int64 CODEC(DoubleDelta, LZ4),
    alert String,
    type LowCardinality(String),
    payload String CODEC(ZSTD(1)),
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY position`,
  // One row per tick: when which time was on record decides what is told of silence, and the evidence of it names them.
  ticks: `(
    position UInt64 CODEC(DoubleDelta, LZ4),
    at Int64 CODEC(DoubleDelta, LZ4),
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY position`,
  control: `(
    position UInt64 CODEC(DoubleDelta, LZ4),
    agency LowCardinality(String),
    dataset LowCardinality(String),
    producer LowCardinality(String),
    receivedAt Int64 CODEC(DoubleDelta, LZ4),
    payload String CODEC(ZSTD(1)),
    ${HEAD}
  ) ENGINE = MergeTree ORDER BY position`,
};

/** Statements that make what is missing. */
export function schemaStatements(): string[] {
  return [
    `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
    ...TABLES.map(
      (table) => `CREATE TABLE IF NOT EXISTS ${DATABASE}.${table} ${DEFINITIONS[table]} SETTINGS ${DURABILITY}, ${GRANULARITY}`,
    ),
  ];
}
