/** Real hours of air as a journal that can be replayed at any speed, and what the shipped contracts make of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractVersion, Engine, type EngineEvent } from '@airtight/contracts-engine';
import { checkDatasetDefinition, type DatasetDefinition, type DeviceRecord, toObservations, transitionMessageId } from '@airtight/protocol';
import { parse } from 'yaml';
import { root } from './programs.ts';
import { seededRandom } from './random.ts';
import { readUci, UCI_COLUMNS, type UciRow } from './uci.ts';

const CONTRACTS = ['air-station', 'heavy-pm25', 'hourly-aqi'];
const HOUR_MS = 3_600_000;
const TICK_MS = 10_000;
const TICKS_PER_HOUR = HOUR_MS / TICK_MS;
const EVENTS_BEFORE_SNAPSHOT_MAX = 5000;

/** `paced`: every hour is received when it is over, with all ticks between; `at-once`: all of it later, without any. */
export type Speed = 'paced' | 'at-once';

/**
 * The journal of some stations. A reading has the same position at either speed, so alerts can be compared to the byte.
 * @param files of the UCI data set
 */
export function* uciJournal(files: readonly string[], from: number, to: number, speed: Speed): Iterable<EngineEvent> {
  const definition = airDataset();
  yield { kind: 'dataset', position: 0, definition };
  let position = 1;
  for (const name of CONTRACTS) yield { kind: 'contract', position: position++, record: shippedRecord(name) };
  const stations = files.map((file, index) => ({ name: `uci-${index}`, rows: new Map(readUci(file).map((row) => [row.time, row])) }));
  for (const [index, { name }] of stations.entries()) yield { kind: 'device', position: position++, record: deviceRecord(name, index) };
  for (let hour = from; hour < to; hour += HOUR_MS) {
    // An hour's mean is there when the hour is over.
    const receivedAt = speed === 'paced' ? hour + HOUR_MS : to;
    for (let tick = 0; tick < TICKS_PER_HOUR; tick++) {
      if (speed === 'paced') yield { kind: 'tick', position: position + tick, at: hour + tick * TICK_MS };
    }
    position += TICKS_PER_HOUR;
    for (const { name, rows } of stations) {
      const row = rows.get(hour);
      if (row !== undefined) yield observationsOf(row, name, position, receivedAt, definition);
      position++;
    }
  }
}

function observationsOf(row: UciRow, producer: string, position: number, receivedAt: number, definition: DatasetDefinition): EngineEvent {
  const header = { v: 1, agency: 'bj', dataset: 'air', producer, receivedAt, door: 'import', contentType: '' } as const;
  const measurements = Object.entries(UCI_COLUMNS).flatMap(([property, column]) => {
    const text = row.values.get(column);
    if (text === undefined) return [];
    return [{ property, result: property === 'wd' ? text : Number(property === 'co' ? `${text}e-3` : text) }];
  });
  return { kind: 'observations', position, observations: toObservations(header, position, [{ time: row.time, measurements }], definition) };
}

/** What a journal causes, one line for each transition by the id of its record; silences are told of live data alone and left out. */
export function alertsOf(journal: Iterable<EngineEvent>): readonly string[] {
  const engine = new Engine();
  const caused = new Map<string, string>();
  for (const event of journal) take(engine, event, caused);
  return linesOf(caused);
}

/** The same with restarts: each from the snapshot of some time ago, with what came after it read again. */
export function alertsWithRestarts(journal: readonly EngineEvent[], restarts: number, seed: number): readonly string[] {
  const random = seededRandom(seed);
  const caused = new Map<string, string>();
  let engine = new Engine();
  let next = 0;
  for (let restart = 1; restart <= restarts; restart++) {
    const until = Math.floor((journal.length * restart) / (restarts + 1));
    const kept = Math.max(next, until - random.between(0, EVENTS_BEFORE_SNAPSHOT_MAX));
    for (; next < kept; next++) take(engine, journal[next] as EngineEvent, caused);
    const snapshot = JSON.stringify(engine.snapshot());
    for (let lost = kept; lost < until; lost++) take(engine, journal[lost] as EngineEvent, caused);
    engine = new Engine(JSON.parse(snapshot));
  }
  for (; next < journal.length; next++) take(engine, journal[next] as EngineEvent, caused);
  return linesOf(caused);
}

function take(engine: Engine, event: EngineEvent, caused: Map<string, string>): void {
  for (const effect of engine.apply(event)) {
    const id = transitionMessageId(effect);
    const line = JSON.stringify(effect);
    // What is caused again after a restart is what was caused before it.
    if (caused.has(id)) assert.equal(line, caused.get(id));
    caused.set(id, line);
  }
}

function linesOf(caused: ReadonlyMap<string, string>): readonly string[] {
  const silences = new Set([...caused].flatMap(([, line]) => (line.includes('"rule":"silent"') ? [JSON.parse(line).alert] : [])));
  return [...caused]
    .filter(([, line]) => !silences.has(JSON.parse(line).alert))
    .map(([id, line]) => `${id} ${line}`)
    .sort();
}

function airDataset(): DatasetDefinition {
  const all = parse(readFileSync(join(root, 'cli/defaults/datasets.yaml'), 'utf8')) as unknown[];
  const checked = checkDatasetDefinition(all[0]);
  if (!checked.ok || checked.value.dataset !== 'air') throw new Error('the first shipped dataset is air');
  return checked.value;
}

function shippedRecord(contract: string) {
  const text = readFileSync(join(root, `contracts-engine/contracts/${contract}.yaml`), 'utf8');
  return { type: 'contract', contract, version: contractVersion(text) as string, text, author: 'author', approver: 'approver' } as const;
}

/** Stations a few kilometres from each other. */
function deviceRecord(producer: string, index: number): DeviceRecord {
  const name = { zh: producer, en: producer };
  const location = { lat: 39.9 + index / 50, lon: 116.4 };
  const who = {
    type: 'device',
    agency: 'bj',
    producer,
    kind: 'air-station',
    name,
    region: { zh: '北京', en: 'Beijing' },
    location,
  } as const;
  return { ...who, datasets: ['air'], subscribe: [], credentials: [], simulated: false, revoked: false };
}
