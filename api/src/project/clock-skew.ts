/**
 * How wrong each device's clock is, as far as its readings can tell. What is known of a reading is receivedAt − phenomenonTime:
 * the delay until it was sent and the clock's error in one number. A delay is never below zero, and a device that is well reports
 * at least once in its cadence; only what neither explains is put down to the clock:
 *
 * - ahead: the lower quartile of the last readings lies below zero. A quartile, so that a few odd times do not count.
 * - behind: even the least of them is longer than the cadence. The least, so that a backlog handed in late does not count.
 *
 * Shown only, never a flag: the estimate depends on the readings before, and is kept in memory. After a restart it is made anew
 * from the newest records, which need not give the same at each of them, as a projection must.
 */
import type { DatasetRegistry } from '@airtight/protocol';
import type { ReadingsEvent } from '../decode/decoder.ts';
import { wholeLiteral } from '../query/literal.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Store } from './store.ts';

/** Last readings that count: an hour of a device that reports every two minutes. */
export const SKEW_READINGS = 32;
/** Fewer say nothing. */
export const SKEW_READINGS_MIN = 5;
/** Devices remembered, some 400 B each; beyond it new ones are not judged. */
const DEVICES_MAX = 100_000;
/** At the start the newest so many records are looked at. */
const LOADED_RECORDS = 200_000;

export interface ClockSkew {
  /** Above 0: the device's clock is ahead; below: behind. */
  readonly skewMs: number;
  readonly readings: number;
}

interface DeviceClock {
  /** receivedAt − phenomenonTime, ms, of the last readings, written round. */
  readonly delaysMs: Float64Array;
  count: number;
  cadenceMs: number;
}

export class ClockSkews {
  readonly #devices = new Map<string, DeviceClock>();
  #through = -1;

  /** Makes up what the tables' newest records tell. @param through highest position in the observations table */
  async load(store: Pick<Store, 'query'>, through: number, registry: DatasetRegistry): Promise<void> {
    const rows = await store.query(
      `SELECT dataset, producer, position, any(receivedAt) - max(phenomenonTime) FROM ${DATABASE}.observations
       WHERE position > ${wholeLiteral(Math.max(0, through - LOADED_RECORDS))} AND NOT startsWith(flags, '["late"')
       GROUP BY dataset, producer, position ORDER BY position DESC LIMIT ${SKEW_READINGS} BY producer`,
      'bulk',
      BULK_TIMEOUT_MS,
    );
    for (const row of rows.reverse()) {
      const [dataset, producer, , delayMs] = row as [string, string, number, number];
      this.#add(producer, delayMs, registry.current(dataset)?.cadenceMs ?? Number.POSITIVE_INFINITY);
    }
    this.#through = through;
  }

  /** Takes the next readings: of each record the newest counts, and none that is late. */
  take({ position, header, readings, definition }: ReadingsEvent): void {
    if (position <= this.#through) return;
    this.#through = position;
    let newest = Number.NEGATIVE_INFINITY;
    for (const { phenomenonTime, observations } of readings)
      if (observations[0]?.flags[0] !== 'late') newest = Math.max(newest, phenomenonTime);
    if (newest >= 0) this.#add(header.producer, header.receivedAt - newest, definition?.cadenceMs ?? Number.POSITIVE_INFINITY);
  }

  /** @returns undefined when too little is known */
  of(producer: string): ClockSkew | undefined {
    const clock = this.#devices.get(producer);
    const readings = Math.min(clock?.count ?? 0, SKEW_READINGS);
    if (clock === undefined || readings < SKEW_READINGS_MIN) return undefined;
    const delaysMs = clock.delaysMs.slice(0, readings).sort();
    const quartile = delaysMs[Math.floor(readings / 4)] as number;
    if (quartile < 0) return { skewMs: -quartile, readings };
    const excessMs = (delaysMs[0] as number) - clock.cadenceMs;
    return { skewMs: excessMs > 0 ? -excessMs : 0, readings };
  }

  #add(producer: string, delayMs: number, cadenceMs: number): void {
    let clock = this.#devices.get(producer);
    if (clock === undefined) {
      if (this.#devices.size >= DEVICES_MAX) return;
      clock = { delaysMs: new Float64Array(SKEW_READINGS), count: 0, cadenceMs };
      this.#devices.set(producer, clock);
    }
    clock.delaysMs[clock.count % SKEW_READINGS] = delayMs;
    clock.count++;
    clock.cadenceMs = cadenceMs;
  }
}
