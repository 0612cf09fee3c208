/**
 * Verification of a proof set with what only this product knows of it: to the steps of `verifyProofSet` a signed record
 * adds `signature` and `deviceKey`, as verifyProof does. The records of the keys are in the set, and must be proven too.
 */
import {
  type AnchorTrust,
  type BundleStep,
  type FieldDisclosure,
  nobleAlgorithms,
  nobleSha256,
  type Policy,
  type ProofSet,
  type ProofSetVerdict,
  type SetRecordVerdict,
  type Sha256,
  type SignatureAlgorithms,
  verifyProofSet,
} from '@airtight/tlog';
import type { Code } from '../codes.ts';
import { KEYS_DATASET, type KeyRecord } from '../control.ts';
import { decodePublicKey } from '../identity/device-signature.ts';
import { CONTROL_PREFIX } from '../interfaces/topic.ts';
import { type Outcome, refuse } from '../outcome.ts';
import type { DecodedRecord } from '../records/record.ts';
import {
  deviceKeyStep,
  disclosureStep,
  keyForRecord,
  keyRecordOf,
  openedOf,
  type ProofStep,
  type ProofStepName,
  placedRecord,
  shownRecord,
  signatureStep,
} from './verify-proof.ts';

export interface ProofFault {
  readonly step: ProofStepName;
  readonly code: Code;
  readonly detail: string;
}

export interface CheckedRecord {
  readonly position: number;
  readonly record: Uint8Array;
  /** What is shown of a record of a confidential dataset; held against it in the step `disclosure`. */
  readonly disclosure?: FieldDisclosure;
  /** In the order of the steps; empty: the record is proven. */
  readonly faults: readonly ProofFault[];
}

export interface ProofsVerdict extends Omit<ProofSetVerdict, 'records'> {
  /** One for each record of the set, in its order: readings, and the definitions, births and keys that they need. */
  readonly records: readonly CheckedRecord[];
  /** How many of the records carry their device's signature. */
  readonly signed: number;
}

export interface ProofsOptions {
  /** The 32 bytes of the device's public key, when the verifier has it from the device's owner: every reading must be signed. */
  readonly deviceKey?: Uint8Array | undefined;
  readonly algorithms?: SignatureAlgorithms;
  readonly sha?: Sha256;
  /** Whom the verifier believes about the time of outside anchors. */
  readonly anchorTrust?: AnchorTrust | undefined;
}

/** Verifies a set against a policy. Never throws for anything a set may hold. */
export function verifyProofs(
  set: ProofSet,
  policy: Policy,
  { deviceKey, algorithms = nobleAlgorithms, sha = nobleSha256, anchorTrust }: ProofsOptions = {},
): ProofsVerdict {
  const verdict = verifyProofSet(set, policy, algorithms, sha, anchorTrust);
  const decoded = verdict.records.map(({ record }) => placedRecord(record));
  const keys = verdict.records.filter((_, at) => datasetOf(decoded[at]) === KEYS_DATASET);
  let signed = 0;
  const records = verdict.records.map((read, at): CheckedRecord => {
    const placed = decoded[at] as Outcome<DecodedRecord>;
    const opened = openedOf(placed, read.disclosure, sha);
    const record = opened?.ok ? shownRecord(opened.value) : placed;
    const one = opened === undefined || opened.ok ? read : { ...read, faults: [...read.faults, ...toFault(disclosureStep(opened))] };
    const isSigned = record.ok && record.value.header.signature !== undefined;
    if (isSigned) signed++;
    const isReading = datasetOf(placed)?.startsWith(CONTROL_PREFIX) !== true;
    if (!isSigned && (deviceKey === undefined || !isReading)) return one;
    const registered = record.ok ? registeredKey(record.value, one.position, keys) : undefined;
    const key = deviceKey ?? (registered?.ok ? decodePublicKey(registered.value.publicKey) : undefined);
    const steps = [signatureStep(record, key, algorithms), deviceKeyStep(registered, deviceKey)];
    return { ...one, faults: [...one.faults, ...steps.flatMap(toFault)] };
  });
  return { ...verdict, records, signed, ok: verdict.ok && records.every(({ faults }) => faults.length === 0) };
}

function datasetOf(record: Outcome<DecodedRecord> | undefined): string | undefined {
  return record?.ok ? record.value.header.dataset : undefined;
}

/** @param step a step of all records or of one */
export function toFault({ step, code, detail }: ProofStep | BundleStep): ProofFault[] {
  return code === undefined ? [] : [{ step, code, detail }];
}

/** The newest key on record under that name for that device before the reading, if its own record is proven. */
function registeredKey(
  { header, payload }: DecodedRecord,
  position: number,
  keys: readonly SetRecordVerdict[],
): Outcome<KeyRecord> | undefined {
  const { producer, agency, signature } = header;
  let newest: SetRecordVerdict | undefined;
  for (const candidate of keys) {
    const key = keyRecordOf(candidate);
    const isOurs = key?.kid === signature?.kid && key?.producer === producer && key?.agency === agency;
    if (isOurs && candidate.position < position && candidate.position > (newest?.position ?? -1)) newest = candidate;
  }
  if (newest === undefined) return undefined;
  const [fault] = newest.faults;
  if (fault !== undefined) return refuse(fault.code, `record of the key: ${fault.step}: ${fault.detail}`);
  return keyForRecord(newest, { header, payload, position });
}
