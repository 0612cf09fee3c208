/** Puts the service together in the order of the data: doors, intake, journal, batches, ledger; and the feed out of it. */
import assert from 'node:assert';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError, CODES, TICK_INTERVAL_MS } from '@airtight/protocol';
import type { Logger } from 'pino';
import { Anchorer, type AnchorerOptions } from './batch/anchorer.ts';
import { BatchStore } from './batch/batch-store.ts';
import { BatchThread } from './batch/batch-thread.ts';
import type { ClosedBatch } from './batch/batcher.ts';
import { Erasure, type ErasureOptions } from './confidential/erasure.ts';
import { SaltKeys } from './confidential/salt-keys.ts';
import { SpentKeys } from './confidential/spent-keys.ts';
import type { IngestConfig } from './config.ts';
import { ControlData } from './control-data.ts';
import { DevicePaces } from './doors/device-pace.ts';
import type { OnTaken } from './doors/device-publisher.ts';
import { FileDoor } from './doors/file-door.ts';
import { type Hj212DoorOptions, openHj212Door } from './doors/hj212-door.ts';
import { HttpDoor } from './doors/http-door.ts';
import { MqttBroker, type MqttBrokerOptions } from './doors/mqtt-broker.ts';
import { openMqttDoors } from './doors/mqtt-doors.ts';
import type { MqttPorts } from './doors/mqtt-listeners.ts';
import { GapRecorder } from './gaps/gap-recorder.ts';
import { createInternalServer } from './http/internal-server.ts';
import { createIdentity, type Identity } from './identity/identity.ts';
import { Intake, tagOfBody } from './intake.ts';
import { InternalDoor } from './internal-door.ts';
import { CommitSignal } from './journal/commit-signal.ts';
import { Journal } from './journal/journal.ts';
import { SegmentCompressor } from './journal/segment-compressor.ts';
import { acquireWriteLock } from './journal/write-lock.ts';
import { leafHashOf } from './leaf-hash.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { createMetrics, type IngestMetrics } from './metrics.ts';
import { Quarantine } from './quarantine/quarantine.ts';
import { PayloadRetention } from './retention/payload-retention.ts';
import { DiskReserve } from './storage/disk-reserve.ts';
import { StorageHealth } from './storage/storage-health.ts';

export interface Ingest {
  /** Base URL of the internal HTTP interface. */
  readonly url: string;
  readonly mqttPorts: MqttPorts;
  /** Undefined while that door is shut. */
  readonly hj212Port: number | undefined;
  /** Reads the TLS certificate again. */
  reloadCertificate(): void;
  close(): Promise<void>;
}

const READ_BYTES = 4 * 1024 * 1024;

/**
 * Starts the service on its data directory.
 * @param onFailure called when storage breaks: nothing is acknowledged any more, the process must end and start again
 * @param tickIntervalMs how often the passing of time is put on record; whoever counts records lets it be long
 * @throws AirtightError CONFIG_INVALID, JOURNAL_LOCKED, JOURNAL_CORRUPT, JOURNAL_BEHIND_BATCHES, BATCH_MALFORMED, SALTS_UNREADABLE
 */
