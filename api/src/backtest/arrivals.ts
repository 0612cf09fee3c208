/**
 * What a backtest judges, read from the journal: records of some datasets in the order in which they came. A record came
 * when it was received; one of imported history is taken as if it had been received when it was measured, since nobody
 * can say when it would have come.
 */
import type { ContractNeeds } from '@airtight/contracts-engine';
import {
  AirtightError,
  CONTRACTS_DATASET,
  CONTROL_PREFIX,
  type ContractRecord,
  DATASETS_DATASET,
  DatasetRegistry,
  DEVICES_DATASET,
  type DecodedRecord,
  type DeviceRecord,
  decodeExpired,
  decodeRecord,
  FILE_DOOR,
  FLAGS_DATASET,
  type FlagRecord,
  HEADER_MAX_BYTES,
  isExpiredBody,
  type Observation,
  type RecordHeader,
  readPayload,
  TICKS_DATASET,
  toObservations,
} from '@airtight/protocol';
import { decodeFrame } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import type { JournalFrame } from '../feed/frames.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { BacktestProgress } from './backtest-report.ts';

/** Of one answer of the feed. */
const FEED_BYTES = 4 * 1024 * 1024;
/** Held in memory until they are in order: records, and bytes of them. A year of 500 hourly stations is 4.4 million. */
const RECORDS_MAX = 5_000_000;
const HELD_MAX_BYTES = 1024 * 1024 * 1024;

type Feed = Pick<IngestClient, 'feed' | 'status'>;

/** Control data as they are at the end of what is read. */
export interface JournalSetting {
  readonly registry: DatasetRegistry;
  readonly devices: ReadonlyMap<string, DeviceRecord>;
  /** The last record of each contract, and every one by version. */
  readonly contracts: ReadonlyMap<string, ContractRecord>;
  readonly versions: ReadonlyMap<string, ContractRecord>;
  /** What people say of values, in the order in which they said it; what was withdrawn is left out. */
  readonly flags: readonly FlagRecord[];
  readonly through: number;
}

export interface Arrival {
  readonly at: number;
  readonly position: number;
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
  readonly birth: JournalFrame['birth'];
}

export interface Arrivals {
  /** In order of arrival, then of position. */
  readonly records: readonly Arrival[];
  /** Times of ticks, ascending. */
  readonly ticks: readonly number[];
  readonly imported: number;
  readonly expired: number;
  readonly opaque: number;
}

export interface ArrivalsAsked {
  readonly datasets: ContractNeeds['datasets'];
  readonly from: number;
  readonly to: number;
}

/** @throws AirtightError JOURNAL_CORRUPT, RECORD_MALFORMED, SERVICE_UNAVAILABLE; BACKTEST_LIMIT; CURSOR_BEYOND_HEAD */
export class JournalReading {
  readonly #ingest: Feed;
  readonly #births: Births;
  readonly #onProgress: (progress: BacktestProgress) => void;

  constructor(ingest: Feed, onProgress: (progress: BacktestProgress) => void) {
    this.#ingest = ingest;
    this.#births = new Births(ingest);
    this.#onProgress = onProgress;
  }

