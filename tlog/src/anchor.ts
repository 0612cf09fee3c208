/**
 * Outside anchors: what others, who know nothing of the log, hold of one of its checkpoints. Anchored is the SHA-256 of
 * the checkpoint's body. In a proof file an anchor stands as
 *
 *   {"sink": "tsa", "kind": "rfc3161", "checkpoint": "<body>", "path": [<base64>…], "receipt": <base64>}
 *
 * `path` is the consistency proof between the anchored checkpoint and that of the file, whichever is the smaller: so what
 * is proven under the file's checkpoint is under the anchored one too.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeBase64 } from './base64.ts';
import { fieldsOf, toBytes, toHashes, toList, wrong } from './bundle-fields.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from './consistency.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import type { VerifyCertifiedSignature } from './time-stamp/signature-scheme.ts';
import { TIME_STAMP_MAX_BYTES, verifyTimeStamp } from './time-stamp/verify-time-stamp.ts';
import { type Fault, fail, pass, type TlogCode, type Verdict } from './verdict.ts';
import { CONSISTENCY_PROOF_MAX_HASHES } from './witness-request.ts';

/** A time stamp, a commit in a git repository, a line in a file. */
export const ANCHOR_KINDS = ['rfc3161', 'git', 'file'] as const;
export type AnchorKind = (typeof ANCHOR_KINDS)[number];

/** Name of a sink: part of a path. */
export const SINK_NAME = /^[a-z][a-z0-9-]{0,31}$/;
/** Sinks that one file brings receipts of. */
export const ANCHORS_MAX = 16;
const CHECKPOINT_BODY_MAX_CHARACTERS = 1000;

/** A receipt with what it is for, as the ledger hands it out to go into a proof. */
export interface CoveringAnchor {
  readonly sink: string;
  readonly kind: AnchorKind;
  readonly size: number;
  /** Body of the anchored checkpoint. */
  readonly checkpoint: string;
  /** Base64. */
  readonly receipt: string;
}

export interface Anchor {
  /** As the log's operator calls it. */
  readonly sink: string;
  readonly kind: AnchorKind;
  /** Body of the anchored checkpoint. */
  readonly checkpoint: string;
  /** Consistency proof between it and the checkpoint of the file. */
  readonly path: readonly Uint8Array[];
  /** rfc3161: the token, DER. git and file: canonical JSON that says where to look. */
  readonly receipt: Uint8Array;
}

/** Whom the verifier believes about time. */
export interface AnchorTrust {
  /** DER of the root certificates of time-stamping authorities; none: no time is believed. */
  readonly tsaRoots?: readonly Uint8Array[];
  /** Default: what noble knows, ECDSA. */
  readonly verifySignature?: VerifyCertifiedSignature;
}

export interface AnchorVerdict {
  readonly sink: string;
  readonly kind: AnchorKind;
  /** `unchecked`: nothing is wrong, but the verifier could not check all of it; `detail` says what. */
  readonly state: 'verified' | 'unchecked' | 'failed';
  /** Tree size that was anchored; null when that cannot be read. */
  readonly size: number | null;
  /** Epoch ms: by then it existed; only where the state is `verified`. */
  readonly time?: number;
  /** Who says so. */
  readonly authority?: string;
  readonly code?: TlogCode;
  readonly detail: string;
}

/** The hash that is anchored. */
export function anchorImprint(body: string, sha: Sha256 = nobleSha256): Uint8Array {
  const imprint = new Uint8Array(HASH_BYTES);
  sha.into(imprint, 0, new TextEncoder().encode(body));
  return imprint;
}

/** To be called inside readBundleFields. */
export function toAnchors(json: unknown, field: string): readonly Anchor[] {
  return toList(json, field, 1, ANCHORS_MAX).map((item, at) => {
    const name = `${field}[${at}]`;
    const { sink, kind, checkpoint, path, receipt } = fieldsOf(item, name, ['sink', 'kind', 'checkpoint', 'path', 'receipt']);
    if (typeof sink !== 'string' || !SINK_NAME.test(sink)) throw wrong(`${name}.sink`, 'no name of a sink');
    const known = ANCHOR_KINDS.find((one) => one === kind);
    if (known === undefined) throw wrong(`${name}.kind`, `not one of ${ANCHOR_KINDS.join(', ')}`);
    if (typeof checkpoint !== 'string' || checkpoint.length > CHECKPOINT_BODY_MAX_CHARACTERS)
      throw wrong(`${name}.checkpoint`, 'no body of a checkpoint');
    const bytes = toBytes(receipt, `${name}.receipt`);
    if (bytes.length > TIME_STAMP_MAX_BYTES) throw wrong(`${name}.receipt`, `more than ${TIME_STAMP_MAX_BYTES} bytes`);
    return { sink, kind: known, checkpoint, path: toHashes(path, `${name}.path`, CONSISTENCY_PROOF_MAX_HASHES), receipt: bytes };
  });
}

