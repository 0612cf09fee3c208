/**
 * How a device that nobody has told a secret gets its credentials: by a claim code (one-time, expiring, for one name), or
 * by the provisioning key of its fleet (for any name within a pattern, bounded in number and rate). Codes and keys are
 * random, and kept as memory-hard hashes; who guesses is limited as at a login.
 */
import { randomBytes } from 'node:crypto';
import {
  AirtightError,
  accept,
  type Bilingual,
  CLAIMS_DATASET,
  type ClaimRecord,
  type DeviceTemplate,
  type FleetRecord,
  isName,
  isTelemetryDataset,
  type Outcome,
  refuse,
} from '@airtight/protocol';
import type { ClaimRegistry } from './claim-registry.ts';
import type { DeviceRegistry } from './device-registry.ts';
import { controlRecord, type Enrolled, type Enrolment } from './enrolment.ts';
import type { Logins } from './logins.ts';
import type { CredentialRequest } from './new-credentials.ts';
import { generateSecret, hashSecret, verifySecret } from './secret-hash.ts';

export interface NewClaim {
  readonly producer: string;
  readonly template: DeviceTemplate;
  readonly lifeMs: number;
  readonly by?: string;
}

export interface NewFleet {
  readonly fleet: string;
  readonly template: DeviceTemplate;
  readonly namePattern: string;
  readonly devicesMax: number;
  readonly lifeMs?: number;
  readonly by?: string;
}

/** What a device presents. */
export interface Presented extends Pick<CredentialRequest, 'jwtKey' | 'signKey'> {
  /** A claim code. */
  readonly code?: string;
  /** A provisioning key, with the name the device wants. */
  readonly key?: string;
  readonly producer?: string;
  readonly name?: Bilingual;
  readonly csr?: string;
}

/** Codes that wait for their devices; each is some 500 B. */
export const CLAIMS_OPEN_MAX = 10_000;
export const CLAIM_LIFE_MAX_MS = 90 * 86_400_000;
/** Devices of one fleet that enrol themselves at once, and how fast more may: ten a minute. */
export const PROVISIONED_AT_ONCE_MAX = 100;
export const PROVISIONING_REGAIN_MS = 6000;
export const FLEETS_MAX = 1000;

/** Crockford's base 32: no letter is taken for a digit. */
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_ID_CHARACTERS = 8;
/** 80 random bits, typed by a person. */
const CODE_SECRET_CHARACTERS = 16;
const CODE_GROUP = 4;
const CODE = /^[0-9A-HJKMNP-TV-Z]{24}$/;
/** Characters of a name, and `*` once or twice: with many of them matching takes long. */
const PATTERN = /^(?=.{1,64}$)[A-Za-z0-9._-]*(?:\*[A-Za-z0-9._-]*){1,2}$/;

export class Claims {
  readonly #claims: ClaimRegistry;
  readonly #devices: DeviceRegistry;
  readonly #enrolment: Enrolment;
  readonly #logins: Logins;
  /** Of each fleet: how many more may come now, and as of when. */
  readonly #allowances = new Map<string, { count: number; at: number }>();

  constructor(claims: ClaimRegistry, devices: DeviceRegistry, enrolment: Enrolment, logins: Logins) {
    this.#claims = claims;
    this.#devices = devices;
    this.#enrolment = enrolment;
    this.#logins = logins;
  }

