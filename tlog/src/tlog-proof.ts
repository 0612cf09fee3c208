/** Proof files `*.tlog-proof`, c2sp.org/tlog-proof: an entry is in a log, in a form that others' tools read. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type Checkpoint, parseDecimal } from './checkpoint.ts';
import { verifyInclusion } from './inclusion.ts';
import type { Policy } from './policy.ts';
import { HASH_BYTES } from './sha256.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { type Cosigner, openCheckpoint, verifyQuorum } from './trusted-checkpoint.ts';
import { fail, pass, type Verdict } from './verdict.ts';

/** A path in a tree of at most 2^63 leaves. */
export const PATH_MAX_HASHES = 63;
const FIRST_LINE = 'c2sp.org/tlog-proof@v1';

export interface TlogProof {
  /** Opaque, and not covered by anything: never to be trusted. */
  readonly extra?: Uint8Array;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
}

/** @returns PROOF_MALFORMED naming the line that is wrong */
export function parseTlogProof(text: string): Verdict<TlogProof> {
  const headerEnd = text.indexOf('\n\n');
  if (headerEnd < 0) return fail('PROOF_MALFORMED', 'no empty line before the checkpoint');
  const [first, ...lines] = text.slice(0, headerEnd).split('\n');
  if (first !== FIRST_LINE) return fail('PROOF_MALFORMED', `line 1 is not ${FIRST_LINE}`);
  const extraLine = lines[0]?.startsWith('extra ') ? lines.shift() : undefined;
  const extra = extraLine === undefined ? undefined : decodeBase64(extraLine.slice('extra '.length));
  if (extra === null) return fail('PROOF_MALFORMED', 'the extra line is not base64');
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : null;
  if (index === null) return fail('PROOF_MALFORMED', `no index line: ${indexLine.slice(0, 40)}`);
  if (lines.length > PATH_MAX_HASHES) return fail('PROOF_MALFORMED', `more than ${PATH_MAX_HASHES} hashes`);
  const path: Uint8Array[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) return fail('PROOF_MALFORMED', `not a hash: ${line.slice(0, 64)}`);
    path.push(hash);
  }
  const proof = { index, path, checkpoint: text.slice(headerEnd + 2) };
  return pass(extra === undefined ? proof : { ...proof, extra });
}

export function formatTlogProof({ extra, index, path, checkpoint }: TlogProof): string {
  const lines = [FIRST_LINE, ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]), `index ${index}`, ...path.map(encodeBase64)];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Checks that the entry with this leaf hash is in a log that the policy knows, and that its quorum of witnesses saw it.
 * @returns the checkpoint it is in and its cosigners; or the first check that failed
 */
export function verifyTlogProof(
  proof: TlogProof,
  leafHash: Uint8Array,
  policy: Policy,
  algorithms: SignatureAlgorithms = nobleAlgorithms,
): Verdict<{ readonly checkpoint: Checkpoint; readonly cosigners: readonly Cosigner[] }> {
  const note = new TextEncoder().encode(proof.checkpoint);
  const logs = policy.logs.map(({ vkey }) => vkey);
  const checkpoint = openCheckpoint(note, logs, algorithms);
  if (!checkpoint.ok) return checkpoint;
  const cosigners = verifyQuorum(note, policy, algorithms);
  if (!cosigners.ok) return cosigners;
  const { size, root } = checkpoint.value;
  const inclusion = verifyInclusion({ index: proof.index, size, leafHash, root, path: proof.path });
  return inclusion.ok ? pass({ checkpoint: checkpoint.value, cosigners: cosigners.value }) : inclusion;
}
