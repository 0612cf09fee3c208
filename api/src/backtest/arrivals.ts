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
  type RecordHeader,
  readPayload,
  TICKS_DATASET,
  toObservations,
} from '@airtight/protocol';
import { decodeFrame } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import { framesOf, type JournalFrame } from '../feed/frames.ts';
import type { FeedChunk, IngestClient } from '../upstream/ingest-client.ts';
import type { BacktestProgress } from './backtest-report.ts';
import { type Origin, PackedObservations } from './packed-observations.ts';

/** Of one answer of the feed. */
const FEED_BYTES = 4 * 1024 * 1024;
/** Held in memory until they are in order: records, and bytes of what they say. A year of 500 hourly stations is 4.4 million. */
const RECORDS_MAX = 5_000_000;
const HELD_MAX_BYTES = 1024 * 1024 * 1024;
/** Names of a producer, with an object and its place among others. */
const ORIGIN_BYTES = 500;

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

/** A record that came at a time, and where its observations are. */
export interface Arrival {
  readonly at: number;
  readonly position: number;
  readonly origin: Origin;
  readonly first: number;
  /** None of a record that cannot be read. */
  readonly count: number;
}

export interface Arrivals {
  /** In order of arrival, then of position. */
  readonly records: readonly Arrival[];
  readonly packed: PackedObservations;
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
    await this.#walk(end, framesOf, (frame) => {
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
    const held = new HeldRecords(registry, from, to);
    const ticks: number[] = [];
    let expired = 0;
    await this.#walk(
      through,
      (chunk) => this.#births.framesOf(chunk),
      (frame) => {
        const isExpired = isExpiredBody(frame.body);
        const record = isExpired ? expiredOf(frame) : recordOf(frame);
        const { dataset, receivedAt } = record.header;
        if (dataset === TICKS_DATASET) {
          const tick = isExpired ? undefined : decodeFrame(frame, registry);
          if (tick?.kind === 'tick' && tick.at >= from && tick.at < to) ticks.push(tick.at);
        } else if (wanted.has(dataset)) {
          if (!isExpired) held.take(frame, record);
          else if (receivedAt >= from && receivedAt < to) expired++;
        }
      },
    );
    const { packed, imported, opaque } = held;
    return { records: held.inOrder(), packed, ticks, imported, expired, opaque };
  }

  async #walk(end: number, framesIn: FramesIn, visit: (frame: JournalFrame) => void): Promise<void> {
    const ask = (from: number): Promise<FeedChunk> | undefined => {
      if (from >= end) return undefined;
      const chunk = this.#ingest.feed({ from, waitMs: 0, maxBytes: FEED_BYTES });
      // One that nobody waits for any more may fail.
      chunk.catch(() => undefined);
      return chunk;
    };
    let asked = ask(0);
    for (let next = 0; asked !== undefined; ) {
      const chunk = await asked;
      if (chunk.next === next) throw new AirtightError('SERVICE_UNAVAILABLE', `the feed ended at ${next}, before ${end}`);
      next = chunk.next;
      // Ingest reads the next stretch while this one is looked at.
      asked = ask(next);
      for (const frame of await framesIn(chunk)) {
        if (frame.position >= end) break;
        visit(frame);
      }
      this.#onProgress({ phase: 'read', done: Math.min(next, end), total: end });
    }
  }
}

type FramesIn = (chunk: FeedChunk) => Iterable<JournalFrame> | Promise<Iterable<JournalFrame>>;

/** Records as they are read, with what they say. */
class HeldRecords {
  readonly packed = new PackedObservations();
  imported = 0;
  opaque = 0;
  readonly #registry: DatasetRegistry;
  readonly #from: number;
  readonly #to: number;
  readonly #records: Arrival[] = [];
  /** By dataset, agency and producer: a header names each anew. */
  readonly #origins = new Map<string, Map<string, Map<string, Origin>>>();
  #originBytes = 0;

  constructor(registry: DatasetRegistry, from: number, to: number) {
    this.#registry = registry;
    this.#from = from;
    this.#to = to;
  }

  /** @throws AirtightError BACKTEST_LIMIT */
  take({ position, birth }: JournalFrame, { header, payload }: DecodedRecord): void {
    const isImported = header.door === FILE_DOOR;
    if (!isImported && !this.#isWithin(header.receivedAt)) return;
    const definition = this.#registry.at(header.dataset, position);
    const parsed = readPayload(payload, { ...header, definition, birth });
    const readings = parsed.ok ? parsed.value : [];
    const at = isImported ? measuredAt(readings) : header.receivedAt;
    if (!parsed.ok || at === undefined) this.opaque++;
    if (at === undefined || !this.#isWithin(at)) return;
    const asCame = isImported ? { ...header, receivedAt: at } : header;
    const observations = toObservations(asCame, position, readings, definition);
    const first = this.packed.add(observations);
    if (this.#records.length >= RECORDS_MAX || this.packed.sizeBytes + this.#originBytes > HELD_MAX_BYTES)
      throw new AirtightError('BACKTEST_LIMIT', `more than ${RECORDS_MAX} records or ${HELD_MAX_BYTES} bytes; ask for a shorter time`);
    if (isImported) this.imported++;
    this.#records.push({ at, position, origin: this.#originOf(header), first, count: observations.length });
  }

  /** What came live is in order as it was read. */
  inOrder(): readonly Arrival[] {
    return this.imported > 0 ? this.#records.sort((a, b) => a.at - b.at || a.position - b.position) : this.#records;
  }

  #isWithin(at: number): boolean {
    return at >= this.#from && at < this.#to;
  }

  #originOf({ agency, dataset, producer }: RecordHeader): Origin {
    const ofDataset = this.#origins.get(dataset) ?? new Map<string, Map<string, Origin>>();
    const ofAgency = ofDataset.get(agency) ?? new Map<string, Origin>();
    const known = ofAgency.get(producer);
    if (known !== undefined) return known;
    const origin = { agency, dataset, producer };
    this.#origins.set(dataset, ofDataset.set(agency, ofAgency.set(producer, origin)));
    this.#originBytes += ORIGIN_BYTES;
    return origin;
  }
}

/** When the newest reading was measured; undefined when there is none. */
function measuredAt(readings: readonly { readonly time: number }[]): number | undefined {
  let newest: number | undefined;
  for (const { time } of readings) if (newest === undefined || time > newest) newest = time;
  return newest;
}

function takeFlag(flags: Map<string, FlagRecord>, record: FlagRecord): void {
  if (record.flag === null) flags.delete(record.id);
  else flags.set(record.id, record);
}

const SETTING_DATASETS: ReadonlySet<string> = new Set([DEVICES_DATASET, CONTRACTS_DATASET, DATASETS_DATASET, FLAGS_DATASET]);
const DATASET_MARK = '"dataset":"';

/** False when the record's header, or what could be it, does not name a control dataset. In canonical form `dataset` comes early. */
function mayBeControl(body: Uint8Array): boolean {
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, HEADER_MAX_BYTES));
  const found = start.indexOf(DATASET_MARK);
  const name = found + DATASET_MARK.length;
  return found >= 0 && start.toString('latin1', name, name + CONTROL_PREFIX.length) === CONTROL_PREFIX;
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
