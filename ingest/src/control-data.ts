/**
 * What ingest must know of the control data: a fold over the journal's `sys.devices`, `sys.claims`, `sys.datasets`,
 * `sys.releases`, `sys.retention` and `sys.erasures` records. A snapshot beside the journal saves reading all of it at every
 * start; it is derived data, and a missing one, or one with a changed bit, only costs time.
 */
import { hash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  CLAIMS_DATASET,
  type ClaimRecord,
  DATASETS_DATASET,
  DatasetRegistry,
  type DatasetVersion,
  DEVICES_DATASET,
  type DeviceRecord,
  decodeRecord,
  ERASURES_DATASET,
  type ErasureRecord,
  type FleetRecord,
  openSealedText,
  RELEASES_DATASET,
  RETENTION_DATASET,
  type ReleaseRecord,
  type RetentionRecord,
  readFrame,
  recordIn,
  sealText,
  toDeviceRecord,
} from '@airtight/protocol';
import { ClaimRegistry } from './identity/claim-registry.ts';
import { DeviceRegistry } from './identity/device-registry.ts';
import { writeFaultOf } from './journal/disk.ts';
import type { Journal } from './journal/journal.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import { RetentionLog } from './retention/retention-log.ts';

/** What is folded here. */
const FOLDED: ReadonlySet<string> = new Set([
  DEVICES_DATASET,
  CLAIMS_DATASET,
  DATASETS_DATASET,
  RELEASES_DATASET,
  RETENTION_DATASET,
  ERASURES_DATASET,
]);
const READ_BYTES = 4 * 1024 * 1024;

interface Snapshot {
  readonly position: number;
  readonly devices: readonly DeviceRecord[];
  /** Absent in snapshots of the first version, which knew no claims. */
  readonly claims?: readonly (ClaimRecord | FleetRecord)[];
  readonly datasets: readonly DatasetVersion[];
  /** Absent in snapshots from before there were releases. */
  readonly released?: ReleaseRecord['released'];
  /** Absent in snapshots from before there was retention. */
  readonly retention?: readonly RetentionRecord[];
  readonly erasure?: ErasureRecord | undefined;
}

export class ControlData {
  readonly devices = new DeviceRegistry();
  readonly claims = new ClaimRegistry();
  readonly datasets = new DatasetRegistry();
  readonly retention = new RetentionLog();
  /** The last one: all before it were ended. */
  erasure: ErasureRecord | undefined;
  readonly #snapshotPath: string;

  readonly #quarantine: Pick<Quarantine, 'onReleased' | 'releases'>;

  constructor(dir: string, quarantine: Pick<Quarantine, 'onReleased' | 'releases'>) {
    this.#quarantine = quarantine;
    this.#snapshotPath = join(dir, 'control.snapshot.json');
  }

  /** Reads the snapshot and folds the rest of the journal. */
  load(journal: Journal): void {
    let position = this.#restore(journal.committed);
    while (position < journal.committed) {
      const run = journal.readFrames(position, READ_BYTES);
      if (run === null || run.next === position) break;
      this.#fold(position, run.bytes);
      position = run.next;
    }
    this.save(position);
  }

  /** Takes a record that stands at `position`; one that is no control data of ingest's changes nothing. */
  take(position: number, dataset: string, payload: unknown): void {
    if (dataset === DEVICES_DATASET) this.devices.set(toDeviceRecord(payload as DeviceRecord));
    else if (dataset === CLAIMS_DATASET) this.claims.set(payload as ClaimRecord | FleetRecord);
    else if (dataset === DATASETS_DATASET) this.datasets.define(position, payload as DatasetVersion['definition']);
    else if (dataset === RETENTION_DATASET) this.retention.take(payload as RetentionRecord);
    else if (dataset === ERASURES_DATASET) this.erasure = payload as ErasureRecord;
    else if (dataset === RELEASES_DATASET) this.#quarantine.onReleased(payload as ReleaseRecord);
  }

  /** Writes the snapshot, if there is room for it. @param position every record below is folded in */
  save(position: number): void {
    const snapshot: Snapshot = {
      position,
      devices: [...this.devices.all()],
      claims: this.claims.all(),
      datasets: this.datasets.newest(),
      released: this.#quarantine.releases(),
      retention: this.retention.all(),
      erasure: this.erasure,
    };
    const temporary = `${this.#snapshotPath}.tmp`;
    try {
      writeFileSync(temporary, sealText(JSON.stringify(snapshot), sha256), { mode: 0o640 });
      renameSync(temporary, this.#snapshotPath);
    } catch (error) {
      // A service must be able to start and stop on a full disk: the journal has it all.
      if (writeFaultOf(error) === undefined) throw error;
      rmSync(temporary, { force: true });
    }
  }

  /** @returns the position to fold on from */
  #restore(committed: number): number {
    try {
      const line = openSealedText(readFileSync(this.#snapshotPath, 'utf8'), sha256);
      if (line === undefined) return 0;
      const { position, devices, claims = [], datasets, released = [], retention = [], erasure } = JSON.parse(line) as Snapshot;
      if (position > committed) return 0;
      for (const device of devices) this.devices.set(toDeviceRecord(device));
      for (const claim of claims) this.claims.set(claim);
      for (const { position: at, definition } of datasets) this.datasets.define(at, definition);
      this.#quarantine.onReleased({ type: 'release', at: 0, by: '', released });
      for (const record of retention) this.retention.take(record);
      this.erasure = erasure;
      return position;
    } catch {
      // No snapshot, or one that a crash cut short: the journal has it all.
      return 0;
    }
  }

  #fold(from: number, frames: Uint8Array): void {
    for (let at = 0, position = from; at < frames.length; position++) {
      const frame = readFrame(frames, at, crc32);
      if (typeof frame === 'string') return;
      const record = decodeRecord(recordIn(frame.body));
      if (record.ok && FOLDED.has(record.value.header.dataset))
        this.take(position, record.value.header.dataset, JSON.parse(Buffer.from(record.value.payload).toString('utf8')));
      at = frame.end;
    }
  }
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
