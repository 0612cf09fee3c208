/**
 * The one way in. Whatever door a message comes by, it is admitted or quarantined here, recognised if it is a repeat,
 * appended to the journal; and nobody is told that it was taken before it is durable.
 *
 * Group commit: everything taken while a commit runs goes into the next one, which begins when that commit ends; there
 * is no timer. Who waits for a commit joins it, and is released in the order of joining, so a producer's
 * acknowledgements keep the order of its messages [MQTT-4.6.0-2] whether they were accepted, repeated or quarantined.
 */
import {
  type DatasetRegistry,
  type DeviceSignature,
  decodeExpired,
  decodeRecord,
  isExpiredBody,
  isSalted,
  LEAF_PREFIX,
  type Outcome,
  type RecordHeader,
  type Refusal,
  recordIn,
  type SparkplugBirth,
  signatureLine,
} from '@airtight/protocol';
import { type Admitted, admitPayload } from './admit/admission.ts';
import { DuplicateIndex, indexedFrom } from './admit/duplicate-index.ts';
import { signatureFault } from './admit/payload-signature.ts';
import { fingerprintOf, type MessageHeader, type RecordRoute } from './admit/record-route.ts';
import { commitTo } from './confidential/commitment.ts';
import type { SaltKeys } from './confidential/salt-keys.ts';
import type { DeviceRegistry } from './identity/device-registry.ts';
import type { Journal } from './journal/journal.ts';
import { sha256 } from './leaf-hash.ts';
import type { Origin, Quarantine } from './quarantine/quarantine.ts';
import type { StorageFault, StorageHealth } from './storage/storage-health.ts';

/** What came with a payload, beside where it came from. */
export interface SentWith {
  /** What a Sparkplug payload refers to. */
  readonly birth?: SparkplugBirth | undefined;
  /** The device's own. */
  readonly signature?: DeviceSignature | undefined;
}

/** Someone who waits for the running group to be durable. */
export interface CommitMember {
  /** The group is being written: what was taken from now on belongs to the next one. */
  onCommitStart(): void;
  /** All of the group is durable. */
  onCommitted(): void;
}

export interface Stored {
  readonly kind: 'accepted' | 'revision' | 'repeat';
  readonly position: number;
}
export type Taken = Stored | { readonly kind: 'quarantined'; readonly refusal: Refusal };

export interface IntakeOptions {
  readonly journal: Journal;
  readonly quarantine: Quarantine;
  /** Whose signatures are asked for and known, whichever door a message comes by; absent: nobody's. */
  readonly devices?: Pick<DeviceRegistry, 'get'>;
  /** Definitions in force. */
  readonly datasets: DatasetRegistry;
  /** Of the records of confidential datasets; absent: there are none. */
  readonly salts?: SaltKeys;
  /** Called after each commit with the frames that are durable now; the view is valid during the call. */
  readonly onCommitted: (frames: Uint8Array) => void;
  /** While it has a fault, doors stop reading; absent: only the amount of what is pending stops them. */
  readonly storage?: StorageHealth;
  /** Told how long each commit took. */
  readonly onCommitSeconds: (seconds: number) => void;
  /** Storage is broken for good: nothing more may be acknowledged, the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** Doors stop reading when this much waits for the disk: half a second of a slow one. */
export const PENDING_MAX_BYTES = 8 * 1024 * 1024;

// What stands around the header line in a leaf's preimage.
const BEFORE_HEADER = Uint8Array.of(LEAF_PREFIX);
const BEHIND_HEADER = Uint8Array.of(0x0a);

export class Intake {
  readonly #journal: Journal;
  readonly #quarantine: Quarantine;
  readonly #options: IntakeOptions;
  readonly #duplicates = new DuplicateIndex();
  /** Who joined the group that gathers now. */
  #members: CommitMember[] = [];
  #room: (() => void)[] = [];
  #scheduled = false;
  #committing = false;
  #group = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#quarantine = options.quarantine;
    for (const [position, fingerprint] of this.#journal.tags(indexedFrom(this.#journal.head))) this.#duplicates.add(fingerprint, position);
  }

