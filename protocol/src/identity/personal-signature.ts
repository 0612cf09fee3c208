/**
 * A person's own signature on an act: a contract proposed, approved or withdrawn, a quality flag put or taken back, a key ended. It is
 * that of a device on a reading (device-signature.ts, RFC 8032) over the act in canonical JSON (RFC 8785), which is the
 * payload of the record:
 *
 *   "airtight-reading-v1\n" CONTROL_AGENCY "/" dataset "/" ACTS_PRODUCER "\n" payload
 *
 * so that a proof of the record proves the signature too. The key is on record in `sys.keys` with the person's name; the
 * private half never leaves the person.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { decodeBase64, ed25519PublicKey, ed25519Sign, encodeBase64, type SignatureAlgorithms, sha256Hex } from '@airtight/tlog';
import { CONTROL_AGENCY, type KeyRecord } from '../control.ts';
import { CONTROL_PREFIX } from '../interfaces/topic.ts';
import { type DeviceSignature, decodeBase64Url, decodePublicKey, signedMessage } from './device-signature.ts';

/** Producer of the records that the API writes for people. */
export const ACTS_PRODUCER = 'airtight-api';
/** A signed act says when it was done; this far from the service's clock it is not taken, ms. */
export const SIGNED_ACT_TOLERANCE_MS = 10 * 60 * 1000;

const POSSESSION_CONTEXT = 'airtight-person-key-v1';

/** The bytes that a person signs to do something. @param dataset that of the record */
export function actMessage(dataset: string, act: object): Uint8Array {
  const place = { agency: CONTROL_AGENCY, dataset, producer: ACTS_PRODUCER };
  return signedMessage(place, new TextEncoder().encode(canonicalJson(act)));
}

/** The bytes that are signed with a new key, so that nobody puts another's key on record as his own. */
export function possessionMessage(person: string, publicKey: string): Uint8Array {
  return new TextEncoder().encode(`${POSSESSION_CONTEXT}\n${person}\n${publicKey}\n`);
}

/** Whether these are the 64 bytes, in the one form of base64url, that the holder of the key makes of a message. */
export function isSignedBy(publicKey: string, message: Uint8Array, sig: string, { ed25519 }: SignatureAlgorithms): boolean {
  const [key, signature] = [decodePublicKey(publicKey), decodeBase64Url(sig)];
  return key !== undefined && signature !== undefined && ed25519(key, message, signature);
}

/** Who does what a control record says; undefined for one that nobody signs. */
export function personOfAct(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const act = payload as { readonly [name: string]: unknown };
  const field = SIGNERS[String(act['type'])];
  const person = field === undefined ? undefined : act[field];
  return typeof person === 'string' ? person : undefined;
}
const SIGNERS: { readonly [type: string]: string | undefined } = {
  'contract-draft': 'author',
  contract: 'approver',
  'contract-withdrawal': 'by',
  flag: 'by',
  key: 'by',
};

/** Whether a key may sign a record: a device's its readings, a person's the acts that name that person. */
export function isSignersKey({ person }: KeyRecord, dataset: string, payload: Uint8Array): boolean {
  if (!dataset.startsWith(CONTROL_PREFIX)) return person === undefined;
  if (person === undefined) return false;
  try {
    return personOfAct(JSON.parse(new TextDecoder().decode(payload))) === person;
  } catch {
    return false;
  }
}

/** As a request carries it. What the service would choose itself, the signer has chosen; left out where the act says none. */
export interface PersonalSignature extends DeviceSignature {
  /** Epoch ms that the act says. */
  readonly at?: number;
  /** The act's own id, 16 lower-case hex digits. */
  readonly id?: string;
}

/** PKCS #8 of an Ed25519 key (RFC 8410 §7): what stands before its 32 bytes is always the same. */
const PKCS8_PREFIX = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const SEED_BYTES = 32;
const KID_CHARACTERS = 16;

/** A signing key as a person's file holds it, for where there is no node:crypto. */
export class PersonalKey {
  readonly publicKey: string;
  /** First 16 hex digits of SHA-256 over the 32 bytes of the public key. */
  readonly kid: string;
  readonly #seed: Uint8Array;

  /** @param seed 32 random bytes */
  constructor(seed: Uint8Array) {
    const publicKey = ed25519PublicKey(seed);
    this.#seed = seed;
    this.publicKey = toBase64Url(publicKey);
    this.kid = sha256Hex(publicKey).slice(0, KID_CHARACTERS);
  }

  /** Reads PEM; undefined when it holds no Ed25519 key. */
  static fromPem(pem: string): PersonalKey | undefined {
    const text = /-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
    const der = text === undefined ? undefined : decodeBase64(text.replace(/\s/g, ''));
    if (der?.length !== PKCS8_PREFIX.length + SEED_BYTES || PKCS8_PREFIX.some((byte, at) => der[at] !== byte)) return undefined;
    return new PersonalKey(der.slice(PKCS8_PREFIX.length));
  }

  toPem(): string {
    const text = encodeBase64(Uint8Array.from([...PKCS8_PREFIX, ...this.#seed]));
    return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
  }

  /** Signs an act with the time and id that it says, if it says any. */
  sign(dataset: string, act: object, said: Pick<PersonalSignature, 'at' | 'id'> = {}): PersonalSignature {
    return { kid: this.kid, sig: toBase64Url(ed25519Sign(this.#seed, actMessage(dataset, act))), ...said };
  }

  /** What shows, when the key is put on record, that the person holds it. */
  possession(person: string): string {
    return toBase64Url(ed25519Sign(this.#seed, possessionMessage(person, this.publicKey)));
  }
}

function toBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
