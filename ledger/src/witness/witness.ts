/**
 * The witness, c2sp.org/tlog-witness: cosigns a log's checkpoint when it continues the one that it cosigned before, and
 * only then. For one log one request at a time: check, persist and answer are one step, so that requests that come
 * together cannot take a log back to a smaller size.
 */
import {
  type AddCheckpoint,
  type Checkpoint,
  decodeBase64,
  EMPTY_ROOT,
  formatNote,
  formatSignatureLine,
  type OpenedNote,
  openNote,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  verifyConsistency,
} from '@airtight/tlog';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { type CosignedCheckpoint, type CosignedCheckpoints, cosignedCheckpoint } from './cosigned-checkpoints.ts';
import type { Contradiction } from './evidence.ts';
import type { KnownLog, KnownLogs } from './known-logs.ts';
import { type RateLimit, TokenBucket } from './token-bucket.ts';
import type { WitnessKey } from './witness-key.ts';

/** Three lines of text take some hundred bytes; extension lines are legal, though nobody needs them. */
const CHECKPOINT_TEXT_MAX_BYTES = 8 * 1024;
/** Requests of one log that wait; a log has one outstanding, and some may be repeats. */
const WAITING_MAX = 64;
/** New cosignatures of one log: each costs a durable write. A log publishes once a second. */
const COSIGNATURES_PER_LOG: RateLimit = { perSecond: 20, burst: 100 };
/** Signatures that are checked for all logs together: a tenth of what one core can do. */
const VERIFICATIONS: RateLimit = { perSecond: 500, burst: 1000 };

export type WitnessAnswer =
  /** Signature lines. */
  | { readonly status: 200; readonly cosignatures: string }
  /** Size of the latest cosigned checkpoint. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422 | 429 | 503; readonly detail: string };

export interface WitnessOptions {
  readonly key: WitnessKey;
  readonly logs: KnownLogs;
  readonly cosigned: CosignedCheckpoints;
  /** Wall clock, epoch ms. */
  readonly nowMs: () => number;
  /** A clock that does not go back, ms. */
  readonly monotonicMs: () => number;
  /** Resolves when the evidence is kept, or cannot be; must not reject. */
  readonly onContradiction: (contradiction: Contradiction, log: KnownLog) => Promise<void>;
  /** A checkpoint could not be made durable: the witness answers no more. */
  readonly onFailure: (error: unknown) => void;
}

/** A request whose signature is the log's. */
interface Offer {
  readonly log: KnownLog;
  readonly request: AddCheckpoint;
  readonly checkpoint: Checkpoint;
  readonly opened: OpenedNote;
}

interface Turn {
  last: Promise<unknown>;
  waiting: number;
  readonly bucket: TokenBucket;
}