  /** Definitions in force. */
  get datasets(): DatasetRegistry {
    return this.#options.datasets;
  }

  /** True when doors should stop reading until `whenRoom` calls them. */
  get full(): boolean {
    return this.fault !== undefined || this.#pendingBytes > PENDING_MAX_BYTES;
  }

  /** Number of the group that gathers now. */
  get group(): number {
    return this.#group;
  }

  /** Why nothing can be stored at present, if so. */
  get fault(): StorageFault | undefined {
    return this.#options.storage?.fault;
  }

  /** Calls back once, when there is room again. */
  whenRoom(callback: () => void): void {
    this.#room.push(callback);
  }

  /** Tells that a fault of the storage may be over. */
  releaseRoom(): void {
    if (this.full) return;
    for (const callback of this.#room.splice(0)) callback();
  }

  get #pendingBytes(): number {
    return this.#journal.pendingBytes + this.#quarantine.pendingBytes;
  }

  /** Takes a telemetry payload: admits it or quarantines it. Durable when the group that gathers now is. */
  take(route: RecordRoute, payload: Buffer, receivedAt: number, { birth, signature }: SentWith = {}): Taken {
    const { door, topic = '', producer, agency, dataset, contentType } = route.fields;
    const origin = { door, topic, producer, receivedAt };
    const device = this.#options.devices?.get(producer);
    const fault = device === undefined ? undefined : signatureFault(device, route.fields, payload, signature, receivedAt);
    if (fault !== undefined) {
      const message = signature === undefined ? payload : Buffer.concat([payload, Buffer.from(signatureLine(signature))]);
      return this.refuse(origin, fault, message);
    }
    const admitted = this.admit(route, payload, receivedAt, birth);
    if (!admitted.ok) {
      const destination = { agency, dataset, contentType, ...(signature === undefined ? {} : { signature }) };
      return this.refuse({ ...origin, route: destination }, admitted, payload);
    }
    return this.store(route, payload, receivedAt, admitted.value.messageId, { birth: birth?.position, signature });
  }

  /** May it become a record, by the definition in force? Nothing is kept. */
  admit(route: RecordRoute, payload: Buffer, receivedAt: number, birth?: SparkplugBirth): Outcome<Admitted> {
    const { dataset, contentType, topic } = route.fields;
    return admitPayload(payload, { contentType, receivedAt, definition: this.#options.datasets.current(dataset), topic, birth });
  }

  /** Stores a payload that needs no admission (our own control data), or recognises it as a repeat. */
  store(route: RecordRoute, payload: Buffer, receivedAt: number, messageId: string | undefined, header?: MessageHeader): Stored {
    this.#schedule();
    const fingerprint = route.fingerprint(messageId, payload);
    let sameIdentity = false;
    const earlier = this.#duplicates.find(fingerprint, (position) => {
      const comparison = this.#compare(position, route, payload, messageId);
      sameIdentity ||= comparison !== 'other';
      return comparison === 'repeat';
    });
    if (earlier >= 0) return { kind: 'repeat', position: earlier };
    const position = this.#journal.head;
    const { salts, datasets } = this.#options;
    if (salts !== undefined && datasets.current(route.fields.dataset)?.confidential === true)
      this.#appendSalted(salts, route, payload, receivedAt, { ...header, messageId }, fingerprint);
    else this.#journal.append(route.head(receivedAt, messageId, header), payload, fingerprint);
    this.#duplicates.add(fingerprint, position);
    return { kind: sameIdentity ? 'revision' : 'accepted', position };
  }

  #appendSalted(
    salts: SaltKeys,
    route: RecordRoute,
    payload: Buffer,
    receivedAt: number,
    { messageId, ...sent }: MessageHeader & { readonly messageId: string | undefined },
    fingerprint: number,
  ): void {
    const journal = this.#journal;
    const position = journal.head;
    const { producer, contentType } = route.fields;
    const stream = salts.streamFor(producer, receivedAt, position, journal.active);
    const { tree } = commitTo({ messageId, signature: sent.signature, contentType }, payload, position, stream);
    journal.append(route.head(receivedAt, messageId, { ...sent, isConfidential: true }), payload, fingerprint, tree.root);
  }

