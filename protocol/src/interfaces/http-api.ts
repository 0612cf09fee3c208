/**
 * Shapes of the HTTP API under `/api/v1`, as TypeBox schemas: the api serves its OpenAPI document from them and checks
 * its answers against them; the dashboard takes their types. Times are RFC 3339 UTC with milliseconds; a record is
 * named by its journal position as a decimal string.
 */
import { type Static, type TSchema, Type } from 'typebox';
import { CHANNEL_KINDS, DELIVERY_STATES } from '../channels/channel.ts';

const Text = Type.String();
const Time = Type.String({ format: 'date-time' });
const RecordId = Type.String({ pattern: '^[0-9]{1,16}$' });
const Bilingual = Type.Object({ zh: Text, en: Text });
const Result = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);

/** Every list answers `{ items, next }`; `next` is the cursor of the following page, null at the end. */
export function Page<T extends TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) });
}

/** RFC 9457 problem details. `title` is in the language asked for by Accept-Language. */
export const Problem = Type.Object({
  type: Text,
  title: Text,
  status: Type.Integer(),
  code: Text,
  detail: Type.Optional(Text),
  requestId: Text,
});
export type Problem = Static<typeof Problem>;

/** What a definition has (control.ts); members that are not named here pass as they are. */
export const Property = Type.Object(
  {
    title: Bilingual,
    unit: Text,
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    required: Type.Optional(Type.Boolean()),
    molarMass: Type.Optional(Type.Number()),
  },
  { additionalProperties: true },
);
export const Dataset = Type.Object(
  {
    dataset: Text,
    title: Bilingual,
    cadenceMs: Type.Integer(),
    properties: Type.Record(Text, Property),
    unknownProperties: Type.Optional(Text),
    payloadMaxBytes: Type.Optional(Type.Integer()),
    retentionDays: Type.Optional(Type.Number()),
    clock: Type.Optional(Type.Record(Text, Type.Integer())),
    confidential: Type.Optional(Type.Boolean()),
    category: Type.Optional(Text),
    referenceState: Type.Optional(Text),
    index: Type.Optional(Text),
  },
  { additionalProperties: true },
);
export type Dataset = Static<typeof Dataset>;

/** What is to be erased: what one producer sent to confidential datasets on one UTC day. */
export const ErasureRequest = Type.Object({
  producer: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
  day: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'UTC day of receipt.' }),
  reason: Type.String({ minLength: 1, maxLength: 1000, description: 'Goes on record.' }),
});
export type ErasureRequest = Static<typeof ErasureRequest>;
export const ErasureAnswer = Type.Object({ producer: Text, day: Text, count: Type.Integer({ description: 'Records erased.' }) });
export type ErasureAnswer = Static<typeof ErasureAnswer>;

export const Producer = Type.Object({
  producer: Text,
  agency: Text,
  kind: Text,
  name: Bilingual,
  region: Type.Optional(Bilingual),
  location: Type.Optional(Type.Object({ lat: Type.Number(), lon: Type.Number() })),
  datasets: Type.Array(Text),
  simulated: Type.Boolean(),
  revoked: Type.Boolean(),
  /** How far the device's clock is ahead of ours as its last readings tell, below 0: behind. Absent: too few to tell. */
  clockSkewMs: Type.Optional(Type.Integer()),
  /** From how many readings. */
  clockSkewReadings: Type.Optional(Type.Integer()),
  /** The fleet with whose key it enrolled itself. */
  provisioned: Type.Optional(Text),
  /** What it sends without its signature is not admitted. */
  signatureRequired: Type.Optional(Type.Boolean()),
});
export type Producer = Static<typeof Producer>;

/**
 * QARTOD flag of a value: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing; and of the tests that are not pass the
 * flag of each (docs/reference/quality.md).
 */
export const ObservationQuality = Type.Object({ flag: Type.Integer(), tests: Type.Record(Text, Type.Integer()) });
export type ObservationQuality = Static<typeof ObservationQuality>;

