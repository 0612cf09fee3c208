/**
 * The answer of a check: the value it established, or why not. A check that fails is an expected answer, so it is a
 * value; exceptions are kept for broken tile sources and for wrong arguments of our own.
 */

/** Stable codes of failed checks; the product's list of codes holds their texts. */
export type TlogCode =
  | 'PROOF_MALFORMED'
  | 'PROOF_MISMATCH'
  | 'ENTRY_BUNDLE_MALFORMED'
  | 'NOTE_MALFORMED'
  | 'NOTE_SIGNATURE_INVALID'
  | 'NOTE_UNSIGNED'
  | 'VKEY_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'POLICY_INVALID'
  | 'QUORUM_NOT_MET'
  | 'RECORD_MALFORMED'
  | 'BATCH_MALFORMED'
  | 'BUNDLE_MALFORMED'
  | 'ANCHOR_RECEIPT_INVALID'
  | 'TIMESTAMP_MALFORMED'
  | 'TIMESTAMP_REFUSED'
  | 'TIMESTAMP_MISMATCH'
  | 'TIMESTAMP_SIGNATURE_INVALID'
  | 'TIMESTAMP_UNTRUSTED';

export interface Fault {
  readonly ok: false;
  readonly code: TlogCode;
  /** What exactly was wrong: names, numbers and hashes. */
  readonly detail: string;
}

export type Verdict<T> = { readonly ok: true; readonly value: T } | Fault;

/** Wraps an established value. */
export function pass<T>(value: T): Verdict<T> {
  return { ok: true, value };
}

/** A failed check with its stable code. */
export function fail(code: TlogCode, detail: string): Fault {
  return { ok: false, code, detail };
}