  /** Quarantines a message. Durable when the group that gathers now is. */
  refuse(origin: Origin, refusal: Refusal, payload: Uint8Array): Taken {
    this.#schedule();
    this.#quarantine.add(origin, refusal, payload);
    return { kind: 'quarantined', refusal };
  }

  /** To be told when what was taken so far is durable; once per group and member. */
  join(member: CommitMember): void {
    this.#members.push(member);
    this.#schedule();
  }

  /** Resolves when everything taken so far is durable. */
  committed(): Promise<void> {
    return new Promise((resolve) => this.join({ onCommitStart: () => undefined, onCommitted: resolve }));
  }

  #compare(position: number, route: RecordRoute, payload: Buffer, messageId: string | undefined): 'repeat' | 'revision' | 'other' {
    const body = this.#journal.read(position);
    const stored = body === null ? undefined : storedRecord(body);
    if (stored === undefined) return 'other';
    const { header } = stored;
    const { agency, dataset, producer } = route.fields;
    if (header.agency !== agency || header.dataset !== dataset || header.producer !== producer || header.messageId !== messageId)
      return 'other';
    return stored.has(payload) ? 'repeat' : 'revision';
  }

  #schedule(): void {
    if (this.#scheduled || this.#committing) return;
    this.#scheduled = true;
    // setImmediate: everything the sockets deliver in this turn of the loop shares the commit.
    setImmediate(() => void this.#commit());
  }

  async #commit(): Promise<void> {
    this.#scheduled = false;
    this.#committing = true;
    try {
      // Before the records that use them: none may be durable whose key is not.
      while (this.#options.salts?.hasPending === true) await this.#options.salts.flush();
    } catch (error) {
      this.#options.onFatal(error as Error);
      return;
    }
    const members = this.#members;
    this.#members = [];
    this.#group++;
    for (const member of members) member.onCommitStart();
    const startedAt = performance.now();
    let frames: Uint8Array;
    try {
      [frames] = await Promise.all([this.#journal.flush(), this.#quarantine.flush()]);
    } catch (error) {
      this.#options.onFatal(error as Error);
      return;
    }
    this.#options.onCommitSeconds((performance.now() - startedAt) / 1000);
    for (const member of members) member.onCommitted();
    this.releaseRoom();
    this.#options.onCommitted(frames);
    this.#committing = false;
    if (this.#members.length > 0 || this.#pendingBytes > 0) this.#schedule();
  }
}

/** A stored record, to be compared with a message: of one without its payload the leaf hash still tells. */
function storedRecord(body: Uint8Array): { readonly header: RecordHeader; has(payload: Buffer): boolean } | undefined {
  if (isExpiredBody(body)) {
    const expired = decodeExpired(body);
    if (!expired.ok) return undefined;
    const { header, headerLine, leafHash } = expired.value;
    // What is erased is forgotten: its leaf hash tells nothing, and it would be no repeat.
    if (isSalted(header)) return undefined;
    return { header, has: (payload) => sha256(Buffer.concat([BEFORE_HEADER, headerLine, BEHIND_HEADER, payload])).equals(leafHash) };
  }
  const record = decodeRecord(recordIn(body));
  return record.ok ? { header: record.value.header, has: (payload) => payload.equals(record.value.payload) } : undefined;
}

/**
 * Tag for `Journal.open`: the identity fingerprint of a stored record. That of a record without payload and message id
 * cannot be made again: its repeat is stored as new, should the side file be lost that has it.
 */
export function tagOfBody(body: Uint8Array): number {
  if (isExpiredBody(body)) {
    const expired = decodeExpired(body);
    return expired.ok && !isSalted(expired.value.header) ? fingerprintOf(expired.value.header, new Uint8Array(0)) : 0;
  }
  const record = decodeRecord(recordIn(body));
  return record.ok ? fingerprintOf(record.value.header, record.value.payload) : 0;
}