export const ObservationItem = Type.Object({
  agency: Text,
  dataset: Text,
  producer: Text,
  observedProperty: Text,
  phenomenonTime: Time,
  receivedAt: Time,
  result: Result,
  unit: Text,
  flags: Type.Array(Text),
  quality: ObservationQuality,
  record: RecordId,
  /** Only where this moment was told more than once: which telling it is (from 1), of how many, and the record that counts. */
  revision: Type.Optional(Type.Object({ number: Type.Integer(), of: Type.Integer(), newest: RecordId })),
});
export type ObservationItem = Static<typeof ObservationItem>;

/** An air quality index with the standard it follows. `aqi` null: not published (NA), `reason` says why. */
export const AirIndex = Type.Object({
  standard: Type.Union([Type.Literal('HJ 633-2012'), Type.Literal('HJ 633-2026')]),
  aqi: Type.Union([Type.Integer(), Type.Null()]),
  /** 1 (优) to 6 (严重污染). */
  level: Type.Union([Type.Integer(), Type.Null()]),
  primary: Type.Array(Text),
  iaqi: Type.Record(Text, Type.Integer()),
  reason: Type.Optional(Text),
});
export type AirIndex = Static<typeof AirIndex>;

/** The newest reading of a producer in a dataset, by phenomenonTime; readings with a future clock do not count. */
export const LatestItem = Type.Object({
  agency: Text,
  dataset: Text,
  producer: Text,
  phenomenonTime: Time,
  receivedAt: Time,
  record: RecordId,
  /** `record` where a value is of another record of the same moment than the newest. */
  values: Type.Record(
    Text,
    Type.Object({ result: Result, unit: Text, flags: Type.Array(Text), quality: ObservationQuality, record: Type.Optional(RecordId) }),
  ),
  index: Type.Optional(AirIndex),
});
export type LatestItem = Static<typeof LatestItem>;

/**
 * One bucket: [start epoch ms, mean, min, max, count, flagged count, expected count by the dataset's cadence, worst quality
 * flag]. A bucket without values is left out.
 */
export const SeriesPoint = Type.Tuple([
  Type.Integer(),
  Type.Number(),
  Type.Number(),
  Type.Number(),
  Type.Integer(),
  Type.Integer(),
  Type.Integer(),
  Type.Integer(),
]);
export const Series = Type.Object({
  producer: Text,
  dataset: Text,
  observedProperty: Text,
  unit: Text,
  from: Time,
  to: Time,
  bucketMs: Type.Integer(),
  points: Type.Array(SeriesPoint),
});
export type Series = Static<typeof Series>;

/** A person's word on the quality of values, from the record that put it there; and who withdrew it. */
export const FlagItem = Type.Object({
  id: Text,
  dataset: Text,
  producer: Text,
  observedProperty: Text,
  from: Time,
  to: Time,
  flag: Type.Integer(),
  reason: Text,
  by: Text,
  /** Id of the person's own key with which it was signed. */
  key: Type.Union([Text, Type.Null()]),
  at: Time,
  record: RecordId,
  withdrawn: Type.Optional(Type.Object({ by: Text, at: Time, reason: Text, record: RecordId })),
});
export type FlagItem = Static<typeof FlagItem>;

/** Numbers that a producer counted and that are not in the journal. */
export const GapItem = Type.Object({
  gap: Text,
  agency: Text,
  dataset: Text,
  producer: Text,
  session: Type.Optional(Text),
  first: Type.Integer(),
  last: Type.Integer(),
  after: RecordId,
  before: RecordId,
  noticedAt: Time,
  state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  /** What is missing still: first and last number of each stretch. */
  missing: Type.Array(Type.Tuple([Type.Integer(), Type.Integer()])),
  /** The record that brought some of it last. */
  filledBy: Type.Optional(RecordId),
  /** Gaps of the producer before this one that are not on record, because there were too many. */
  unrecorded: Type.Optional(Type.Integer()),
  /** The gap record itself. */
  record: RecordId,
});
export type GapItem = Static<typeof GapItem>;

