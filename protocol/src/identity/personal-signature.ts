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
import type { SignatureAlgorithms } from '@airtight/tlog';
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
