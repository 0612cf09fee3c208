/**
 * Messages that were taken but not admitted, with code and reason, the newest kept. Each is durable before it is
 * acknowledged, as a record is, but it is none: it has no place in the order and no proof.
 */
import type { Code, Refusal } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { Journal } from '../journal/journal.ts';
import type { StorageHealth } from '../storage/storage-health.ts';

/** How much of a refused payload is kept: enough to see what the device sends. */
export const KEPT_PAYLOAD_BYTES = 4096;
/** 8 segments of 16 MiB: a flood of bad messages can fill no disk. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const SEGMENTS_MAX = 8;
const DETAIL_MAX_LENGTH = 512;
const TOPIC_MAX_LENGTH = 1024;

export interface Origin {
  readonly door: string;
  readonly topic: string;
  /** Who sent it, as authenticated. */
  readonly producer: string;
  readonly receivedAt: number;
}

export interface QuarantinedMessage extends Origin {
  readonly id: number;
  readonly code: Code;
  readonly detail: string;
  /** Size of the whole payload. */
  readonly size: number;
  /** Its first KEPT_PAYLOAD_BYTES. */
  readonly payload: Buffer;
}

export class Quarantine {
  readonly #journal: Journal;

  constructor(dir: string, health?: StorageHealth) {
    const options = health === undefined ? {} : { health };
    this.#journal = Journal.open(dir, { segmentMaxBytes: SEGMENT_BYTES, segmentsMax: SEGMENTS_MAX, ...options });
  }

  /** How many were ever quarantined. */
  get count(): number {
    return this.#journal.head;
  }

  get pendingBytes(): number {
    return this.#journal.pendingBytes;
  }

  /** Keeps a message; durable after the next flush. */
  add(origin: Origin, refusal: Refusal, payload: Uint8Array): void {
    const line = canonicalJson({
      code: refusal.code,
      detail: refusal.detail.slice(0, DETAIL_MAX_LENGTH).toWellFormed(),
      door: origin.door,
      producer: origin.producer,
      receivedAt: origin.receivedAt,
      size: payload.length,
      topic: origin.topic.slice(0, TOPIC_MAX_LENGTH).toWellFormed(),
    });
    this.#journal.append(`${line}\n`, payload.subarray(0, KEPT_PAYLOAD_BYTES), 0);
  }

  async flush(): Promise<void> {
    await this.#journal.flush();
  }

  /** Newest first, ids below `before`. */
  list(before: number, limit: number): QuarantinedMessage[] {
    const items: QuarantinedMessage[] = [];
    for (let id = Math.min(before, this.#journal.committed) - 1; id >= this.#journal.tail && items.length < limit; id--) {
      const body = this.#journal.read(id);
      if (body === null) break;
      const end = body.indexOf(0x0a);
      items.push({ id, ...JSON.parse(body.toString('utf8', 1, end)), payload: body.subarray(end + 1) });
    }
    return items;
  }

  close(): void {
    this.#journal.close();
  }
}