export const RecordItem = Type.Object({
  record: RecordId,
  header: Type.Record(Text, Type.Unknown()),
  /** The payload as it was sent, base64. */
  payload: Text,
  /** Lower-case hex RFC 6962 leaf hash. */
  leafHash: Text,
  /** Sequence number of the sealed batch it is in, null while it is not sealed. */
  batch: Type.Union([Type.Integer(), Type.Null()]),
  anchored: Type.Boolean(),
});
export type RecordItem = Static<typeof RecordItem>;

/** A file that was imported; `first` and `last` are the records it added, null when it added none. */
export const ImportItem = Type.Object({
  record: RecordId,
  file: Text,
  sha256: Text,
  sizeBytes: Type.Integer(),
  format: Text,
  agency: Text,
  by: Text,
  alerting: Type.Boolean(),
  counts: Type.Object({
    readings: Type.Integer(),
    values: Type.Integer(),
    accepted: Type.Integer(),
    repeats: Type.Integer(),
    revisions: Type.Integer(),
    quarantined: Type.Integer(),
    faults: Type.Integer(),
  }),
  truncatedAtLine: Type.Union([Type.Integer(), Type.Null()]),
  firstTime: Type.Union([Time, Type.Null()]),
  lastTime: Type.Union([Time, Type.Null()]),
  first: Type.Union([RecordId, Type.Null()]),
  last: Type.Union([RecordId, Type.Null()]),
  startedAt: Time,
  finishedAt: Time,
});
export type ImportItem = Static<typeof ImportItem>;

/** What another region answered to a message about an alert of ours. Signatures were checked before it went on record. */
export const AlertRegionAnswer = Type.Object({
  /** Its name in the file of regions. */
  region: Text,
  /** null: it acknowledged, and its receipt is still on the way. */
  receipt: Type.Union([
    Type.Object({
      /** Our record of it (`sys.regions`). */
      record: RecordId,
      /** Its record of the alert, in its own journal. */
      theirRecord: Type.Union([RecordId, Type.Null()]),
      keyName: Text,
      receivedAt: Time,
      /** What it found of our proof: `verified`, or the code of what is wrong. */
      proof: Text,
      signature: Type.Literal('valid'),
    }),
    Type.Null(),
  ]),
  acknowledgements: Type.Array(
    Type.Object({
      record: RecordId,
      keyName: Text,
      /** Account and role there. */
      by: Text,
      role: Text,
      at: Time,
      comment: Text,
      signature: Type.Literal('valid'),
    }),
  ),
});
export type AlertRegionAnswer = Static<typeof AlertRegionAnswer>;

/** What became of one message to one channel, by its last attempt. */
export const AlertDelivery = Type.Object({
  channel: Text,
  kind: Type.Enum([...CHANNEL_KINDS]),
  title: Bilingual,
  /** The message's own name, the same at each attempt. */
  message: Text,
  /** `dead`: it is not tried again. */
  state: Type.Enum(DELIVERY_STATES),
  /** How often it was tried. */
  attempts: Type.Integer(),
  /** When the last attempt ended: of a delivered message when it arrived. null: not tried yet. */
  at: Type.Union([Time, Type.Null()]),
  /** What the receiver, or the way to it, answered to the last attempt. */
  detail: Type.Union([Text, Type.Null()]),
  nextAt: Type.Union([Time, Type.Null()]),
  /** Record of the last attempt (`sys.deliveries`); null: not on record yet. */
  record: Type.Union([RecordId, Type.Null()]),
  /** Of a channel to another region, when it has answered. */
  answer: Type.Optional(AlertRegionAnswer),
});
export type AlertDelivery = Static<typeof AlertDelivery>;

