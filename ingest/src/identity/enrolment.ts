/** Making a device known, and changing what it proves itself with: its record enters by the one way, secrets are shown once. */
import { randomBytes } from 'node:crypto';
import {
  accept,
  type Bilingual,
  CONTROL_AGENCY,
  type Code,
  type Credential,
  DEVICES_DATASET,
  type DeviceRecord,
  isName,
  isTelemetryDataset,
  KEYS_DATASET,
  type KeyRecord,
  type Outcome,
  type ProducerKind,
  type Refusal,
  refuse,
} from '@airtight/protocol';
import type { InternalDoor, InternalRecord } from '../internal-door.ts';
import { endCredentials, withCredentials } from './credential-history.ts';
import { certificateKey, type DeviceRegistry } from './device-registry.ts';
import { type CredentialRequest, makeCredentials, type NewCredentials, type ShownOnce } from './new-credentials.ts';

export interface EnrolmentRequest extends CredentialRequest {
  readonly producer: string;
  readonly agency: string;
  readonly kind: ProducerKind;
  readonly name: Bilingual;
  readonly region?: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
  readonly datasets: readonly string[];
  readonly subscribe?: readonly string[];
  readonly gateway?: string;
  readonly foreignId?: string;
  readonly signatureRequired?: boolean;
  readonly simulated?: boolean;
  /** The fleet with whose key it enrols itself. */
  readonly provisioned?: string;
  /** Gives an existing device new credentials and a new description; the old ones end. */
  readonly replace?: boolean;
  /** Who asks for it. */
  readonly by?: string;
}

export interface Enrolled extends ShownOnce {
  /** The MQTT user name. */
  readonly username: string;
  readonly position: number;
}

export interface RotationRequest extends CredentialRequest {
  /** How long the old credentials of the same kind still count. */
  readonly overlapMs: number;
  readonly by?: string;
}

export interface EnrolmentOptions {
  readonly registry: DeviceRegistry;
  readonly door: Pick<InternalDoor, 'write'>;
  /** Folder of the CA. */
  readonly keysDir: string;
}

/** Secrets hashed at a time: the rest of libuv's threads stays with the disk. */
const HASHES_AT_A_TIME = 2;
const MESSAGE_ID_BYTES = 8;
/** Network name of HJ 212 in foreign ids, before the monitor's MN. */
export const HJ212_NETWORK = 'hj212:';