export function anchorJson({ sink, kind, checkpoint, path, receipt }: Anchor): object {
  return { sink, kind, checkpoint, path: path.map(encodeBase64), receipt: encodeBase64(receipt) };
}

/**
 * Verifies the anchors of a file.
 * @param checkpoint that of the file; worth what its own checks say
 * @param lastIndex of the entries that the file proves
 */
export function verifyAnchors(
  anchors: readonly Anchor[],
  checkpoint: Verdict<Checkpoint>,
  lastIndex: number,
  trust: AnchorTrust = {},
): AnchorVerdict[] {
  return anchors.map((anchor) => verifyAnchor(anchor, checkpoint, lastIndex, trust));
}

function verifyAnchor(anchor: Anchor, checkpoint: Verdict<Checkpoint>, lastIndex: number, trust: AnchorTrust): AnchorVerdict {
  const { sink, kind } = anchor;
  const anchored = parseCheckpoint(anchor.checkpoint);
  const of = { sink, kind, size: anchored.ok ? anchored.value.size : null };
  const failed = ({ code, detail }: Fault): AnchorVerdict => ({ ...of, state: 'failed', code, detail });
  if (!anchored.ok) return failed(anchored);
  if (!checkpoint.ok) return failed(checkpoint);
  const same = faultOfHistory(anchored.value, checkpoint.value, lastIndex, anchor.path);
  if (same !== null) return failed(same);
  const imprint = anchorImprint(anchor.checkpoint);
  if (kind !== 'rfc3161') {
    const place = readPlace(anchor.receipt, anchored.value.size, imprint);
    return place.ok ? { ...of, state: 'unchecked', detail: `look it up: ${place.value}` } : failed(place);
  }
  const { tsaRoots: roots = [], ...verifier } = trust;
  const stamp = verifyTimeStamp(anchor.receipt, { imprint, roots, ...verifier });
  if (!stamp.ok) return failed(stamp);
  const { time, authority, unchecked } = stamp.value;
  const says = `${authority} says: at ${new Date(time).toISOString()}`;
  if (unchecked !== null) return { ...of, state: 'unchecked', detail: `${says}; not checked: ${unchecked}` };
  return { ...of, state: 'verified', time, authority, detail: `tree of size ${of.size}; ${says}` };
}

/** Is what the file proves under the anchored checkpoint too? */
function faultOfHistory(anchored: Checkpoint, own: Checkpoint, lastIndex: number, path: readonly Uint8Array[]): Fault | null {
  if (anchored.origin !== own.origin) return fail('PROOF_MISMATCH', `anchored is a checkpoint of ${anchored.origin}`);
  if (lastIndex >= anchored.size) return fail('PROOF_MISMATCH', `entry ${lastIndex} is not under the anchored size ${anchored.size}`);
  const [older, newer] = anchored.size <= own.size ? [anchored, own] : [own, anchored];
  const proof = { oldSize: older.size, oldRoot: older.root, newSize: newer.size, newRoot: newer.root, path };
  const verdict = verifyConsistency(proof);
  return verdict.ok ? null : verdict;
}

/** A receipt that says where the checkpoint stands: it must be for this one. */
function readPlace(receipt: Uint8Array, size: number, imprint: Uint8Array): Verdict<string> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(receipt);
    const json = JSON.parse(text) as { readonly [key: string]: unknown } | null;
    if (json?.['size'] !== size || json['sha256'] !== bytesToHex(imprint)) {
      return fail('ANCHOR_RECEIPT_INVALID', 'the receipt is for another checkpoint');
    }
    return pass(text.trim());
  } catch {
    return fail('ANCHOR_RECEIPT_INVALID', 'the receipt is no JSON');
  }
}
