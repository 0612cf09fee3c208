/**
 * Verification of a proof bundle with what only this product knows of it: the device's own signature. To the steps of
 * `verifyBundle` a signed record adds
 *
 * | step      | establishes                                                                      |
 * | --------- | -------------------------------------------------------------------------------- |
 * | signature | the payload, for this agency, dataset and producer, was signed with the device key |
 * | deviceKey | that key was on record for this device before the reading, and valid when it came in |
 *
 * and a record of a confidential dataset
 *
 * | disclosure | the fields that are shown are the ones that the record commits to; all others stay hidden |
 *
 * Who brings the device's key himself relies on nothing the operator has written: then an unsigned record fails too.
 */
import {
  type AnchorTrust,
  type BundleStep,
  type BundleVerdict,
  decodeBase64,
  type FieldDisclosure,
  nobleAlgorithms,
  type Policy,
  type ProofBundle,
  type ProvenRecord,
  type Sha256,
  type SignatureAlgorithms,
  verifyBundle,
} from '@airtight/tlog';
import type { Code } from '../codes.ts';
import { isSalted, type OpenedRecord, openRecord } from '../confidential/salted-fields.ts';
import { KEYS_DATASET, type KeyRecord } from '../control.ts';
import { isValidAt } from '../identity/credential.ts';
import { decodePublicKey, verifyDeviceSignature } from '../identity/device-signature.ts';
import { isSignersKey } from '../identity/personal-signature.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { type DecodedRecord, decodeRecord, type RecordHeader } from '../records/record.ts';

/** The last moment that ECMAScript's dates reach, in epoch ms. */
const TIME_MAX_MS = 8.64e15;
/** Disclosed fields that a step names. */
const NAMES_TOLD_MAX = 20;

export type ProofStepName = BundleStep['step'] | 'disclosure' | 'signature' | 'deviceKey';

export interface ProofStep extends Omit<BundleStep, 'step' | 'code'> {
  readonly step: ProofStepName;
  readonly code?: Code;
}

export interface ProofVerdict extends Omit<BundleVerdict, 'steps'> {
  readonly steps: readonly ProofStep[];
  /** Of a record of a confidential dataset: what it shows. Worth what the steps say. */
  readonly opened?: OpenedRecord;
}

export interface ProofOptions {
  /** The 32 bytes of the device's public key, when the verifier has it from the device's owner. */
  readonly deviceKey?: Uint8Array | undefined;
  readonly algorithms?: SignatureAlgorithms;
  /** Whom the verifier believes about the time of outside anchors. */
  readonly anchorTrust?: AnchorTrust | undefined;
}

/** Verifies a bundle against a policy. Never throws for anything a bundle may hold. */
export function verifyProof(
  bundle: ProofBundle,
  policy: Policy,
  { deviceKey, algorithms = nobleAlgorithms, anchorTrust }: ProofOptions = {},
): ProofVerdict {
  const verdict = verifyBundle(bundle, policy, algorithms, anchorTrust);
  const placed = placedRecord(bundle.record);
  const opened = openedOf(placed, bundle.disclosure);
  const record = opened === undefined ? placed : opened.ok ? shownRecord(opened.value) : opened;
  const steps: ProofStep[] = [...verdict.steps, ...(opened === undefined ? [] : [disclosureStep(opened)])];
  const isSigned = record.ok && record.value.header.signature !== undefined;
  if (isSigned || deviceKey !== undefined || bundle.deviceKey !== undefined) {
    const registered = registeredKey(bundle, policy, record, algorithms);
    steps.push(signatureStep(record, deviceKey ?? keyOf(bundle.deviceKey), algorithms), deviceKeyStep(registered, deviceKey));
  }
  return { ...verdict, steps, ...(opened?.ok ? { opened: opened.value } : {}), ok: steps.every(({ ok }) => ok) };
}

