/** Anchoring by time stamps (RFC 3161): over HTTP (§3.4), the token itself is the receipt. */
import { randomBytes } from 'node:crypto';
import {
  formatTimeStampRequest,
  NONCE_BYTES,
  readTimeStampReply,
  TIME_STAMP_MAX_BYTES,
  TIME_STAMP_QUERY_TYPE,
  TIME_STAMP_REPLY_TYPE,
  verifyTimeStamp,
} from '@airtight/tlog';
import type { AnchorSink, AnchorTarget, ReceiptReading, Submission } from './anchor-sink.ts';
import { nodeCertifiedSignature } from './certified-signature.ts';

/** An authority signs within milliseconds; some are far away and busy. */
const REQUEST_TIMEOUT_MS = 15_000;
/** A clock that differs more than this from ours would put the anchor at a time when nobody asked for it. */
const CLOCK_DIFFERENCE_MAX_MS = 10 * 60_000;

export interface TimeStampSinkOptions {
  readonly url: string;
  /** DER of the roots that are trusted; at least one. */
  readonly roots: readonly Uint8Array[];
  readonly intervalMs: number;
  readonly nowMs: () => number;
}

export class TimeStampSink implements AnchorSink {
  readonly id = 'tsa';
  readonly kind = 'rfc3161';
  readonly intervalMs: number;
  readonly #options: TimeStampSinkOptions;

  constructor(options: TimeStampSinkOptions) {
    this.intervalMs = options.intervalMs;
    this.#options = options;
  }

  /** A second stamp of the same checkpoint is as good as the first one. */
  async submit({ imprint }: AnchorTarget, signal: AbortSignal): Promise<Submission> {
    const nonce = newNonce();
    const reply = readTimeStampReply(await this.#post(formatTimeStampRequest(imprint, nonce), signal));
    if (!reply.ok) throw new Error(`${reply.code}: ${reply.detail}`);
    const { timeMs } = this.#read(reply.value, imprint, nonce);
    const difference = Math.abs(timeMs - this.#options.nowMs());
    if (difference > CLOCK_DIFFERENCE_MAX_MS)
      throw new Error(`the authority's clock and ours differ by ${Math.round(difference / 1000)} s`);
    return { kind: 'receipt', receipt: reply.value };
  }

  poll(_pending: string, target: AnchorTarget, signal: AbortSignal): Promise<Submission> {
    return this.submit(target, signal);
  }

  verify(receipt: Uint8Array, { imprint }: AnchorTarget): ReceiptReading {
    return this.#read(receipt, imprint);
  }

  #read(token: Uint8Array, imprint: Uint8Array, nonce?: Uint8Array): { readonly timeMs: number; readonly authority: string } {
    const { roots } = this.#options;
    const expected = { imprint, roots, verifySignature: nodeCertifiedSignature, ...(nonce === undefined ? {} : { nonce }) };
    const stamp = verifyTimeStamp(token, expected);
    if (!stamp.ok) throw new Error(`${stamp.code}: ${stamp.detail}`);
    if (stamp.value.unchecked !== null) throw new Error(`not checked: ${stamp.value.unchecked}`);
    return { timeMs: stamp.value.time, authority: stamp.value.authority };
  }

  async #post(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const response = await fetch(this.#options.url, {
      method: 'POST',
      body: Buffer.from(query),
      headers: { 'content-type': TIME_STAMP_QUERY_TYPE, accept: TIME_STAMP_REPLY_TYPE },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > TIME_STAMP_MAX_BYTES) throw new Error(`an answer of more than ${TIME_STAMP_MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith(TIME_STAMP_REPLY_TYPE)) throw new Error(`an answer of type ${type.slice(0, 80)}`);
    return Buffer.concat(chunks);
  }
}

/** As DER has a positive integer of this length. */
function newNonce(): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  nonce[0] = (nonce[0] as number) & 0x7f || 1;
  return nonce;
}
