/**
 * Control data: devices, datasets, contracts, people, the passing of time. They are records like any other, in
 * datasets named `sys.…`, written through the internal door; whoever needs them folds them into memory. The last
 * record for a key wins; the history stays.
 */
import type { CAP_CATEGORIES } from '@airtight/standards/cap.ts';
import type { LorawanCodec } from '@airtight/standards/lorawan-codec.ts';
import type { ReferenceState } from '@airtight/standards/units.ts';
import { type ChannelRecord, DELIVERIES_DATASET, type DeliveriesRecord } from './channels/channel.ts';
import type { JsonSchema } from './formats/document-schema.ts';
import type { Credential } from './identity/credential.ts';
import { CONTROL_PREFIX } from './interfaces/topic.ts';
import type { QualityRules } from './quality/quality-rules.ts';
import { REGIONS_DATASET, type RegionRecord } from './regions/region-record.ts';

/** A text in the two languages the product speaks. */
export interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

export const CONTROL_AGENCY = 'airtight';
export const DEVICES_DATASET = 'sys.devices';
/** Signing keys of devices and people: public, so that a proof can carry the record of the key. */
export const KEYS_DATASET = 'sys.keys';
export const CLAIMS_DATASET = 'sys.claims';
export const DATASETS_DATASET = 'sys.datasets';
export const CONTRACTS_DATASET = 'sys.contracts';
export const USERS_DATASET = 'sys.users';
export const TICKS_DATASET = 'sys.ticks';
export const RELEASES_DATASET = 'sys.releases';
export const IMPORTS_DATASET = 'sys.imports';
export const STORAGE_DATASET = 'sys.storage';
export const RETENTION_DATASET = 'sys.retention';
export const ERASURES_DATASET = 'sys.erasures';
export const SALT_KEYS_DATASET = 'sys.salt-keys';
export const GAPS_DATASET = 'sys.gaps';
/** What people say of the quality of values: it changes what everybody sees, so everybody may read and prove it. */
export const FLAGS_DATASET = 'sys.flags';
export const ALERTS_DATASET = 'alerts';

/** Control datasets that hold nothing secret: whoever may read at all may read, and prove, their records. */
const OPEN_CONTROL_DATASETS: readonly string[] = [
  CONTRACTS_DATASET,
  DATASETS_DATASET,
  DELIVERIES_DATASET,
  FLAGS_DATASET,
  KEYS_DATASET,
  REGIONS_DATASET,
  TICKS_DATASET,
];

/** True for control data that may hold hashes of secrets, which administrators alone may read. */
export function isGuardedDataset(dataset: string): boolean {
  return dataset.startsWith(CONTROL_PREFIX) && !OPEN_CONTROL_DATASETS.includes(dataset);
}

export type ProducerKind = 'air-station' | 'fridge' | 'service';

/** Payload in `sys.devices`, keyed by producer. Producer names are unique in a deployment. */
export interface DeviceRecord {
  readonly type: 'device';
  readonly producer: string;
  readonly agency: string;
  readonly kind: ProducerKind;
  readonly name: Bilingual;
  /** Place name for people, e.g. the city. */
  readonly region?: Bilingual;
  /** WGS 84 degrees. */
  readonly location?: { readonly lat: number; readonly lon: number };
  /** Datasets it may publish to, as itself alone. */
  readonly datasets: readonly string[];
  /** The producer that forwards for it (a network server, an edge node); that one may publish as this device. */
  readonly gateway?: string;
  /** What another network calls it: `{network}:{id there}`, e.g. `lorawan:24e124136b502217`. Unique in a deployment. */
  readonly foreignId?: string;
  /** MQTT topic filters it may subscribe to, besides its own receipts. */
  readonly subscribe: readonly string[];
  /** What it proves itself with, past ones included. */
  readonly credentials: readonly Credential[];
  /** What it sends without its signature is not admitted. */
  readonly signatureRequired?: boolean;
  /** The fleet with whose key it enrolled itself. */
  readonly provisioned?: string;
  /** Who asked for this change: an account, or the device itself by claim or fleet key. */
  readonly by?: string;
  /** Made-up data: marked so on every screen. */
  readonly simulated: boolean;
  readonly revoked: boolean;
}