/** What a confidential record shows; undefined for any other that has no disclosure. */
export function openedOf(
  record: Outcome<DecodedRecord>,
  disclosure: FieldDisclosure | undefined,
  sha?: Sha256,
): Outcome<OpenedRecord> | undefined {
  if (!record.ok || (disclosure === undefined && !isSalted(record.value.header))) return undefined;
  return openRecord(record.value, disclosure, sha);
}

/** The record with what is shown of it, for the signature: that is over the payload. */
export function shownRecord({ header, payload }: OpenedRecord): Outcome<DecodedRecord> {
  return payload === undefined ? refuse('PAYLOAD_HIDDEN', 'the payload is not disclosed') : accept({ header, payload });
}

export function disclosureStep(opened: Outcome<OpenedRecord>): ProofStep {
  if (!opened.ok) return step('disclosure', opened);
  const names = opened.value.fields.map(({ name }) => name);
  if (names.length === 0) return step('disclosure', accept('no field is shown; the content is hidden'));
  const shown = names.slice(0, NAMES_TOLD_MAX).join(', ') + (names.length > NAMES_TOLD_MAX ? ' …' : '');
  return step('disclosure', accept(`${names.length} fields are shown, all others stay hidden: ${shown}`));
}

/** The record, when its header names its place in texts: it comes from a file, and may hold anything. */
export function placedRecord(bytes: Uint8Array): Outcome<DecodedRecord> {
  const record = decodeRecord(bytes);
  if (!record.ok) return record;
  const { agency, dataset, producer } = record.value.header;
  const isPlaced = [agency, dataset, producer].every((name) => typeof name === 'string');
  return isPlaced ? record : refuse('RECORD_MALFORMED', 'agency, dataset and producer are not texts');
}

function step(name: ProofStepName, outcome: Outcome<string>): ProofStep {
  if (outcome.ok) return { step: name, ok: true, detail: outcome.value, hashes: {} };
  return { step: name, ok: false, code: outcome.code, detail: outcome.detail, hashes: {} };
}

/** Did this key sign the payload, for this agency, dataset and producer? */
export function signatureStep(record: Outcome<DecodedRecord>, key: Uint8Array | undefined, algorithms: SignatureAlgorithms): ProofStep {
  if (!record.ok) return step('signature', record);
  const { header, payload } = record.value;
  if (header.signature === undefined) return step('signature', refuse('SIGNATURE_MISSING', 'the record carries no signature of a device'));
  if (key === undefined) return step('signature', refuse('SIGNING_KEY_WRONG', 'the bundle brings no key; give that of the device'));
  if (!isDeviceSignature(header) || !verifyDeviceSignature(header, payload, key, algorithms))
    return step(
      'signature',
      refuse('SIGNATURE_INVALID', `not by the key of ${JSON.stringify(header.signature?.kid)} for ${placeOf(header)}`),
    );
  return step('signature', accept(`by key ${header.signature.kid} for ${placeOf(header)}`));
}

function isDeviceSignature({ signature }: RecordHeader): boolean {
  return typeof signature?.kid === 'string' && typeof signature.sig === 'string';
}

function placeOf({ agency, dataset, producer }: RecordHeader): string {
  return `${agency}/${dataset}/${producer}`;
}

/** Was the key on record for the device? @param given the key that the verifier brought */
export function deviceKeyStep(registered: Outcome<KeyRecord> | undefined, given: Uint8Array | undefined): ProofStep {
  if (registered === undefined) {
    if (given !== undefined) return step('deviceKey', accept('the key that you gave; the bundle does not say when it was put on record'));
    return step('deviceKey', refuse('SIGNING_KEY_WRONG', 'the bundle does not prove whose key it is'));
  }
  if (!registered.ok) return step('deviceKey', registered);
  const { kid, producer, person = producer, publicKey, validFrom, validTo } = registered.value;
  const onRecord = decodePublicKey(publicKey);
  if (given !== undefined && onRecord?.some((byte, at) => byte !== given[at]) !== false)
    return step('deviceKey', refuse('SIGNING_KEY_WRONG', `the key on record as ${kid} is not the one that you gave`));
  const until = validTo === undefined ? '' : ` to ${new Date(validTo).toISOString()}`;
  return step('deviceKey', accept(`key ${kid} of ${person}, valid from ${new Date(validFrom).toISOString()}${until}`));
}