/** An alert of another region. */
export const RegionAlertItem = Type.Object({
  /** Its name and title here, and the name of the key that signed. */
  region: Text,
  title: Bilingual,
  keyName: Text,
  alert: Text,
  severity: Text,
  contract: Text,
  version: Text,
  rule: Text,
  agency: Text,
  dataset: Text,
  subject: Text,
  place: Type.Object({ zh: Type.Optional(Text), en: Type.Optional(Text) }),
  since: Time,
  values: Type.Record(Text, Type.Union([Type.Number(), Text, Type.Boolean()])),
  message: Type.Object({ zh: Type.Optional(Text), en: Type.Optional(Text) }),
  simulated: Type.Boolean(),
  /** `over`: the region has told its end. */
  state: Type.Enum(['unacknowledged', 'acknowledged', 'over']),
  /** The last message is proven by the ledger of that region. */
  verified: Type.Boolean(),
  /** What came, in order. */
  messages: Type.Array(
    Type.Object({
      /** Our record of it (`sys.regions`). */
      record: RecordId,
      receivedAt: Time,
      type: Text,
      severity: Text,
      delivery: Text,
      senderRecord: Text,
      /** `verified`, or the code of what is wrong with the proof. */
      proof: Text,
      /** Our record with the proof that holds: `record`, or a later one when the quorum of witnesses was late. */
      provenRecord: Type.Union([RecordId, Type.Null()]),
    }),
  ),
  /** What people here did, and whether the region has it. */
  acknowledgements: Type.Array(
    Type.Object({
      record: RecordId,
      by: Text,
      role: Text,
      at: Time,
      comment: Text,
      delivery: Text,
      state: Type.Enum(['waiting', 'delivered', 'dead']),
    }),
  ),
});
export type RegionAlertItem = Static<typeof RegionAlertItem>;

/** This region's key, and the regions it knows. */
export const RegionsDetail = Type.Object({
  own: Type.Union([Type.Object({ keyName: Text, vkey: Text }), Type.Null()]),
  items: Type.Array(Type.Object({ region: Text, title: Bilingual, url: Text, keyName: Text })),
});
export type RegionsDetail = Static<typeof RegionsDetail>;

export const AlertTimelineItem = Type.Object({
  type: Text,
  at: Time,
  record: RecordId,
  /** Of what a contract caused: the severity from then on. */
  severity: Type.Optional(Text),
  by: Type.Optional(Text),
  /** What the person said: comment, reason, or to whom it was assigned. */
  comment: Type.Optional(Text),
  /** Who was told of it, in order of the messages. Only in the answer about one alert; absent: nobody was to be told. */
  deliveries: Type.Optional(Type.Array(AlertDelivery)),
});
/** ISA-18.2 (alert-fold.ts tells which is which). */
export const ALERT_STATES = [
  'proposed',
  'unacknowledged',
  'acknowledged',
  'shelved',
  'suppressed',
  'out-of-service',
  'returned',
  'closed',
] as const;
export const AlertItem = Type.Object({
  alert: Text,
  state: Type.Enum(ALERT_STATES),
  severity: Text,
  contract: Text,
  version: Text,
  rule: Text,
  agency: Text,
  dataset: Text,
  subject: Text,
  message: Bilingual,
  since: Time,
  raisedAt: Time,
  clearedAt: Type.Union([Time, Type.Null()]),
  /** When the contract takes it as over unless something confirms it, as of what was told last; null: it has no such time. */
  expires: Type.Union([Time, Type.Null()]),
  /** Since it last became worse. */
  acknowledgedBy: Type.Union([Text, Type.Null()]),
  /** Who cleared it by hand. */
  closedBy: Type.Union([Text, Type.Null()]),
  assignedTo: Type.Union([Text, Type.Null()]),
  shelvedUntil: Type.Union([Time, Type.Null()]),
  /** Alerts that explain it, or `out-of-service`. */
  suppressedBy: Type.Array(Text),
  /** How many different people must approve it, and who has. */
  approvals: Type.Integer(),
  approvedBy: Type.Array(Text),
  /** The group alert it belongs to. */
  group: Type.Union([Text, Type.Null()]),
  /** Later data show that it should never have been raised. */
  retracted: Type.Boolean(),
  /** Raised and cleared too often: held active. */
  flapping: Type.Boolean(),
  values: Type.Record(Text, Result),
  evidence: Type.Array(RecordId),
  timeline: Type.Array(AlertTimelineItem),
});
export type AlertItem = Static<typeof AlertItem>;