/**
 * Payload in `sys.keys`, keyed by producer and kid; of a device written with the `sys.devices` record that says the same. It
 * holds nothing secret, so the proof of what was signed can carry it.
 */
export interface KeyRecord {
  readonly type: 'key';
  readonly producer: string;
  readonly agency: string;
  /** The credential's id. */
  readonly kid: string;
  readonly publicKey: string;
  readonly validFrom: number;
  readonly validTo?: number;
  /** Account whose own key it is; absent: a device's. */
  readonly person?: string;
  /** Of a person's key: the account that put it on record, or ended it. */
  readonly by?: string;
}

/** What a device will be on record; its name is the claim's own, or what it tells within a fleet's pattern. */
export type DeviceTemplate = Pick<DeviceRecord, 'agency' | 'kind' | 'datasets'> &
  Partial<Pick<DeviceRecord, 'name' | 'region' | 'location' | 'subscribe' | 'gateway' | 'foreignId' | 'signatureRequired' | 'simulated'>>;

/** Payload in `sys.claims`, keyed by id: a one-time code with which one device fetches its credentials. */
export interface ClaimRecord {
  readonly type: 'claim';
  readonly id: string;
  /** `scrypt$N$r$p$salt$hash` of the code's secret part. */
  readonly codeHash: string;
  readonly producer: string;
  readonly template: DeviceTemplate;
  /** Epoch ms; afterwards it is worth nothing. */
  readonly validTo: number;
  /** Epoch ms at which a device presented it: it is used up. */
  readonly claimedAt?: number;
  readonly by?: string;
}

/** Payload in `sys.claims`, keyed by fleet: a provisioning key with which unknown devices enrol themselves. */
export interface FleetRecord {
  readonly type: 'fleet';
  readonly fleet: string;
  /** `scrypt$N$r$p$salt$hash` of the key's secret part. */
  readonly keyHash: string;
  readonly template: DeviceTemplate;
  /** Producer name in which `*` stands for any run of characters of a name. */
  readonly namePattern: string;
  readonly devicesMax: number;
  readonly validTo?: number;
  readonly revoked: boolean;
  readonly by?: string;
}

export interface PropertyDefinition {
  readonly title: Bilingual;
  /** UCUM. A value that is sent in another unit of the same quantity is converted to it. */
  readonly unit: string;
  /** Physical range in `unit`; outside it a value is flagged, never dropped. */
  readonly min?: number;
  readonly max?: number;
  /** A reading without it is not admitted. */
  readonly required?: boolean;
  /** Of a gas, g/mol: with the dataset's reference state ppb become µg/m³ and back. */
  readonly molarMass?: number;
}

/** How wrong a device's clock may be; what is left out has the value of observation.ts. */
export interface ClockPolicy {
  /** phenomenonTime this much after receivedAt, ms: flagged `future`. */
  readonly futureMs?: number;
  /** phenomenonTime this much before receivedAt, ms: flagged `late`. */
  readonly lateMs?: number;
  /** Epoch ms: no reading of this dataset can be older; a clock that was never set is not admitted. */
  readonly refuseBeforeMs?: number;
}

