/**
 * The door for our own services: control data, alerts, the passing of time. What comes by it is trusted in shape and
 * takes the same way as a device's message: identity, journal, commit, then the answer.
 */
import {
  AirtightError,
  ALERTS_DATASET,
  CONTROL_AGENCY,
  checkDatasetDefinition,
  DATASETS_DATASET,
  type DatasetDefinition,
  type DeviceSignature,
  ERASURES_DATASET,
  type ErasureRecord,
  RETENTION_DATASET,
  type RetentionRecord,
  SALT_KEYS_DATASET,
  type SaltKeysRecord,
  STORAGE_ALERT,
  STORAGE_DATASET,
  type StorageFaultRecord,
  successionFault,
  TICKS_DATASET,
  type TickRecord,
  transitionMessageId,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { RecordRoute } from './admit/record-route.ts';
import type { ControlData } from './control-data.ts';
import type { Intake } from './intake.ts';
import { storageAlert } from './storage/storage-alert.ts';
import type { StorageFault } from './storage/storage-health.ts';

export interface InternalRecord {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  /** Taken verbatim as the record's message id. */
  readonly messageId?: string;
  /** A JSON value; stored in canonical form. */
  readonly payload: unknown;
  /** A person's own, over the canonical form; the service that writes it has checked it. */
  readonly signature?: DeviceSignature;
}

export interface StoredAt {
  readonly position: number;
  /** True when it was stored before, at this position. */
  readonly repeat: boolean;
}

/** Routes remembered; a service writes to a handful. */
const ROUTES_MAX = 1000;

export class InternalDoor {
  readonly #intake: Intake;
  readonly #control: ControlData;
  readonly #onStored: (repeat: boolean) => void;
  readonly #routes = new Map<string, RecordRoute>();
  #ticking: NodeJS.Timeout | undefined;

  constructor(intake: Intake, control: ControlData, onStored: (repeat: boolean) => void) {
    this.#intake = intake;
    this.#control = control;
    this.#onStored = onStored;
  }

  /**
   * Stores records in order; resolves when all are durable.
   * @throws AirtightError DATASET_INVALID for a definition nobody could admit by; JOURNAL_UNWRITABLE: the disk's reserve is there for
   *   what comes by this door. Nothing was taken then.
   */
  async write(records: readonly InternalRecord[]): Promise<StoredAt[]> {
    const { fault } = this.#intake;
    if (fault?.code === 'JOURNAL_UNWRITABLE') throw new AirtightError(fault.code, fault.detail);
    this.#checkDefinitions(records);
    const receivedAt = Date.now();
    const results = records.map((record) => {
      const payload = Buffer.from(canonicalJson(record.payload));
      const { messageId, signature } = record;
      const taken = this.#intake.store(this.#routeOf(record), payload, receivedAt, messageId, { signature });
      this.#onStored(taken.kind === 'repeat');
      // At once: the record that follows in the journal is judged by this definition, device or key, at admission and ever after.
      this.#control.take(taken.position, record.dataset, record.payload);
      return { position: taken.position, repeat: taken.kind === 'repeat' };
    });
    await this.#intake.committed();
    return results;
  }

  /** @throws AirtightError DATASET_INVALID */
  #checkDefinitions(records: readonly InternalRecord[]): void {
    const earlier = new Map<string, DatasetDefinition>();
    for (const { dataset, payload } of records) {
      if (dataset !== DATASETS_DATASET) continue;
      const checked = checkDatasetDefinition(payload);
      if (!checked.ok) throw new AirtightError(checked.code, checked.detail);
      const { dataset: name } = checked.value;
      const fault = successionFault(earlier.get(name) ?? this.#intake.datasets.current(name), checked.value);
      if (fault !== undefined) throw new AirtightError('DATASET_INVALID', fault);
      earlier.set(name, checked.value);
    }
  }

  /** Puts the passing of time on record every so many ms, so that rules about silence replay the same. */
  startTicking(intervalMs: number): void {
    this.#ticking = setInterval(() => {
      const tick: TickRecord = { type: 'tick', at: Date.now() };
      const record = { agency: CONTROL_AGENCY, dataset: TICKS_DATASET, producer: 'ingest', messageId: `id:${tick.at}`, payload: tick };
      // Time that passes while nothing can be stored is told by the first tick after it.
      this.write([record]).catch(() => undefined);
    }, intervalMs);
  }

  /** Puts on record that for a while nothing could be taken, and the alert about it. */
  async recordStorageFault({ code, detail, since }: StorageFault): Promise<void> {
    const payload: StorageFaultRecord = { type: 'storage-fault', code, detail, from: since, until: Date.now() };
    const fault = { agency: CONTROL_AGENCY, dataset: STORAGE_DATASET, producer: 'ingest', messageId: `id:${since}`, payload };
    const alert = storageAlert(payload).map((transition) => ({
      ...{ agency: CONTROL_AGENCY, dataset: ALERTS_DATASET, producer: STORAGE_ALERT },
      ...{ messageId: transitionMessageId(transition), payload: transition },
    }));
    await this.write([fault, ...alert]);
  }

  /** Puts on record which payloads go by a policy, before they go. */
  async recordRetention(payload: RetentionRecord): Promise<void> {
    const messageId = `id:${payload.dataset}-${payload.fromPosition}`;
    await this.write([{ agency: CONTROL_AGENCY, dataset: RETENTION_DATASET, producer: 'ingest', messageId, payload }]);
  }

  /** Puts on record what is erased, before it is. */
  async recordErasure(payload: ErasureRecord): Promise<void> {
    await this.write([{ agency: CONTROL_AGENCY, dataset: ERASURES_DATASET, producer: 'ingest', payload }]);
  }

  /** Puts on record which keys are destroyed because nothing is left that they would open, before they are. */
  async recordSaltKeys(payload: SaltKeysRecord): Promise<void> {
    await this.write([{ agency: CONTROL_AGENCY, dataset: SALT_KEYS_DATASET, producer: 'ingest', payload }]);
  }

  stop(): void {
    clearInterval(this.#ticking);
  }

  #routeOf({ agency, dataset, producer }: InternalRecord): RecordRoute {
    const key = `${agency}/${dataset}/${producer}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = new RecordRoute({ agency, dataset, producer, door: 'internal', contentType: 'application/json' });
      if (this.#routes.size < ROUTES_MAX) this.#routes.set(key, route);
    }
    return route;
  }
}
