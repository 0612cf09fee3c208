/** What a proof says of trust beside its checkpoint: the policy that the deployment publishes, and what others hold of the log. */
import { AirtightError } from '@airtight/protocol';
import {
  ANCHORS_MAX,
  type Anchor,
  type CoveringAnchor,
  consistencyFromTiles,
  type ProofBundle,
  parsePolicy,
  policyFingerprint,
  type TileSource,
} from '@airtight/tlog';
import type { LedgerClient, LedgerInfo } from '../upstream/ledger-client.ts';
import { fromBase64 } from './answered-bytes.ts';

/**
 * @param lastIndex of the entries that are proven
 * @param size of the tree that the proof's checkpoint covers
 * @returns fingerprint of the policy, and of each sink the earliest receipt that covers all of the proof
 * @throws AirtightError SERVICE_UNAVAILABLE
 */
export async function trustMembers(
  lastIndex: number,
  size: number,
  info: LedgerInfo,
  ledger: Pick<LedgerClient, 'file' | 'anchorsCovering'>,
): Promise<Pick<ProofBundle, 'policy' | 'anchors'>> {
  const policy = parsePolicy(info.policy);
  if (!policy.ok) throw new AirtightError('SERVICE_UNAVAILABLE', `the ledger answered no policy: ${policy.detail}`);
  const source: TileSource = { read: async (path) => (await ledger.file(path)).bytes };
  const covering = (await ledger.anchorsCovering(lastIndex + 1)).slice(0, ANCHORS_MAX);
  const anchors = await Promise.all(covering.map((anchor) => withPath(anchor, size, source)));
  return { policy: policyFingerprint(policy.value), ...(anchors.length === 0 ? {} : { anchors }) };
}

/** With the proof that both checkpoints are of one history. */
async function withPath(
  { sink, kind, size: anchored, checkpoint, receipt }: CoveringAnchor,
  size: number,
  source: TileSource,
): Promise<Anchor> {
  const path = anchored === size ? [] : await consistencyFromTiles(source, Math.min(anchored, size), Math.max(anchored, size));
  return { sink, kind, checkpoint, path, receipt: fromBase64(receipt) };
}