/** Payload in `sys.datasets`, keyed by dataset. */
export interface DatasetDefinition {
  readonly type: 'dataset';
  readonly dataset: string;
  readonly title: Bilingual;
  /** How often a healthy producer reports; a value older than three of these is stale. */
  readonly cadenceMs: number;
  readonly properties: { readonly [property: string]: PropertyDefinition };
  /** A property that is not named above: `flag` (the default) or `refuse`. */
  readonly unknownProperties?: 'flag' | 'refuse';
  /** Largest payload, at most PAYLOAD_MAX_BYTES. */
  readonly payloadMaxBytes?: number;
  /** Days after receipt, decimals allowed, for which payloads are kept; absent: for ever. Hashes and headers always stay. */
  readonly retentionDays?: number;
  readonly clock?: ClockPolicy;
  /**
   * The ledger commits to salted fields of its records instead of their bytes: any field can be shown alone, and all be
   * erased. It stands as the first definition says, for ever.
   */
  readonly confidential?: boolean;
  /** Its values are foretold: phenomenonTime lies ahead, and a later record about the same time is a newer forecast. */
  readonly forecast?: boolean;
  /** What alerts about it concern, as CAP 1.2 §3.2.2 `category` has it; absent: `Other`. */
  readonly category?: (typeof CAP_CATEGORIES)[number];
  /** State of the air to which its mass concentrations refer. */
  readonly referenceState?: ReferenceState;
  /** Which quality tests its values go through; absent: none, and no value is judged. */
  readonly quality?: QualityRules;
  /** Which index is computed from it, if any. */
  readonly index?: 'cn-aqi';
  /** What is in the frames of its LoRaWAN devices. */
  readonly codec?: LorawanCodec;
  /** Its payloads are JSON documents of this kind, and nothing else. */
  readonly document?: DocumentDefinition;
}

/** How a department's JSON documents are checked and read. Pointers are JSON Pointers (RFC 6901). */
export interface DocumentDefinition {
  /** JSON Schema 2020-12 that a document must satisfy (docs/reference/formats.md: what of it is taken). */
  readonly schema: JsonSchema;
  /** Points at an array of which each item is a reading; absent: the document is one. The pointers below start from the item. */
  readonly items?: string;
  /** Points at the time: epoch ms or RFC 3339. */
  readonly time: string;
  /** Points at a string or whole number that names the item. */
  readonly id?: string;
  /** Where each property's value is; a value that is absent or null is left out. */
  readonly values: { readonly [property: string]: string };
}

/** Payload in `sys.contracts`, keyed by contract. */
export interface ContractRecord {
  readonly type: 'contract';
  readonly contract: string;
  /** Lower-case hex SHA-256 of the canonical form of the document. */
  readonly version: string;
  /** The YAML document as it was submitted. */
  readonly text: string;
  /** Accounts; two different ones, except for what is shipped. */
  readonly author: string;
  readonly approver: string;
  /** Epoch ms: in force from the first tick at or after it; absent: from this record on. */
  readonly effectiveFrom?: number;
  /** The draft that was approved. */
  readonly draft?: string;
}

/** Payload in `sys.contracts`, keyed by draft: a version that its author proposes. It judges nothing. */
export interface ContractDraft {
  readonly type: 'contract-draft';
  /** 16 lower-case hex digits. */
  readonly draft: string;
  readonly contract: string;
  readonly version: string;
  readonly text: string;
  /** Account. */
  readonly author: string;
  /** Epoch ms at which it was proposed. */
  readonly at: number;
  readonly effectiveFrom?: number;
  readonly note: string;
}

/** Payload in `sys.contracts`: a version is taken back, in force or not yet. Its alerts are cleared, and nothing takes its place. */
export interface ContractWithdrawal {
  readonly type: 'contract-withdrawal';
  readonly contract: string;
  readonly version: string;
  /** Absent: the version itself, not a draft. */
  readonly draft?: string;
  /** Account. */
  readonly by: string;
  readonly at: number;
  readonly reason: string;
}

export type Role = 'viewer' | 'operator' | 'administrator';

/** Payloads in `sys.users`: accounts keyed by name, API tokens keyed by token id. */
export interface UserRecord {
  readonly type: 'user';
  readonly name: string;
  readonly role: Role;
  /** `scrypt$N$r$p$salt$hash`, base64url. */
  readonly passwordHash: string;
  readonly disabled: boolean;
}

