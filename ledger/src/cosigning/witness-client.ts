/** One witness as its client sees it: brings it a checkpoint, with the proof that it asks for (c2sp.org/tlog-witness). */
import {
  consistencyFromTiles,
  formatAddCheckpoint,
  formatSignatureLine,
  monitoringPath,
  type NoteSignature,
  openNote,
  parseCosignatureLines,
  parseDecimal,
  type TileSource,
  TREE_SIZE_MEDIA_TYPE,
  type Vkey,
} from '@airtight/tlog';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { type Answer, boundedFetch } from './bounded-fetch.ts';

/** A first try tells the size that the witness has, the second one proves; a third when another request came between. */
const TRIES_MAX = 3;
/** Of what a witness says about its refusal. */
const REASON_MAX_LENGTH = 300;

export interface CosigningTarget {
  readonly size: number;
  /** With the log's signatures alone. */
  readonly note: string;
}

export type CosigningOutcome =
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature; readonly timeS: number }
  /** The witness has cosigned a larger tree of this log. */
  | { readonly kind: 'ahead'; readonly size: number }
  /** 422: to the witness this checkpoint does not continue what it has cosigned. */
  | { readonly kind: 'contradicted'; readonly detail: string }
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string };

export class WitnessClient {
  readonly #url: string;
  readonly #vkey: Vkey;
  readonly #tiles: TileSource;
  readonly #signal: AbortSignal;
  /** Size that the witness has cosigned last, as far as known. */
  #cosignedSize = 0;

  /** @param url submission prefix of the witness */
  constructor(url: string, vkey: Vkey, tiles: TileSource, signal: AbortSignal) {
    this.#url = url.replace(/\/+$/, '');
    this.#vkey = vkey;
    this.#tiles = tiles;
    this.#signal = signal;
  }

  /** @throws when the witness does not answer, or not as the protocol says */
  async cosign(target: CosigningTarget): Promise<CosigningOutcome> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const oldSize = this.#cosignedSize;
      if (oldSize > target.size) return { kind: 'ahead', size: oldSize };
      const isProofEmpty = oldSize === 0 || oldSize === target.size;
      const path = isProofEmpty ? [] : await consistencyFromTiles(this.#tiles, oldSize, target.size, nodeSha256);
      const body = formatAddCheckpoint({ oldSize, path, note: target.note });
      const answer = await boundedFetch(`${this.#url}/add-checkpoint`, this.#signal, body);
      if (answer.status === 200) return this.#readCosignature(answer, target);
      const size = answer.status === 409 ? sizeOf(answer) : null;
      if (size === null) return refusal(answer);
      this.#cosignedSize = size;
    }
    throw new Error(`the witness answered 409 ${TRIES_MAX} times`);
  }

  /**
   * The checkpoint that the witness has cosigned last, from its monitoring path, where that is served under the same
   * prefix; null when it is not.
   */
  async latest(origin: string): Promise<string | null> {
    const answer = await boundedFetch(`${this.#url}/${monitoringPath(origin)}`, this.#signal).catch(() => null);
    return answer?.status === 200 ? Buffer.from(answer.bytes).toString() : null;
  }

  #readCosignature({ bytes }: Answer, { size, note }: CosigningTarget): CosigningOutcome {
    const lines = parseCosignatureLines(Buffer.from(bytes).toString());
    if (!lines.ok) throw new Error(lines.detail);
    const signature = lines.value.find(({ name, keyId }) => name === this.#vkey.name && keyId === this.#vkey.keyId);
    if (signature === undefined) throw new Error('the answer has no cosignature of the key that the policy names');
    const opened = openNote(Buffer.from(note + formatSignatureLine(signature)), [this.#vkey], nodeAlgorithms);
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.detail}`);
    this.#cosignedSize = size;
    return { kind: 'cosigned', signature, timeS: opened.value.verified[0]?.time ?? 0 };
  }
}

function sizeOf({ contentType, bytes }: Answer): number | null {
  const text = Buffer.from(bytes).toString();
  return contentType.startsWith(TREE_SIZE_MEDIA_TYPE) && text.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : null;
}

function refusal({ status, bytes }: Answer): CosigningOutcome {
  const detail = `${status}: ${reasonIn(Buffer.from(bytes).toString()).slice(0, REASON_MAX_LENGTH)}`;
  return status === 422 ? { kind: 'contradicted', detail } : { kind: 'refused', status, detail };
}

/** Witnesses of ours answer with problem documents; the specification leaves the body of a refusal open. */
function reasonIn(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { readonly detail?: unknown };
    return typeof detail === 'string' ? detail : body;
  } catch {
    return body;
  }
}
