/** A signed checkpoint held against a policy: is it that of a known log, and who has cosigned it? */
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { isQuorumMet, type Policy } from './policy.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { openNote, parseNote } from './signed-note.ts';
import { fail, pass, type Verdict } from './verdict.ts';
import type { Vkey } from './vkey.ts';

export interface Cosigner {
  /** The witness's name in the policy. */
  readonly name: string;
  readonly vkey: Vkey;
  /** POSIX seconds of the cosignature. */
  readonly time: number;
}

/**
 * Reads the checkpoint of a note without looking at its signatures.
 * @returns NOTE_MALFORMED, CHECKPOINT_INVALID
 */
export function readCheckpoint(note: Uint8Array): Verdict<Checkpoint> {
  const parsed = parseNote(note);
  return parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
}

/**
 * Opens a checkpoint that must be signed by one of these log keys, under the key's own name as origin.
 * @returns the checkpoint; NOTE_MALFORMED, CHECKPOINT_INVALID, NOTE_SIGNATURE_INVALID, NOTE_UNSIGNED
 */
export function openCheckpoint(
  note: Uint8Array,
  logs: readonly Vkey[],
  algorithms: SignatureAlgorithms = nobleAlgorithms,
): Verdict<Checkpoint> {
  const checkpoint = readCheckpoint(note);
  if (!checkpoint.ok) return checkpoint;
  const { origin } = checkpoint.value;
  const own = logs.filter(({ name }) => name === origin);
  if (own.length === 0) return fail('NOTE_UNSIGNED', `the log ${origin} is not known`);
  const opened = openNote(note, own, algorithms);
  return opened.ok ? checkpoint : opened;
}

/**
 * The witnesses of the policy that have cosigned, whether or not they are enough.
 * @returns NOTE_MALFORMED; NOTE_SIGNATURE_INVALID when a cosignature of a known witness does not verify
 */
export function cosignersOf(note: Uint8Array, policy: Policy, algorithms: SignatureAlgorithms = nobleAlgorithms): Verdict<Cosigner[]> {
  const opened = openNote(
    note,
    policy.witnesses.map(({ vkey }) => vkey),
    algorithms,
  );
  if (!opened.ok) return opened.code === 'NOTE_UNSIGNED' ? pass([]) : opened;
  const cosigners: Cosigner[] = [];
  for (const { vkey, time } of opened.value.verified) {
    const witness = policy.witnesses.find((candidate) => candidate.vkey === vkey);
    if (witness !== undefined && time !== undefined) cosigners.push({ name: witness.name, vkey, time });
  }
  return pass(cosigners);
}

/**
 * The cosigners, when they fulfil the policy's quorum.
 * @returns as cosignersOf; QUORUM_NOT_MET
 */
export function verifyQuorum(note: Uint8Array, policy: Policy, algorithms: SignatureAlgorithms = nobleAlgorithms): Verdict<Cosigner[]> {
  const cosigners = cosignersOf(note, policy, algorithms);
  if (!cosigners.ok || isQuorumMet(policy, new Set(cosigners.value.map(({ name }) => name)))) return cosigners;
  const names = cosigners.value.map(({ name }) => name).join(', ') || 'nobody';
  return fail('QUORUM_NOT_MET', `cosigned by ${names}; the policy asks for ${policy.quorum}`);
}
