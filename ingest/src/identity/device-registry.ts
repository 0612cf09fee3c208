/**
 * The devices this deployment knows: a fold over the `sys.devices` records of the journal. A snapshot beside the
 * journal saves reading all of it at every start; it is derived data, and a missing or unreadable one only costs time.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DEVICES_DATASET, type DeviceRecord, decodeRecord, readFrame } from '@airtight/protocol';
import type { Journal } from '../journal/journal.ts';

const READ_BYTES = 4 * 1024 * 1024;

export class DeviceRegistry {
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #snapshotPath: string;
  /** Every record below is folded in. */
  #position = 0;

  constructor(dir: string) {
    this.#snapshotPath = join(dir, 'devices.snapshot.json');
  }

  get size(): number {
    return this.#devices.size;
  }

  get(producer: string): DeviceRecord | undefined {
    return this.#devices.get(producer);
  }

  /** Reads the snapshot and folds the rest of the journal. */
  load(journal: Journal): void {
    try {
      const { position, devices } = JSON.parse(readFileSync(this.#snapshotPath, 'utf8')) as { position: number; devices: DeviceRecord[] };
      if (position <= journal.committed) {
        for (const device of devices) this.#devices.set(device.producer, device);
        this.#position = position;
      }
    } catch {
      // No snapshot, or one that a crash cut short: the journal has it all.
    }
    while (this.#position < journal.committed) {
      const run = journal.readFrames(this.#position, READ_BYTES);
      if (run === null || run.next === this.#position) break;
      for (let at = 0; at < run.bytes.length; ) {
        const frame = readFrame(run.bytes, at, crc32);
        if (typeof frame === 'string') break;
        const record = decodeRecord(frame.body.subarray(1));
        if (record.ok && record.value.header.dataset === DEVICES_DATASET)
          this.set(JSON.parse(Buffer.from(record.value.payload).toString('utf8')));
        at = frame.end;
      }
      this.#position = run.next;
    }
    this.save(this.#position);
  }

  /** The last record for a producer wins. */
  set(device: DeviceRecord): void {
    this.#devices.set(device.producer, device);
  }

  /** Writes the snapshot. @param position every record below is folded in */
  save(position: number): void {
    this.#position = position;
    const temporary = `${this.#snapshotPath}.tmp`;
    writeFileSync(temporary, JSON.stringify({ position, devices: [...this.#devices.values()] }), { mode: 0o640 });
    renameSync(temporary, this.#snapshotPath);
  }
}