/** What goes on when nobody acknowledges an alert, by the contract in force. */
export const EscalationItem = Type.Object({
  steps: Type.Array(Type.Object({ afterMs: Type.Integer(), severity: Type.Union([Text, Type.Null()]), notify: Type.Array(Text) })),
  /** Steps that were taken since it was raised or last became worse. */
  taken: Type.Integer(),
  /** The next one and when it is due; null while nothing is to escalate. Judged at the tick that follows. */
  next: Type.Union([Type.Object({ step: Type.Integer(), at: Time }), Type.Null()]),
});
export type EscalationItem = Static<typeof EscalationItem>;

/** A rule that people have taken out of service: its alerts are suppressed until it is returned. */
export const OutOfServiceItem = Type.Object({
  id: Text,
  contract: Text,
  /** null: all rules of the contract. */
  rule: Type.Union([Text, Type.Null()]),
  /** null: all subjects. */
  subject: Type.Union([Text, Type.Null()]),
  since: Time,
  /** null: until somebody returns it. */
  until: Type.Union([Time, Type.Null()]),
  reason: Text,
  by: Text,
  record: RecordId,
});
export type OutOfServiceItem = Static<typeof OutOfServiceItem>;

export const BatchItem = Type.Object({
  stream: Text,
  seq: Type.Integer(),
  first: RecordId,
  count: Type.Integer(),
  firstAt: Time,
  lastAt: Time,
  root: Text,
  /** Index of its entry in the ledger, null while it is not accepted there. */
  ledgerIndex: Type.Union([Type.Integer(), Type.Null()]),
});
export type BatchItem = Static<typeof BatchItem>;

/** How far the ledger is: all records below `anchoredThrough` are in it. */
export const LedgerStatus = Type.Object({
  origin: Text,
  vkey: Text,
  /** The key that takes over, while every checkpoint carries the signatures of both. */
  nextVkey: Type.Union([Text, Type.Null()]),
  size: Type.Integer(),
  /** Base64 root of the latest checkpoint. */
  root: Text,
  /** The signed note as published. */
  checkpoint: Text,
  anchoredThrough: Type.Integer(),
  /** Size of the newest checkpoint that fulfils the policy's quorum; null when there is none, or no policy. */
  finalSize: Type.Union([Type.Integer(), Type.Null()]),
  /** Witness or group of the policy that makes a checkpoint final; null: no policy, or one that asks for nobody. */
  quorum: Type.Union([Text, Type.Null()]),
  /** The own log is proven to have two histories: nothing becomes final any more. */
  isFrozen: Type.Boolean(),
  /** Who is asked to cosign, and how far each of them is. */
  witnesses: Type.Array(
    Type.Object({
      name: Text,
      /** Name of its key. */
      witness: Text,
      size: Type.Union([Type.Integer(), Type.Null()]),
      cosignedAt: Type.Union([Time, Type.Null()]),
      /** What went wrong since, the latest time. */
      error: Type.Union([Type.Object({ at: Time, detail: Text }), Type.Null()]),
    }),
  ),
});
export type LedgerStatus = Static<typeof LedgerStatus>;