  /** @returns the code, which is shown once; NAME_INVALID, PRODUCER_EXISTS, REQUEST_INVALID, OVERLOADED */
  async newClaim({ producer, template, lifeMs, by }: NewClaim): Promise<Outcome<{ readonly code: string; readonly validTo: number }>> {
    const now = Date.now();
    this.#claims.dropExpired(now);
    if (!isName(producer)) return refuse('NAME_INVALID', `producer ${producer}`);
    const fault = faultOf(template);
    if (fault !== undefined) return refuse('NAME_INVALID', fault);
    if (this.#devices.get(producer) !== undefined) return refuse('PRODUCER_EXISTS', producer);
    if (lifeMs <= 0 || lifeMs > CLAIM_LIFE_MAX_MS) return refuse('REQUEST_INVALID', `a code lives at most ${CLAIM_LIFE_MAX_MS} ms`);
    if (this.#claims.openClaims >= CLAIMS_OPEN_MAX) return refuse('OVERLOADED', `${CLAIMS_OPEN_MAX} codes wait for their devices`);
    const [id, secret] = [randomCharacters(CODE_ID_CHARACTERS), randomCharacters(CODE_SECRET_CHARACTERS)];
    const validTo = now + lifeMs;
    const base = { type: 'claim', id, codeHash: await hashSecret(secret), producer, template, validTo } as const;
    const claim: ClaimRecord = by === undefined ? base : { ...base, by };
    await this.#enrolment.write([controlRecord(CLAIMS_DATASET, producer, claim)]);
    return accept({ code: grouped(id + secret), validTo });
  }

  /** Makes a fleet, or gives it another key. @returns the key, which is shown once; NAME_INVALID, REQUEST_INVALID */
  async newFleet(request: NewFleet): Promise<Outcome<{ readonly key: string }>> {
    const { fleet, template, namePattern, devicesMax, lifeMs, by } = request;
    if (!isName(fleet)) return refuse('NAME_INVALID', `fleet ${fleet}`);
    const fault = faultOf(template);
    if (fault !== undefined) return refuse('NAME_INVALID', fault);
    if (!PATTERN.test(namePattern)) return refuse('REQUEST_INVALID', 'namePattern: characters of a name, and * once or twice');
    if (this.#claims.fleet(fleet) === undefined && this.#claims.fleets().length >= FLEETS_MAX)
      return refuse('OVERLOADED', `${FLEETS_MAX} fleets`);
    const secret = generateSecret();
    const record: FleetRecord = {
      ...{ type: 'fleet', fleet, keyHash: await hashSecret(secret), template, namePattern, devicesMax, revoked: false },
      ...(lifeMs === undefined ? {} : { validTo: Date.now() + lifeMs }),
      ...(by === undefined ? {} : { by }),
    };
    await this.#enrolment.write([controlRecord(CLAIMS_DATASET, fleet, record)]);
    return accept({ key: `${fleet}:${secret}` });
  }

  /** Nobody enrols with this key any more; devices that did stay. @returns NOT_FOUND */
  async revokeFleet(fleet: string, by: string | undefined): Promise<Outcome<null>> {
    const record = this.#claims.fleet(fleet);
    if (record === undefined) return refuse('NOT_FOUND', `fleet ${fleet}`);
    await this.#enrolment.write([controlRecord(CLAIMS_DATASET, fleet, { ...record, revoked: true, ...(by === undefined ? {} : { by }) })]);
    return accept(null);
  }

  /**
   * A device presents its code or its fleet's key.
   * @returns its credentials, shown once; PRODUCER_EXISTS, NAME_INVALID, REQUEST_INVALID, RATE_LIMITED, FLEET_FULL
   * @throws AirtightError CLAIM_WRONG, OVERLOADED; TooManyFailures
   */
  present(presented: Presented, address: string): Promise<Outcome<Enrolled>> {
    if (presented.code !== undefined) return this.#claim(presented.code, presented, address);
    if (presented.key !== undefined) return this.#provision(presented.key, presented, address);
    return Promise.resolve(refuse('REQUEST_INVALID', 'a code, or the key of a fleet'));
  }

  async #claim(code: string, presented: Presented, address: string): Promise<Outcome<Enrolled>> {
    const typed = code.replace(/[\s-]/g, '').toUpperCase();
    const id = typed.slice(0, CODE_ID_CHARACTERS);
    const claim = await this.#logins.guarded(
      `claim ${id}`,
      address,
      async () => {
        const known = CODE.test(typed) ? this.#claims.claim(id) : undefined;
        if (known === undefined || known.validTo <= Date.now()) return undefined;
        return (await verifySecret(typed.slice(CODE_ID_CHARACTERS), known.codeHash)) ? known : undefined;
      },
      'CLAIM_WRONG',
    );
    const { producer, template, by } = claim;
    const name = template.name ?? presented.name ?? { zh: producer, en: producer };
    const request = { ...template, producer, name, ...asked(presented), ...(by === undefined ? {} : { by }) };
    const enrolled = await this.#enrolment.enrol([request], () => {
      // Two that present it at the same time: the first one has used it up.
      if (this.#claims.claim(id) === undefined) return refuse('CLAIM_WRONG', 'it has been used');
      return accept([controlRecord(CLAIMS_DATASET, producer, { ...claim, claimedAt: Date.now() })]);
    });
    return first(enrolled);
  }