export class Witness {
  readonly #options: WitnessOptions;
  readonly #turns = new Map<string, Turn>();
  readonly #verifications: TokenBucket;
  #failure: unknown;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#verifications = new TokenBucket(VERIFICATIONS, options.monotonicMs);
    for (const origin of options.logs.keys()) {
      const bucket = new TokenBucket(COSIGNATURES_PER_LOG, options.monotonicMs);
      this.#turns.set(origin, { last: Promise.resolve(), waiting: 0, bucket });
    }
  }

  get key(): WitnessKey {
    return this.#options.key;
  }

  get logs(): KnownLogs {
    return this.#options.logs;
  }

  latest(origin: string): CosignedCheckpoint | undefined {
    return this.#options.cosigned.latest(origin);
  }

  /** Answers an add-checkpoint request. @param body as it came */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    const offer = this.#read(body);
    if ('status' in offer) return offer;
    const turn = this.#turns.get(offer.log.origin) as Turn;
    if (turn.waiting >= WAITING_MAX) return { status: 429, detail: `${turn.waiting} requests of this log wait` };
    turn.waiting++;
    const answer = turn.last.then(() => this.#decide(offer, turn));
    turn.last = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      turn.waiting--;
    }
  }

  /** What can be said without the witness's memory. */
  #read(body: Uint8Array): Offer | Exclude<WitnessAnswer, { status: 200 | 409 }> {
    const request = parseAddCheckpoint(body);
    if (!request.ok) return { status: 400, detail: request.detail };
    const note = parseNote(request.value.note);
    if (!note.ok) return { status: 400, detail: note.detail };
    const { text, textBytes } = note.value;
    if (textBytes.length > CHECKPOINT_TEXT_MAX_BYTES) return { status: 400, detail: `a text of ${textBytes.length} bytes` };
    const origin = text.slice(0, text.indexOf('\n'));
    const log = this.#options.logs.get(origin);
    if (log === undefined) return { status: 404, detail: `the log ${JSON.stringify(origin.slice(0, 200))} is not known here` };
    if (!this.#verifications.take()) return { status: 429, detail: 'too many requests' };
    const opened = openNote(request.value.note, log.vkeys, nodeAlgorithms);
    if (!opened.ok) return { status: 403, detail: `${opened.code}: ${opened.detail}` };
    const checkpoint = parseCheckpoint(text);
    if (!checkpoint.ok) return { status: isEmptyTreeWithRoot(text) ? 422 : 400, detail: checkpoint.detail };
    const { oldSize } = request.value;
    const { size } = checkpoint.value;
    if (oldSize > size) return { status: 400, detail: `old size ${oldSize} is larger than the checkpoint's, ${size}` };
    return { log, request: request.value, checkpoint: checkpoint.value, opened: opened.value };
  }

  async #decide(offer: Offer, { bucket }: Turn): Promise<WitnessAnswer> {
    if (this.#failure !== undefined) return { status: 503, detail: 'the witness has failed' };
    const { log, request, checkpoint } = offer;
    const held = this.latest(log.origin);
    const heldSize = held?.size ?? 0;
    if (request.oldSize !== heldSize) return { status: 409, size: heldSize };
    const proof = { oldSize: heldSize, oldRoot: held?.root ?? EMPTY_ROOT, newSize: checkpoint.size, newRoot: checkpoint.root };
    const verdict = verifyConsistency({ ...proof, path: request.path }, nodeSha256);
    if (!verdict.ok) {
      await this.#keepContradiction(offer, held, verdict.detail);
      return { status: 422, detail: verdict.detail };
    }
    const timeS = Math.floor(this.#options.nowMs() / 1000);
    // The same text in the same second has the same cosignature.
    const isRepeat = held !== undefined && held.timeS === timeS && textOf(held.note) === offer.opened.text;
    if (isRepeat) return { status: 200, cosignatures: formatSignatureLine(held.cosignature) };
    if (!bucket.take()) return { status: 429, detail: 'too many checkpoints of this log' };
    return this.#cosign(offer, timeS);
  }

  async #cosign({ log, checkpoint, opened }: Offer, timeS: number): Promise<WitnessAnswer> {
    const { size, root } = checkpoint;
    const next = cosignedCheckpoint(
      this.#options.key,
      { size, root, text: opened.text, textBytes: opened.textBytes },
      logSignatures(opened),
      timeS,
    );
    try {
      await this.#options.cosigned.replace(log, next);
    } catch (error) {
      // Nothing was given out. With a full disk the next attempt may do; after anything else nothing is sure.
      if (isNoSpace(error)) return { status: 503, detail: 'the disk is full' };
      this.#failure = error;
      this.#options.onFailure(error);
      return { status: 503, detail: 'the cosigned checkpoint could not be stored' };
    }
    return { status: 200, cosignatures: formatSignatureLine(next.cosignature) };
  }

  /** A wrong proof between two trees that may well be consistent is a mistake of the sender, until shown otherwise. */
  async #keepContradiction(
    { log, request, checkpoint, opened }: Offer,
    held: CosignedCheckpoint | undefined,
    detail: string,
  ): Promise<void> {
    if (held === undefined) return;
    if (held.size === checkpoint.size && Buffer.from(held.root).equals(checkpoint.root)) return;
    const offered = formatNote(opened.text, logSignatures(opened));
    const witness = this.#options.key.vkey.name;
    await this.#options.onContradiction({ origin: log.origin, witness, held: held.note, offered, path: request.path, detail }, log);
  }
}

/** The empty tree has one root. A checkpoint that says otherwise is well-formed, but proves itself wrong. */
function isEmptyTreeWithRoot(text: string): boolean {
  const [, size, root = ''] = text.split('\n');
  return size === '0' && decodeBase64(root)?.length === EMPTY_ROOT.length;
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

/** The lines of the log's keys that were verified; others are nobody's here. */
function logSignatures({ signatures, verified }: OpenedNote) {
  return verified.flatMap(({ vkey }) => signatures.find(({ name, keyId }) => name === vkey.name && keyId === vkey.keyId) ?? []);
}

function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1);
}