  /** Control data alone. @param through end of what is read, exclusive; null: the committed end now */
  async setting(through: number | null): Promise<JournalSetting> {
    const { head } = await this.#ingest.status();
    if (through !== null && through > head)
      throw new AirtightError('CURSOR_BEYOND_HEAD', `position ${through}, the journal ends at ${head}`);
    const end = through ?? head;
    const registry = new DatasetRegistry();
    const devices = new Map<string, DeviceRecord>();
    const contracts = new Map<string, ContractRecord>();
    const versions = new Map<string, ContractRecord>();
    const flags = new Map<string, FlagRecord>();
    await this.#walk(end, (frame) => {
      // Telemetry is most of a journal: what cannot be a control record is not decoded.
      if (isExpiredBody(frame.body) || !mayBeControl(frame.body)) return;
      const { dataset } = recordOf(frame).header;
      if (!SETTING_DATASETS.has(dataset)) return;
      const event = decodeFrame(frame, registry);
      if (event.kind !== 'control') return;
      if (event.record.type === 'device') devices.set(event.record.producer, event.record);
      if (event.record.type === 'flag') takeFlag(flags, event.record);
      if (event.record.type !== 'contract') return;
      contracts.set(event.record.contract, event.record);
      versions.set(event.record.version, event.record);
    });
    return { registry, devices, contracts, versions, flags: [...flags.values()], through: end };
  }

  /** Records and ticks. */
  async arrivals({ registry, through }: JournalSetting, { datasets, from, to }: ArrivalsAsked): Promise<Arrivals> {
    const wanted = new Set(datasets);
    const records: Arrival[] = [];
    const ticks: number[] = [];
    let [imported, expired, opaque, heldBytes] = [0, 0, 0, 0];
    await this.#walk(through, (frame) => {
      const isExpired = isExpiredBody(frame.body);
      const { header, payload } = isExpired ? expiredOf(frame) : recordOf(frame);
      if (header.dataset === TICKS_DATASET) {
        const tick = isExpired ? undefined : decodeFrame(frame, registry);
        if (tick?.kind === 'tick' && tick.at >= from && tick.at < to) ticks.push(tick.at);
        return;
      }
      if (!wanted.has(header.dataset)) return;
      if (isExpired) {
        if (header.receivedAt >= from && header.receivedAt < to) expired++;
        return;
      }
      const isImported = header.door === FILE_DOOR;
      const at = isImported ? measuredAt({ position: frame.position, birth: frame.birth, header, payload }, registry) : header.receivedAt;
      if (at === undefined) opaque++;
      if (at === undefined || at < from || at >= to) return;
      heldBytes += payload.length;
      if (records.length >= RECORDS_MAX || heldBytes > HELD_MAX_BYTES)
        throw new AirtightError('BACKTEST_LIMIT', `more than ${RECORDS_MAX} records or ${HELD_MAX_BYTES} bytes; ask for a shorter time`);
      if (isImported) imported++;
      // A copy: the view would keep the whole stretch of the feed in memory.
      records.push({ at, position: frame.position, header, payload: payload.slice(), birth: frame.birth });
    });
    if (imported > 0) records.sort((a, b) => a.at - b.at || a.position - b.position);
    return { records, ticks, imported, expired, opaque };
  }

  async #walk(end: number, visit: (frame: JournalFrame) => void): Promise<void> {
    for (let next = 0; next < end; ) {
      const chunk = await this.#ingest.feed({ from: next, waitMs: 0, maxBytes: FEED_BYTES });
      if (chunk.next === next) throw new AirtightError('SERVICE_UNAVAILABLE', `the feed ended at ${next}, before ${end}`);
      for (const frame of await this.#births.framesOf(chunk)) {
        if (frame.position >= end) break;
        visit(frame);
      }
      next = chunk.next;
      this.#onProgress({ phase: 'read', done: Math.min(next, end), total: end });
    }
  }
}

/** Observations of a record as if it had come at `at`; undefined when it cannot be read. */
export function observationsOf(arrival: Arrival, registry: DatasetRegistry): readonly Observation[] | undefined {
  const { at, position, header } = arrival;
  const parsed = readingsIn(arrival, registry);
  if (!parsed.ok) return undefined;
  const asCame = header.door === FILE_DOOR ? { ...header, receivedAt: at } : header;
  return toObservations(asCame, position, parsed.value, registry.at(header.dataset, position));
}

function readingsIn({ position, header, payload, birth }: Omit<Arrival, 'at'>, registry: DatasetRegistry) {
  return readPayload(payload, { ...header, definition: registry.at(header.dataset, position), birth });
}

/** When the newest reading of a record was measured; undefined when it cannot be read. */
function measuredAt(record: Omit<Arrival, 'at'>, registry: DatasetRegistry): number | undefined {
  const parsed = readingsIn(record, registry);
  if (!parsed.ok || parsed.value.length === 0) return undefined;
  let newest = Number.NEGATIVE_INFINITY;
  for (const { time } of parsed.value) newest = Math.max(newest, time);
  return newest;
}

function takeFlag(flags: Map<string, FlagRecord>, record: FlagRecord): void {
  if (record.flag === null) flags.delete(record.id);
  else flags.set(record.id, record);
}

const SETTING_DATASETS: ReadonlySet<string> = new Set([DEVICES_DATASET, CONTRACTS_DATASET, DATASETS_DATASET, FLAGS_DATASET]);
const CONTROL_MARK = `"dataset":"${CONTROL_PREFIX}`;

/** False when the record's header, or what could be it, does not name a control dataset. */
function mayBeControl(body: Uint8Array): boolean {
  return Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, HEADER_MAX_BYTES)).includes(CONTROL_MARK);
}

function expiredOf({ body, position }: JournalFrame): DecodedRecord {
  const expired = decodeExpired(body);
  if (!expired.ok) throw new AirtightError('RECORD_MALFORMED', `position ${position}: ${expired.detail}`);
  return { header: expired.value.header, payload: new Uint8Array(0) };
}

function recordOf({ body, position }: JournalFrame): DecodedRecord {
  const record = decodeRecord(body.subarray(1));
  if (!record.ok) throw new AirtightError('RECORD_MALFORMED', `position ${position}: ${record.detail}`);
  return record.value;
}
