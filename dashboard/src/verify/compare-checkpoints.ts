/**
 * Holds a checkpoint against one that this browser saw before: does the ledger begin with what it was then? The proof is
 * made here from the ledger's tiles and is worth what it says between the two signed roots. Loaded when first needed.
 */
import { sha256Hex } from '@airtight/protocol';
import {
  consistencyFromTiles,
  decodeBase64,
  encodeBase64,
  type ForkEvidenceFile,
  judgeFork,
  oldRootFromTiles,
  openCheckpoint,
  parseVkey,
  type TileSource,
  type Vkey,
  verifyConsistency,
} from '@airtight/tlog';
import type { RememberedCheckpoint } from './remembered-checkpoint.ts';

/** The server did not answer: nothing is said about the ledger. */
export class Unreachable extends Error {}

export type Comparison =
  | { readonly kind: 'first' | 'same' | 'grown' | 'earlier'; readonly now: RememberedCheckpoint }
  /** Not signed by a key that is trusted. */
  | { readonly kind: 'untrusted'; readonly detail: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'conflict'; readonly conflict: ForkEvidenceFile };

export interface Offered {
  readonly note: string;
  /** Epoch ms. */
  readonly seenAt: number;
  /** Proofs stand under a checkpoint that many witnesses signed, which need not be the newest. */
  readonly mayBeEarlier: boolean;
}

/**
 * @param heldOf what this browser holds of a ledger
 * @param vkeys verifier keys that this browser trusts, as texts
 */
export async function compareCheckpoints(
  heldOf: (origin: string) => RememberedCheckpoint | undefined,
  { note, seenAt, mayBeEarlier }: Offered,
  vkeys: readonly string[],
  tiles: TileSource,
): Promise<Comparison> {
  const opened = openCheckpoint(new TextEncoder().encode(note), keysOf(vkeys));
  if (!opened.ok) return { kind: 'untrusted', detail: `${opened.code}: ${opened.detail}` };
  const { origin, size, root } = opened.value;
  // Everything begins with the empty tree: there is nothing to hold on to yet.
  if (size === 0 && heldOf(origin) === undefined) return { kind: 'unreachable' };
  const now: RememberedCheckpoint = { origin, size, root: encodeBase64(root), note, seenAt };
  const held = heldOf(origin);
  if (held === undefined) return { kind: 'first', now };
  if (held.size === size && held.root === now.root) return { kind: 'same', now };
  if (size < held.size && !mayBeEarlier)
    return conflictOf(held, now, vkeys, { detail: `the ledger went back from ${held.size} to ${size} entries` });
  try {
    return await prove(held, now, vkeys, tiles);
  } catch (error) {
    if (error instanceof Unreachable) return { kind: 'unreachable' };
    return conflictOf(held, now, vkeys, { detail: error instanceof Error ? error.message : String(error) });
  }
}

/** True when the checkpoint carries a valid signature of this key too: the two keys overlap. */
export function isSignedBy(note: string, vkey: string): boolean {
  return openCheckpoint(new TextEncoder().encode(note), keysOf([vkey])).ok;
}

async function prove(
  held: RememberedCheckpoint,
  now: RememberedCheckpoint,
  vkeys: readonly string[],
  tiles: TileSource,
): Promise<Comparison> {
  if (held.size === now.size) return conflictOf(held, now, vkeys, { detail: 'one size, two roots' });
  const [small, large] = held.size < now.size ? [held, now] : [now, held];
  const path = await consistencyFromTiles(tiles, small.size, large.size);
  const proof = { oldSize: small.size, newSize: large.size, newRoot: rootOf(large), path };
  if (verifyConsistency({ ...proof, oldRoot: rootOf(small) }).ok) return { kind: small === held ? 'grown' : 'earlier', now };
  // Which tree the larger one begins with instead: with that the two checkpoints convict the log before anybody.
  const otherRoot = await oldRootFromTiles(tiles, small.size, large.size);
  return conflictOf(held, now, vkeys, { path, otherRoot, detail: 'the later tree does not begin with the earlier one' });
}

/** The checkpoint without its signatures. */
const textOf = (note: string): string => note.slice(0, note.lastIndexOf('\n\n') + 1);
const rootOf = ({ root }: RememberedCheckpoint): Uint8Array => decodeBase64(root) ?? new Uint8Array(0);

function keysOf(vkeys: readonly string[]): Vkey[] {
  return vkeys.flatMap((text) => {
    const vkey = parseVkey(text);
    return vkey.ok ? [vkey.value] : [];
  });
}

interface Finding {
  readonly path?: readonly Uint8Array[];
  readonly otherRoot?: Uint8Array;
  readonly detail: string;
}

/** The two checkpoints by their sizes, in the form in which witnesses keep evidence. */
function conflictOf(
  held: RememberedCheckpoint,
  now: RememberedCheckpoint,
  vkeys: readonly string[],
  { path = [], otherRoot, detail }: Finding,
): Comparison {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const [first, second] = held.size <= now.size ? [held, now] : [now, held];
  const judged = judgeFork(
    { held: bytes(first.note), offered: bytes(second.note), path, ...(otherRoot === undefined ? {} : { otherRoot }) },
    keysOf(vkeys),
  );
  const evidence: Omit<ForkEvidenceFile, 'digest'> = {
    v: 1,
    id: sha256Hex(bytes(`${textOf(first.note)}\n${textOf(second.note)}`)),
    origin: held.origin,
    witness: 'browser',
    proven: judged.ok ? judged.value : null,
    seenAt: new Date(now.seenAt).toISOString(),
    heldSize: first.size,
    offeredSize: second.size,
    held: first.note,
    offered: second.note,
    path: path.map(encodeBase64),
    otherRoot: otherRoot === undefined ? null : encodeBase64(otherRoot),
    detail,
  };
  return { kind: 'conflict', conflict: { ...evidence, digest: sha256Hex(bytes(JSON.stringify(evidence))) } };
}