/** Evidence that a log has two histories, as this deployment judges it. */
export const EvidenceItem = Type.Object({
  /** Hex SHA-256: the file is `/witness/v0/evidence/{id}`. */
  id: Text,
  /** Whose history. */
  origin: Text,
  /** Who refused. */
  witness: Text,
  /** `same-size` or `other-history`; null: the file does not prove that it was the log's doing. */
  proven: Type.Union([Text, Type.Null()]),
  seenAt: Time,
  heldSize: Type.Integer(),
  offeredSize: Type.Integer(),
  detail: Text,
  /** The alert it raised; evidence about one fork raises one alert. */
  alert: Type.Union([Text, Type.Null()]),
});
export type EvidenceItem = Static<typeof EvidenceItem>;

/** Somebody outside who holds checkpoints of the ledger. */
export const AnchorSinkItem = Type.Object({
  /** The receipts are `/ledger/anchors/{size}/{id}`. */
  id: Text,
  /** `rfc3161`, `git` or `file`. */
  kind: Text,
  intervalMs: Type.Integer(),
  latest: Type.Union([
    Type.Object({
      size: Type.Integer(),
      anchoredAt: Time,
      /** What the authority says; null when nobody vouches for a time. */
      time: Type.Union([Time, Type.Null()]),
      authority: Text,
    }),
    Type.Null(),
  ]),
  /** The checkpoint that is on its way. */
  pending: Type.Union([Type.Object({ size: Type.Integer(), since: Time }), Type.Null()]),
  error: Type.Union([Type.Object({ at: Time, detail: Text }), Type.Null()]),
});
export type AnchorSinkItem = Static<typeof AnchorSinkItem>;

/** The ledger with everything that is known of its witnesses and outside anchors. */
export const LedgerDetail = Type.Object({
  ...LedgerStatus.properties,
  final: Type.Union([Type.Object({ size: Type.Integer(), root: Text, checkpoint: Text }), Type.Null()]),
  /** The witness that this ledger is for others; null when it is none. */
  ownWitness: Type.Union([
    Type.Object({
      name: Text,
      vkey: Text,
      logs: Type.Array(
        Type.Object({ origin: Text, size: Type.Union([Type.Integer(), Type.Null()]), cosignedAt: Type.Union([Time, Type.Null()]) }),
      ),
    }),
    Type.Null(),
  ]),
  /** Verifier keys of the logs that evidence is judged by: the own one, and those that are cosigned. */
  logs: Type.Array(Type.Object({ origin: Text, vkey: Text })),
  /** Newest first. */
  evidence: Type.Array(EvidenceItem),
  /** Empty when nothing is anchored outside, or the ledger does not answer. */
  anchors: Type.Array(AnchorSinkItem),
});
export type LedgerDetail = Static<typeof LedgerDetail>;

export const QuarantineItem = Type.Object({
  id: Text,
  code: Text,
  detail: Text,
  receivedAt: Time,
  door: Text,
  topic: Text,
  producer: Text,
  /** Where it would have been stored; absent when it was not refused for its content. */
  agency: Type.Optional(Text),
  dataset: Type.Optional(Text),
  contentType: Type.Optional(Text),
  /** Bytes of the whole message, and how many are kept: only what is kept whole can be released. */
  size: Type.Integer(),
  kept: Type.Integer(),
  /** Base64; in a list the first 4,096 bytes of what is kept. */
  payload: Text,
  /** The record it became. */
  released: Type.Union([RecordId, Type.Null()]),
});
export type QuarantineItem = Static<typeof QuarantineItem>;

export const QuarantinePage = Type.Object({
  items: Type.Array(QuarantineItem),
  /** A page may hold fewer items than were asked for, and still have a next. */
  next: Type.Union([Text, Type.Null()]),
  /** Kept and not released, by code. */
  counts: Type.Record(Text, Type.Integer()),
});
export type QuarantinePage = Static<typeof QuarantinePage>;