/** What the bundle's key record says, if it is proven and is that of this record's device at that time. */
function registeredKey(
  bundle: ProofBundle,
  policy: Policy,
  record: Outcome<DecodedRecord>,
  algorithms: SignatureAlgorithms,
): Outcome<KeyRecord> | undefined {
  const { deviceKey, checkpoint } = bundle;
  if (deviceKey === undefined) return undefined;
  const broken = verifyBundle({ ...deviceKey, checkpoint }, policy, algorithms).steps.find(({ ok }) => !ok);
  if (broken !== undefined) return refuse(broken.code ?? 'PROOF_MISMATCH', `record of the key: ${broken.step}: ${broken.detail}`);
  if (!record.ok) return record;
  return keyForRecord(deviceKey, { ...record.value, position: bundle.position });
}

/**
 * The key that a proven record puts on record, if it is the one that this reading was signed with.
 * @returns SIGNING_KEY_WRONG
 */
export function keyForRecord(
  proven: Pick<ProvenRecord, 'record' | 'position'>,
  { header, payload, position }: DecodedRecord & { readonly position: number },
): Outcome<KeyRecord> {
  const key = keyRecordOf(proven);
  if (key === undefined) return refuse('SIGNING_KEY_WRONG', 'what is proven is no record of a key');
  const isOurs = key.producer === header.producer && key.agency === header.agency && key.kid === header.signature?.kid;
  if (!isOurs) return refuse('SIGNING_KEY_WRONG', `the key on record is ${key.kid} of ${key.agency}/${key.producer}`);
  if (!isSignersKey(key, header.dataset, payload))
    return refuse('SIGNING_KEY_WRONG', `key ${key.kid} is ${key.person === undefined ? 'a device’s' : `that of ${key.person}`}`);
  if (proven.position >= position) return refuse('SIGNING_KEY_WRONG', 'the key was put on record after the reading');
  if (!isValidAt({ ...key, id: key.kid }, header.receivedAt))
    return refuse('SIGNING_KEY_WRONG', `key ${key.kid} was not valid when the reading came in`);
  return accept(key);
}

function keyOf(proven: ProvenRecord | undefined): Uint8Array | undefined {
  const key = proven === undefined ? undefined : keyRecordOf(proven);
  return key === undefined ? undefined : decodePublicKey(key.publicKey);
}

/** What a record of the control dataset of keys says; undefined when it is none. */
export function keyRecordOf({ record }: Pick<ProvenRecord, 'record'>): KeyRecord | undefined {
  const decoded = decodeRecord(record);
  if (!decoded.ok || decoded.value.header.dataset !== KEYS_DATASET || decoded.value.header.door !== 'internal') return undefined;
  try {
    const key = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decoded.value.payload)) as Partial<KeyRecord> | null;
    const { type, publicKey, validFrom, validTo = validFrom } = key ?? {};
    if (type !== 'key' || typeof publicKey !== 'string' || !isTime(validFrom) || !isTime(validTo)) return undefined;
    return key as KeyRecord;
  } catch {
    return undefined;
  }
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= TIME_MAX_MS;
}

/** A device's public key as a file has it: 32 bytes in base64url, or SPKI in PEM (RFC 8410); undefined when it is neither. */
export function parseDeviceKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  const pem = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(trimmed)?.[1];
  if (pem === undefined) return decodePublicKey(trimmed);
  const der = decodeBase64(pem.replace(/\s/g, ''));
  // SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING of 32 bytes }: twelve bytes that are always the same.
  const prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
  if (der?.length !== prefix.length + 32 || prefix.some((byte, at) => der[at] !== byte)) return undefined;
  return der.subarray(prefix.length);
}