export async function startIngest(
  config: IngestConfig,
  logger: Logger,
  onFailure: (error: Error) => void,
  tickIntervalMs: number = TICK_INTERVAL_MS,
): Promise<Ingest> {
  let closing = false;
  const onFatal = (error: Error): void => (closing ? undefined : onFailure(error));
  const dir = join(config.dataDir, 'journal');
  mkdirSync(dir, { recursive: true });
  const token = readFileSync(config.tokenFile, 'utf8').trim();
  const lock = acquireWriteLock(dir);
  const metrics = createMetrics();
  const storage = watchStorage(metrics, logger, () => ({ intake, door }));
  const journal = Journal.open(join(dir, 'records'), { tagOf: tagOfBody, health: storage, segmentMaxBytes: config.segmentMaxBytes });
  const batches = new BatchStore(dir, config.stream, storage);
  const quarantine = new Quarantine(join(dir, 'quarantine'), storage);
  const control = new ControlData(dir, quarantine);
  control.load(journal);
  const commits = new CommitSignal();
  const salts = SaltKeys.open(join(config.dataDir, 'keys', 'salts'), { health: storage });
  let broker: MqttBroker | undefined;
  const anchorer = anchorerOf(config, { store: batches, token, logger }, metrics, (checkpointSize) => broker?.onAnchored(checkpointSize));
  const sealer = new Sealer(batches, anchorer, onFatal);
  const gaps = new GapRecorder({ dir, door: () => door, metrics, logger });
  const batching = resumeBatching(journal, batches, { sealer, gaps, gapWindowS: config.gapWindowS, onFatal });
  const intake = new Intake({
    journal,
    quarantine,
    storage,
    ...{ datasets: control.datasets, devices: control.devices, salts },
    onCommitted: (frames) => {
      batching.add(frames);
      commits.notify();
    },
    onCommitSeconds: (seconds) => metrics.commitSeconds.observe(seconds),
    onFatal,
  });
  const door = new InternalDoor(intake, control, (repeat) => (repeat ? metrics.repeats : metrics.accepted).inc());
  const identity = createIdentity(config, control, { door, metrics, logger });
  const paces = new DevicePaces(config, metrics);
  const mqtt = await MqttBroker.create({
    ...{ intake, ...identity, metrics, logger, paces, ...brokerSettings(config) },
    leafHashOf: (position) => leafHashText(journal, position),
    anchorOf: (position) => batches.anchorOf(position),
  });
  broker = mqtt;
  const erasure = openErasure({ journal, quarantine, salts, logger }, { batches, intake, door, control });
  const kept = { stream: config.stream, journal, batches, quarantine, intake, storage };
  const uploads = uploadDoors(intake, identity, paces, (...taken) => mqtt.onTaken(...taken));
  const parts = { ...kept, ...identity, door, salts, erasure, ...uploads, broker, metrics, commits };
  const server = createInternalServer(parts, token, logger);
  const url = await server.listen({ host: config.host, port: config.port });
  const doors = await openDoors(config, mqtt, { intake, ...identity, paces, metrics, logger });
  const upkeep = await startUpkeep(config, { journal, batches, control, door, salts }, storage, metrics, logger);
  door.startTicking(tickIntervalMs);
  logger.info({ url, ...doors.ports, head: journal.head, devices: control.devices.size }, 'ingest is ready');
  return {
    url,
    ...doors.ports,
    reloadCertificate: () => doors.reloadCertificate(),
    async close() {
      closing = true;
      door.stop();
      identity.sessions.close();
      await upkeep.close();
      await erasure.close();
      await doors.close();
      await mqtt.close();
      await server.close();
      // What cannot be written now was never acknowledged.
      if (!storage.unwritable) await intake.committed();
      await batching.close();
      await sealer.close();
      await anchorer.close();
      control.save(journal.committed);
      journal.close();
      batches.close();
      quarantine.close();
      lock.release();
    },
  };
}

/** Begins with ending what was interrupted. */
function openErasure(
  kept: Pick<ErasureOptions, 'journal' | 'quarantine' | 'salts' | 'logger'>,
  { batches, intake, door, control }: { batches: BatchStore; intake: Intake; door: InternalDoor; control: ControlData },
): Erasure {
  const erasure = new Erasure({
    ...kept,
    isConfidential: (dataset) => control.datasets.current(dataset)?.confidential === true,
    sealedThrough: () => batches.sealedThrough,
    committed: () => intake.committed(),
    write: (record) => door.recordErasure(record),
    last: () => control.erasure,
  });
  // What cannot be ended now is tried again by the next erasure and the next start.
  erasure.resume().catch((err: unknown) => kept.logger.error({ err }, 'an erasure that was interrupted is not ended'));
  return erasure;
}

/** Lower-case hex; of a repeat, that of the record it repeats. */
function leafHashText(journal: Journal, position: number): string {
  const body = journal.read(position) ?? assert.fail(`record ${position} was just taken`);
  return Buffer.from(leafHashOf(body)).toString('hex');
}

/** Lets devices in. */
async function openDoors(
  config: IngestConfig,
  broker: MqttBroker,
  parts: Pick<Hj212DoorOptions, 'intake' | 'registry' | 'logins' | 'paces' | 'metrics' | 'logger'>,
) {
  const mqtt = await openMqttDoors(config, { broker, ...parts });
  const hj212 = await openHj212Door(config, { ...parts, onTaken: (...taken) => broker.onTaken(...taken) });
  return {
    ports: { mqttPorts: mqtt.ports, hj212Port: hj212?.port },
    reloadCertificate: () => mqtt.reloadCertificate(),
    async close(): Promise<void> {
      await hj212?.door.close();
      await mqtt.close();
    },
  };
}

