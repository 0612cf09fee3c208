import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatasetRegistry, encodeRecord } from '@airtight/protocol';
import pino from 'pino';
import { decodeFrame, type JournalEvent } from '../decode/decoder.ts';
import { Projector } from './projector.ts';
import type { Store } from './store.ts';

const datasets = new DatasetRegistry();
const VALUES = { pm25: 1, pm10: 2, so2: 3, no2: 4, co: 5, o3: 6 };

function reading(position: number): JournalEvent {
  const at = Date.UTC(2026, 0, 1) + position;
  const header = {
    v: 1,
    agency: 'a',
    dataset: 'air',
    producer: 'p',
    receivedAt: at,
    door: 'mqtt',
    contentType: 'application/json',
  } as const;
  const body = Buffer.concat([Uint8Array.of(0), encodeRecord(header, Buffer.from(JSON.stringify({ t: at, m: VALUES })))]);
  return decodeFrame({ position, body }, datasets);
}

/** A store that takes everything, and says when. */
class Inserts implements Pick<Store, 'insert' | 'remove'> {
  readonly rows: number[] = [];
  readonly afterMs: number[] = [];
  readonly #begun = performance.now();

  insert(...[, , rows]: Parameters<Store['insert']>): Promise<void> {
    this.rows.push(rows);
    this.afterMs.push(performance.now() - this.#begun);
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

function begin(readings: number): { readonly projector: Projector; readonly inserts: Inserts } {
  const events = Array.from({ length: readings }, (_, position) => reading(position));
  const inserts = new Inserts();
  const marks = { control: -1, ticks: -1, alerts: -1, indices: -1, verdicts: -1, observations: -1 };
  const projector = new Projector(inserts, marks, { logger: pino({ level: 'silent' }) });
  projector.start();
  for (const event of events) projector.add(event, []);
  return { projector, inserts };
}

test('a few rows are in the tables within half a second or so', async () => {
  const { projector, inserts } = begin(10);
  await sleep(1500);
  assert.deepEqual(inserts.rows, [60]);
  assert.equal(projector.through, 10);
  await projector.close();
});

test('where many rows come they wait for more, and no longer than somebody waits for them', async () => {
  const { projector, inserts } = begin(1000);
  await sleep(1000);
  assert.deepEqual(inserts.rows, []);
  await sleep(1500);
  assert.deepEqual(inserts.rows, [6000]);
  assert.ok((inserts.afterMs[0] as number) >= 1900, `${inserts.afterMs[0]} ms`);
  await projector.close();

  const asked = begin(1000);
  assert.ok(await asked.projector.settled());
  assert.deepEqual(asked.inserts.rows, [6000]);
  assert.ok((asked.inserts.afterMs[0] as number) < 1000, `${asked.inserts.afterMs[0]} ms`);
  await asked.projector.close();
});