export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Changes follow each other: each is made from the record that the one before has left. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Enrols devices, all or none.
   * @param together records to be stored in the same commit, if the devices are
   * @returns PRODUCER_EXISTS, CREDENTIAL_TAKEN, NAME_INVALID, REQUEST_INVALID with the producer named; CA_MISSING
   */
  async enrol(requests: readonly EnrolmentRequest[], together?: () => Outcome<readonly InternalRecord[]>): Promise<Outcome<Enrolled[]>> {
    // Before any secret is hashed, and again when it is this change's turn.
    const fault = this.#faultOf(requests);
    if (fault !== undefined) return fault;
    const now = Date.now();
    const made: NewCredentials[] = [];
    for (let at = 0; at < requests.length; at += HASHES_AT_A_TIME) {
      const part = requests.slice(at, at + HASHES_AT_A_TIME);
      for (const outcome of await Promise.all(part.map((request) => this.#make(request, request.producer, now)))) {
        if (!outcome.ok) return outcome;
        made.push(outcome.value);
      }
    }
    return this.#change(async () => {
      const late = this.#faultOf(requests);
      if (late !== undefined) return late;
      const records: InternalRecord[] = [];
      const places: number[] = [];
      const certificates = new Set<string>();
      for (const [i, request] of requests.entries()) {
        const device = this.#toDevice(request, (made[i] as NewCredentials).credentials, now);
        if (!device.ok) return device;
        for (const key of made[i]?.credentials.flatMap((credential) => certificateKey(credential) ?? []) ?? []) {
          if (certificates.has(key)) return refuse('CREDENTIAL_TAKEN', `${key} stands twice`);
          certificates.add(key);
        }
        places.push(records.length);
        records.push(...this.#records(device.value));
      }
      const more = together?.() ?? accept([]);
      if (!more.ok) return more;
      const stored = await this.#options.door.write([...records, ...more.value]);
      return accept(
        requests.map(({ producer }, i) => ({
          username: producer,
          position: stored[places[i] as number]?.position as number,
          ...(made[i] as NewCredentials).shown,
        })),
      );
    });
  }

  /** Gives a device new credentials beside the old ones. @returns NOT_FOUND, CREDENTIAL_TAKEN, REQUEST_INVALID, CA_MISSING */
  async rotate(producer: string, request: RotationRequest): Promise<Outcome<Enrolled>> {
    if (this.#options.registry.get(producer) === undefined) return refuse('NOT_FOUND', `producer ${producer}`);
    const { signKey, jwtKey, certificate, hj212Password } = request;
    // A new signing key is no new login: alone it changes nothing else.
    const { password = [signKey, jwtKey, certificate, hj212Password].every((asked) => asked === undefined) } = request;
    const made = await this.#make({ ...request, password }, producer, Date.now());
    if (!made.ok) return made;
    const changed = await this.#update(producer, request.by, (device, now) => {
      if (device.revoked) return refuse('REQUEST_INVALID', `${producer} is revoked; enrol it again with replace`);
      const credentials = withCredentials(device.credentials, made.value.credentials, now, request.overlapMs);
      return credentials.ok ? accept({ ...device, credentials: credentials.value }) : credentials;
    });
    return changed.ok ? accept({ username: producer, position: changed.value, ...made.value.shown }) : changed;
  }

  /**
   * Revokes a device, or one of its credentials: what was begun with it is cut.
   * @returns the position of the record; NOT_FOUND
   */
  revoke(producer: string, credentialId: string | undefined, by: string | undefined): Promise<Outcome<number>> {
    return this.#update(producer, by, (device, now) => {
      if (credentialId === undefined) return accept({ ...device, revoked: true, credentials: endCredentials(device.credentials, now) });
      if (!device.credentials.some(({ id }) => id === credentialId))
        return refuse('NOT_FOUND', `credential ${credentialId} of ${producer}`);
      return accept({ ...device, credentials: endCredentials(device.credentials, now, ({ id }) => id === credentialId) });
    });
  }

  /** Writes other records when it is their turn among the changes. */
  write(records: readonly InternalRecord[]): Promise<unknown> {
    return this.#change(() => this.#options.door.write(records));
  }

  #make(request: CredentialRequest, producer: string, now: number): Promise<Outcome<NewCredentials>> {
    return makeCredentials(request, { producer, now, keysDir: this.#options.keysDir });
  }

  #update(
    producer: string,
    by: string | undefined,
    change: (device: DeviceRecord, now: number) => Outcome<DeviceRecord>,
  ): Promise<Outcome<number>> {
    return this.#change(async () => {
      const device = this.#options.registry.get(producer);
      if (device === undefined) return refuse('NOT_FOUND', `producer ${producer}`);
      const { by: _, ...rest } = device;
      const changed = change({ ...rest, ...(by === undefined ? {} : { by }) }, Date.now());
      if (!changed.ok) return changed;
      const taken = this.#takenCertificate(changed.value);
      if (taken !== undefined) return taken;
      const [stored] = await this.#options.door.write(this.#records(changed.value));
      return accept(stored?.position as number);
    });
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changing.then(change, change);
    this.#changing = turn.catch(() => undefined);
    return turn;
  }

  /** The device's record, and one for each signing key that is new or has changed. */
  #records(device: DeviceRecord): InternalRecord[] {
    const before = this.#options.registry.get(device.producer)?.credentials ?? [];
    const keys = device.credentials.flatMap((credential) => {
      const known = before.find(({ id }) => id === credential.id);
      const isSame = known !== undefined && known.validTo === credential.validTo;
      return isSame ? [] : (keyRecord(device, credential) ?? []);
    });
    return [
      controlRecord(DEVICES_DATASET, device.producer, device),
      ...keys.map((key) => controlRecord(KEYS_DATASET, device.producer, key)),
    ];
  }

  #faultOf(requests: readonly EnrolmentRequest[]): Refusal | undefined {
    const names = new Set<string>();
    const foreignIds = new Set<string>();
    for (const request of requests) {
      const fault = faultOf(request, this.#options.registry);
      if (fault !== undefined) return refuse(...fault);
      if (names.has(request.producer)) return refuse('PRODUCER_EXISTS', `${request.producer} stands twice`);
      names.add(request.producer);
      if (request.foreignId === undefined) continue;
      if (foreignIds.has(request.foreignId)) return refuse('PRODUCER_EXISTS', `${request.foreignId} stands twice`);
      foreignIds.add(request.foreignId);
    }
    return undefined;
  }

  #takenCertificate(device: DeviceRecord): Refusal | undefined {
    for (const credential of device.credentials) {
      const owner = this.#options.registry.certificateOwner(credential);
      if (owner !== undefined && owner !== device.producer) return refuse('CREDENTIAL_TAKEN', `${credential.id} is that of ${owner}`);
    }
    return undefined;
  }

  /** The new record; of a device that is replaced the history stays, its signing keys too unless there is a new one. */
  #toDevice(request: EnrolmentRequest, fresh: readonly Credential[], now: number): Outcome<DeviceRecord> {
    const before = this.#options.registry.get(request.producer)?.credentials ?? [];
    const signs = fresh.some(({ kind }) => kind === 'signing-ed25519');
    const over = endCredentials(before, now, ({ kind }) => signs || kind !== 'signing-ed25519');
    const credentials = withCredentials(over, fresh, now, 0);
    if (!credentials.ok) return credentials;
    const device = toDevice(request, credentials.value);
    return this.#takenCertificate(device) ?? accept(device);
  }
}

