/**
 * Evidence that a log has two histories. Two checkpoints that it signed contradict each other when they have one size and
 * two roots, or when the larger one, by a consistency proof that holds, begins with another tree than the smaller one
 * names. Whoever has the log's key can check this; nobody but the log could have made it.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { verifyConsistency } from './consistency.ts';
import { nobleSha256, type Sha256 } from './sha256.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { openCheckpoint } from './trusted-checkpoint.ts';
import { fail, pass, type Verdict } from './verdict.ts';
import type { Vkey } from './vkey.ts';

export interface ForkEvidence {
  /** Signed checkpoint that was cosigned, or seen, first. */
  readonly held: Uint8Array;
  /** Signed checkpoint of the same log and of the same or a larger size. */
  readonly offered: Uint8Array;
  /** Consistency proof from `otherRoot` at the held size to the offered checkpoint; empty when the sizes are equal. */
  readonly path: readonly Uint8Array[];
  /** Root that the offered tree has at the held size, when it is known. */
  readonly otherRoot?: Uint8Array;
}

/** Such evidence as a file, as a witness or a browser keeps it (docs/reference/witness.md). */
export interface ForkEvidenceFile {
  readonly v: 1;
  /** Hex SHA-256 over both checkpoint texts: the same contradiction is kept once. */
  readonly id: string;
  readonly origin: string;
  readonly witness: string;
  /** How the checkpoints contradict each other; null when the file does not prove that it was the log's doing. */
  readonly proven: ForkKind | null;
  /** RFC 3339, of the first time. */
  readonly seenAt: string;
  readonly heldSize: number;
  readonly offeredSize: number;
  readonly held: string;
  readonly offered: string;
  /** Base64. */
  readonly path: readonly string[];
  readonly otherRoot: string | null;
  readonly detail: string;
  /** Hex SHA-256 over the JSON text, without spaces, of everything before. */
  readonly digest: string;
}

/** `same-size`: one size, two roots. `other-history`: the larger tree does not begin with the smaller one. */
export type ForkKind = 'same-size' | 'other-history';

/**
 * Judges evidence from nothing but itself and the log's keys.
 * @returns how the two checkpoints contradict each other; PROOF_MISMATCH when they do not, or when it is not shown;
 *   NOTE_MALFORMED, CHECKPOINT_INVALID, NOTE_SIGNATURE_INVALID, NOTE_UNSIGNED when one of them is not the log's
 */
export function judgeFork(
  evidence: ForkEvidence,
  logs: readonly Vkey[],
  algorithms: SignatureAlgorithms = nobleAlgorithms,
  sha: Sha256 = nobleSha256,
): Verdict<ForkKind> {
  const held = openCheckpoint(evidence.held, logs, algorithms);
  if (!held.ok) return held;
  const offered = openCheckpoint(evidence.offered, logs, algorithms);
  if (!offered.ok) return offered;
  const { origin, size: oldSize, root: heldRoot } = held.value;
  const { size: newSize, root: newRoot } = offered.value;
  if (offered.value.origin !== origin) return fail('PROOF_MISMATCH', `two logs: ${origin} and ${offered.value.origin}`);
  if (oldSize === newSize) {
    return equalBytes(heldRoot, newRoot) ? fail('PROOF_MISMATCH', `both have one root at size ${oldSize}`) : pass('same-size');
  }
  const oldRoot = evidence.otherRoot;
  if (oldRoot === undefined) return fail('PROOF_MISMATCH', `which root the offered tree has at size ${oldSize} is not known`);
  const proof = verifyConsistency({ oldSize, oldRoot, newSize, newRoot, path: evidence.path }, sha);
  if (!proof.ok) return fail('PROOF_MISMATCH', proof.detail);
  return equalBytes(oldRoot, heldRoot) ? fail('PROOF_MISMATCH', 'the offered tree begins with the held one') : pass('other-history');
}