/** Which quarantined messages go through admission again: these, or all that fit. */
export const ReplayRequest = Type.Object(
  {
    ids: Type.Optional(Type.Array(RecordId, { minItems: 1, maxItems: 200 })),
    code: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    producer: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    dataset: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    door: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** `next` of the answer before. */
    from: Type.Optional(RecordId),
    dryRun: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
);
export type ReplayRequest = Static<typeof ReplayRequest>;

export const ReplayResult = Type.Object({
  id: Text,
  status: Type.Union([
    Type.Literal('accepted'),
    Type.Literal('revision'),
    Type.Literal('repeat'),
    Type.Literal('admissible'),
    Type.Literal('refused'),
  ]),
  record: Type.Optional(RecordId),
  code: Type.Optional(Text),
  detail: Type.Optional(Text),
});
export const ReplayAnswer = Type.Object({ results: Type.Array(ReplayResult), next: Type.Union([Text, Type.Null()]) });
export type ReplayAnswer = Static<typeof ReplayAnswer>;

export const Session = Type.Object({
  name: Type.Union([Text, Type.Null()]),
  role: Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('administrator'), Type.Null()]),
  /** To be sent back as header `x-airtight-csrf` with every request that changes something. */
  csrf: Type.Union([Text, Type.Null()]),
});
export type Session = Static<typeof Session>;

/** Something keeps the deployment from taking or proving readings. */
export const SystemFault = Type.Object({
  service: Text,
  code: Text,
  title: Bilingual,
  detail: Text,
  since: Type.Union([Time, Type.Null()]),
});
export type SystemFault = Static<typeof SystemFault>;

/** What the frame of every screen needs to know about the deployment. */
export const SystemStatus = Type.Object({
  now: Time,
  /** IANA name of the zone in which times are shown. */
  timeZone: Text,
  /** True when any producer is simulated. */
  simulated: Type.Boolean(),
  /** Committed end of the journal. */
  head: Type.Integer(),
  /** All records below are in the store. */
  projected: Type.Integer(),
  ledger: LedgerStatus,
  counts: Type.Object({
    producers: Type.Integer(),
    reporting: Type.Integer(),
    openAlerts: Type.Integer(),
    quarantined: Type.Integer(),
    duplicates: Type.Integer(),
  }),
  /** What keeps the deployment from taking and keeping readings at this moment; empty when nothing does. */
  faults: Type.Array(SystemFault),
});
export type SystemStatus = Static<typeof SystemStatus>;

export const CSRF_HEADER = 'x-airtight-csrf';

/** What became of one line of an upload; `record` where it is stored, `code` and `detail` where it is quarantined. */
export const LineResult = Type.Object({
  /** Counted from 1. Empty lines count and have no result. */
  line: Type.Integer(),
  status: Type.Union([Type.Literal('accepted'), Type.Literal('repeat'), Type.Literal('revision'), Type.Literal('quarantined')]),
  record: Type.Optional(RecordId),
  code: Type.Optional(Text),
  detail: Type.Optional(Text),
});
export type LineResult = Static<typeof LineResult>;
export const PublishAnswer = Type.Object({ results: Type.Array(LineResult) });
export type PublishAnswer = Static<typeof PublishAnswer>;

/** IP address of the device, as the api sees it: ingest limits failed logins by it. */
export const DEVICE_ADDRESS_HEADER = 'airtight-device-address';
/** Request header: uploads of one producer that bear the same value are one upload. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';
/** Answer header `true`: the answer is that of the first upload with the key. */
export const IDEMPOTENCY_REPLAYED_HEADER = 'idempotency-replayed';
/** Visible ASCII; a structured string in quotes (RFC 9651 §3.3.3) is taken with them. */
export const IDEMPOTENCY_KEY_PATTERN = '^[\\x21-\\x7e]{1,255}$';

/** Carries a device's own `Authorization` from the api to ingest, where that header holds our services' token. */
export const DEVICE_CREDENTIALS_HEADER = 'airtight-device-authorization';