/** A record of ours that is no repeat of an earlier one, whatever it says. */
export function controlRecord(dataset: string, producer: string, payload: unknown): InternalRecord {
  const messageId = `id:${producer}.${randomBytes(MESSAGE_ID_BYTES).toString('hex')}`;
  return { agency: CONTROL_AGENCY, dataset, producer, messageId, payload };
}

function keyRecord({ producer, agency }: DeviceRecord, credential: Credential): KeyRecord | undefined {
  if (credential.kind !== 'signing-ed25519') return undefined;
  const { id, publicKey, validFrom, validTo } = credential;
  return { type: 'key', producer, agency, kid: id, publicKey, validFrom, ...(validTo === undefined ? {} : { validTo }) };
}

function faultOf(
  { producer, agency, datasets, replace, foreignId, hj212Password }: EnrolmentRequest,
  registry: DeviceRegistry,
): [Code, string] | undefined {
  if (!isName(producer)) return ['NAME_INVALID', `producer ${producer}`];
  if (!isName(agency)) return ['NAME_INVALID', `agency ${agency}`];
  const bad = datasets.find((dataset) => !isTelemetryDataset(dataset));
  if (bad !== undefined) return ['NAME_INVALID', `dataset ${bad}`];
  if (hj212Password !== undefined && foreignId?.startsWith(HJ212_NETWORK) !== true)
    return ['REQUEST_INVALID', `a monitor of HJ 212 has a foreign id ${HJ212_NETWORK}{MN}`];
  const namesake = foreignId === undefined ? undefined : registry.byForeignId(foreignId);
  if (namesake !== undefined && namesake.producer !== producer) return ['PRODUCER_EXISTS', `${foreignId} is ${namesake.producer}`];
  if (registry.get(producer) !== undefined && replace !== true) return ['PRODUCER_EXISTS', producer];
  return undefined;
}

function toDevice(request: EnrolmentRequest, credentials: readonly Credential[]): DeviceRecord {
  const { producer, agency, kind, name, region, location, datasets, gateway, foreignId, subscribe = [], simulated = false } = request;
  const { signatureRequired, provisioned, by } = request;
  return {
    type: 'device',
    producer,
    agency,
    kind,
    name,
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
    datasets,
    ...(gateway === undefined ? {} : { gateway }),
    ...(foreignId === undefined ? {} : { foreignId }),
    subscribe,
    credentials,
    ...(signatureRequired === undefined ? {} : { signatureRequired }),
    ...(provisioned === undefined ? {} : { provisioned }),
    ...(by === undefined ? {} : { by }),
    simulated,
    revoked: false,
  };
}