  async #provision(key: string, presented: Presented, address: string): Promise<Outcome<Enrolled>> {
    const colon = key.indexOf(':');
    const name = key.slice(0, Math.max(0, colon));
    const fleet = await this.#logins.guarded(
      `fleet ${name}`,
      address,
      async () => {
        const known = this.#claims.fleet(name);
        if (known === undefined || known.revoked || (known.validTo ?? Infinity) <= Date.now()) return undefined;
        return (await verifySecret(key.slice(colon + 1), known.keyHash)) ? known : undefined;
      },
      'CLAIM_WRONG',
    );
    const { producer = '' } = presented;
    if (!fits(fleet.namePattern, producer)) return refuse('NAME_INVALID', `${producer} does not fit ${fleet.namePattern}`);
    if (this.#devices.get(producer) !== undefined) return refuse('PRODUCER_EXISTS', producer);
    if (!this.#allow(name, Date.now()))
      return refuse('RATE_LIMITED', `fleet ${name}: more than ${PROVISIONED_AT_ONCE_MAX} devices at once`);
    const shown = presented.name ?? { zh: producer, en: producer };
    const request = { ...fleet.template, producer, name: shown, provisioned: name, by: `fleet:${name}`, ...asked(presented) };
    const enrolled = await this.#enrolment.enrol([request], () =>
      this.#devices.fleetSize(name) < fleet.devicesMax ? accept([]) : refuse('FLEET_FULL', `${fleet.devicesMax} devices`),
    );
    return first(enrolled);
  }

  #allow(fleet: string, now: number): boolean {
    const { count, at } = this.#allowances.get(fleet) ?? { count: PROVISIONED_AT_ONCE_MAX, at: now };
    const left = Math.min(PROVISIONED_AT_ONCE_MAX, count + Math.max(0, now - at) / PROVISIONING_REGAIN_MS);
    if (left < 1) return false;
    this.#allowances.set(fleet, { count: left - 1, at: now });
    return true;
  }
}

function asked({ jwtKey, signKey, csr }: Presented): CredentialRequest {
  return {
    ...(jwtKey === undefined ? {} : { jwtKey }),
    ...(signKey === undefined ? {} : { signKey }),
    ...(csr === undefined ? {} : { certificate: { csr } }),
  };
}

function faultOf({ agency, datasets }: DeviceTemplate): string | undefined {
  if (!isName(agency)) return `agency ${agency}`;
  const bad = datasets.find((dataset) => !isTelemetryDataset(dataset));
  return bad === undefined ? undefined : `dataset ${bad}`;
}

function first(enrolled: Outcome<Enrolled[]>): Outcome<Enrolled> {
  if (!enrolled.ok) return enrolled;
  const [device] = enrolled.value;
  if (device === undefined) throw new AirtightError('INTERNAL', 'one device was enrolled');
  return accept(device);
}

/** Whether a name is what a pattern with `*` means. */
function fits(pattern: string, name: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll('.', '\\.'))
    .join('[A-Za-z0-9._-]*');
  return isName(name) && new RegExp(`^${expression}$`).test(name);
}

function randomCharacters(count: number): string {
  return Array.from(randomBytes(count), (byte) => CODE_ALPHABET[byte % CODE_ALPHABET.length]).join('');
}

function grouped(code: string): string {
  return (code.match(new RegExp(`.{1,${CODE_GROUP}}`, 'g')) ?? []).join('-');
}