export interface TokenRecord {
  readonly type: 'token';
  readonly id: string;
  readonly title: string;
  readonly role: Role;
  /** Base64url SHA-256 of the secret: 256 random bits need no slow hash. */
  readonly secretHash: string;
  readonly createdBy: string;
  readonly revoked: boolean;
}

/** Payload in `sys.ticks`: that time passed is itself on record, so a rule about silence replays the same. */
export interface TickRecord {
  readonly type: 'tick';
  /** Epoch ms by ingest's clock. */
  readonly at: number;
}

/** Payload in `sys.imports`: a file that was read whole and whose readings are all in the journal. */
export interface ImportRecord {
  readonly type: 'import';
  /** Name of the file without its folder. */
  readonly file: string;
  /** Lower-case hex SHA-256 of the file as it lies on the disk. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Which reader read it. */
  readonly format: string;
  readonly agency: string;
  /** Account on the machine from which it was imported. */
  readonly by: string;
  /** True: its readings were judged by the contracts as if they had come live. */
  readonly alerting: boolean;
  readonly counts: ImportCounts;
  /** Line at which the file breaks off; absent: it is whole. */
  readonly truncatedAtLine?: number;
  /** phenomenonTime of the earliest and the latest reading, epoch ms; absent for a file without readings. */
  readonly firstTime?: number;
  readonly lastTime?: number;
  /** Journal positions of the first and the last record it added; absent when it added none. */
  readonly firstPosition?: number;
  readonly lastPosition?: number;
  /** Epoch ms by the clock of the machine from which it was imported. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface ImportCounts {
  /** Readings of the file; each is one record. */
  readonly readings: number;
  readonly values: number;
  readonly accepted: number;
  readonly repeats: number;
  readonly revisions: number;
  readonly quarantined: number;
  /** Lines that could not be read. */
  readonly faults: number;
}

/** Payload in `sys.storage`: for a while nothing was taken, because nothing could be stored. Written when it is over. */
export interface StorageFaultRecord {
  readonly type: 'storage-fault';
  /** JOURNAL_UNWRITABLE or DISK_RESERVE_REACHED. */
  readonly code: string;
  readonly detail: string;
  /** Epoch ms by ingest's clock: from when to when. */
  readonly from: number;
  readonly until: number;
}

/**
 * Payload in `sys.retention`: the payloads of these records are removed by the policy of their dataset. It is on record
 * before the first of them goes; nothing else may be without its payload.
 */
export interface RetentionRecord {
  readonly type: 'retention';
  readonly dataset: string;
  /** Epoch ms: all of them were received before. */
  readonly before: number;
  /** Journal positions of the first and the last of them: all records of the dataset between are meant, … */
  readonly fromPosition: number;
  readonly toPosition: number;
  /** … except these, ascending: Sparkplug births, without which later records cannot be read. */
  readonly kept?: readonly number[];
  /** How many lose their payload. */
  readonly count: number;
  /** Lower-case hex SHA-256 over the frame bodies that stay in their place, in order of position. */
  readonly keptSha256: string;
  /** Journal position of the dataset definition whose `retentionDays` it was. */
  readonly policyPosition: number;
  readonly by: 'policy';
}

/**
 * Payload in `sys.erasures`: the content of one producer's confidential records of a UTC day is erased, and the keys of
 * their salts are destroyed. It is on record before it happens.
 */
export interface ErasureRecord {
  readonly type: 'erasure';
  readonly producer: string;
  /** UTC day of receipt, YYYY-MM-DD. */
  readonly day: string;
  /** Journal position: only records below are meant; what came after stays. */
  readonly beforePosition: number;
  /** Datasets of these records, ascending. */
  readonly datasets: readonly string[];
  /** Records that lose their content, by segment of the journal, in order of position. */
  readonly erased: readonly ErasedStretch[];
  readonly reason: string;
  /** Account or program that asked for it. */
  readonly by: string;
}