/** @throws AirtightError CONFIG_INVALID when the host id is no topic level of its own */
function brokerSettings(config: IngestConfig): Pick<MqttBrokerOptions, 'connectionsMax' | 'limits' | 'sparkplugHostId'> {
  const { connectionsMax, sparkplugHostId } = config;
  if (!/[+#/\0]/.test(sparkplugHostId)) return { connectionsMax, limits: config, sparkplugHostId };
  throw new AirtightError('CONFIG_INVALID', `sparkplugHostId: without + # and /, got ${JSON.stringify(sparkplugHostId)}`);
}

function anchorerOf(
  { ledgerUrl }: IngestConfig,
  parts: Pick<AnchorerOptions, 'store' | 'token' | 'logger'>,
  metrics: IngestMetrics,
  onAnchored: (checkpointSize: number) => void,
): Anchorer {
  return new Anchorer({
    ...parts,
    ledgerUrl,
    onAnchored: (count, checkpointSize) => {
      metrics.anchored.inc(count);
      onAnchored(checkpointSize);
    },
    onRetry: () => metrics.anchorRetries.inc(),
  });
}

/** The doors by which many records come in one request. */
function uploadDoors(intake: Intake, { registry, sessions }: Identity, paces: DevicePaces, onTaken: OnTaken) {
  return { httpDoor: new HttpDoor(intake, sessions, onTaken, paces), fileDoor: new FileDoor(intake, registry, onTaken) };
}

/** What is done beside the way of the data: the disk and the event loop are watched, sealed segments compressed, old payloads removed. */
async function startUpkeep(
  config: IngestConfig,
  {
    journal,
    batches,
    control,
    door,
    salts,
  }: { journal: Journal; batches: BatchStore; control: ControlData; door: InternalDoor; salts: SaltKeys },
  storage: StorageHealth,
  metrics: IngestMetrics,
  logger: Logger,
): Promise<{ close(): Promise<void> }> {
  const reserve = new DiskReserve(join(config.dataDir, 'journal'), config.diskReserveBytes, storage);
  await reserve.start();
  const compressor = config.compressSealed ? new SegmentCompressor({ journal, afterS: config.compressAfterS, metrics, logger }) : undefined;
  const retention = new PayloadRetention({
    ...{ journal, metrics, logger },
    datasets: control.datasets,
    log: control.retention,
    write: (record) => door.recordRetention(record),
    spentKeys: new SpentKeys({ journal, salts, logger, write: (record) => door.recordSaltKeys(record) }),
    anchoredThrough: () => batches.anchoredThrough,
    intervalS: config.retentionIntervalS,
  });
  retention.start();
  const stopWatching = watchLoopDelay((seconds) => metrics.eventLoopDelaySeconds.observe(seconds));
  return {
    async close() {
      stopWatching();
      reserve.stop();
      await retention.close();
      await compressor?.close();
    },
  };
}

/** Tells, counts and records when nothing can be stored, and lets the doors go on when it is over. */
function watchStorage(metrics: IngestMetrics, logger: Logger, parts: () => { intake: Intake; door: InternalDoor }): StorageHealth {
  return new StorageHealth({
    onFault: (fault) => {
      metrics.storageFault.set(1);
      logger.error(fault, CODES[fault.code].en);
    },
    onCleared: (fault) => {
      metrics.storageFault.set(0);
      metrics.storageFaults.inc({ code: fault.code });
      logger.info(fault, 'storing works again; taking goes on');
      const { intake, door } = parts();
      intake.releaseRoom();
      door.recordStorageFault(fault).catch((err: unknown) => logger.error({ err }, 'the fault of the storage is not on record'));
    },
  });
}

/** Makes closed batches durable, one write at a time, in order, and wakes the anchorer. */
class Sealer {
  readonly #store: BatchStore;
  readonly #anchorer: Anchorer;
  readonly #onFatal: (error: Error) => void;
  #waiting: ClosedBatch[] = [];
  #running: Promise<void> | undefined;

  constructor(store: BatchStore, anchorer: Anchorer, onFatal: (error: Error) => void) {
    this.#store = store;
    this.#anchorer = anchorer;
    this.#onFatal = onFatal;
  }

  add(closed: readonly ClosedBatch[]): void {
    if (closed.length === 0) return;
    this.#waiting.push(...closed);
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batches = this.#waiting;
        this.#waiting = [];
        await this.#store.seal(batches);
        this.#anchorer.wake();
      }
    } catch (error) {
      this.#onFatal(error as Error);
    }
    this.#running = undefined;
  }
}

interface BatchingParts {
  readonly sealer: Sealer;
  readonly gaps: GapRecorder;
  readonly gapWindowS: number;
  readonly onFatal: (error: Error) => void;
}

/** Without a state of the watch over numbers, as many records are gone through again for it: some seconds. */
const WATCHED_AGAIN_MAX = 1_000_000;

/** Goes on where the last durable batch ended: the records after it are hashed again. */
function resumeBatching(journal: Journal, batches: BatchStore, parts: BatchingParts): BatchThread {
  const { sealer, gaps, gapWindowS, onFatal } = parts;
  const first = batches.sealedThrough;
  if (first > journal.head) {
    throw new AirtightError('JOURNAL_BEHIND_BATCHES', `the batches cover ${first} records, the journal holds ${journal.head}`);
  }
  const sequences = gaps.restore(journal.head);
  const from = Math.min(first, sequences?.position ?? Math.max(0, first - WATCHED_AGAIN_MAX));
  const thread = new BatchThread({
    ...{ first, from, gapWindowMs: gapWindowS * 1000, sequences },
    onClosed: (closed) => sealer.add(closed),
    onGaps: (found, unrecorded) => gaps.record(found, unrecorded),
    onState: (state) => gaps.save(state),
    onFatal,
  });
  for (let position = from; position < journal.head; ) {
    const run = journal.readFrames(position, READ_BYTES);
    if (run === null) throw new AirtightError('JOURNAL_CORRUPT', `record ${position} cannot be read`);
    thread.add(run.bytes);
    position = run.next;
  }
  return thread;
}