/**
 * Payload in `sys.salt-keys`: of keys of the salts no payload is left for which they would be needed, and they are destroyed.
 * It is on record before it happens.
 */
export interface SaltKeysRecord {
  readonly type: 'salt-keys';
  /** UTC day of receipt, YYYY-MM-DD. */
  readonly day: string;
  /** Journal position: only keys of records below. */
  readonly beforePosition: number;
  /** How many keys; those of the day's other producers stay. */
  readonly keys: number;
  readonly by: 'policy';
}

/** Records that were erased within one segment. */
export interface ErasedStretch {
  /** Journal positions of the first and the last of them. */
  readonly fromPosition: number;
  readonly toPosition: number;
  readonly count: number;
  /** Lower-case hex SHA-256 over the frame bodies that stay in their place, in order of position. */
  readonly keptSha256: string;
}

/**
 * Payload in `sys.gaps`, keyed by gap: numbers that a producer counted in a dataset and that are not in the journal. It
 * follows from the records before it alone; the next record of the same gap says what has come of it since.
 */
export interface GapRecord {
  readonly type: 'gap';
  /** `{before}-{first}`. */
  readonly gap: string;
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  /** Of a LoRaWAN device: the session within which it counts. */
  readonly session?: string;
  /** The numbers that were missing when it was noticed. */
  readonly first: number;
  readonly last: number;
  /** Journal positions of the record with the highest number below them, and of the one that showed that they are missing. */
  readonly after: number;
  readonly before: number;
  /** receivedAt of the record that showed it, epoch ms. */
  readonly noticedAt: number;
  /** What of it is missing now, first and last number of each stretch, ascending; none: the gap is closed. */
  readonly missing: readonly (readonly [first: number, last: number])[];
  /** Position of the last record that brought some of it. */
  readonly filledBy?: number;
  /** Gaps of the producer before this one that are not on record, because there were too many in too short a time. */
  readonly unrecorded?: number;
}

/** Positions that one retention record may except: far from the limit of a record's size. */
export const RETENTION_KEPT_MAX = 10_000;

export const TICK_INTERVAL_MS = 10_000;

/** Payload in `sys.releases`: quarantined messages that went through admission again and are records now. */
export interface ReleaseRecord {
  readonly type: 'release';
  /** Epoch ms by ingest's clock. */
  readonly at: number;
  /** Account or program that asked for it. */
  readonly by: string;
  readonly released: readonly ReleasedMessage[];
}

export interface ReleasedMessage {
  /** In quarantine. */
  readonly id: number;
  /** Journal position of the record it became, or that it repeats. */
  readonly position: number;
}

/**
 * Payload in `sys.flags`, keyed by id: what a person says of the quality of values. It takes the place of what the tests
 * found, and never of a value.
 */
export interface FlagRecord {
  readonly type: 'flag';
  readonly id: string;
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
  /** phenomenonTime, epoch ms: [from, to). */
  readonly from: number;
  readonly to: number;
  /** QARTOD; null: withdrawn. */
  readonly flag: 1 | 2 | 3 | 4 | null;
  readonly reason: string;
  /** Epoch ms by the clock of the service that took it. */
  readonly at: number;
  readonly by: string;
}

export type ControlRecord =
  | DeviceRecord
  | KeyRecord
  | ClaimRecord
  | FleetRecord
  | DatasetDefinition
  | FlagRecord
  | ContractRecord
  | ContractDraft
  | ContractWithdrawal
  | UserRecord
  | TokenRecord
  | TickRecord
  | StorageFaultRecord
  | RetentionRecord
  | ErasureRecord
  | SaltKeysRecord
  | GapRecord
  | ReleaseRecord
  | ChannelRecord
  | DeliveriesRecord
  | RegionRecord
  | ImportRecord;
