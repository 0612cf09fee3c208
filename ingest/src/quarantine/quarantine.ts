/**
 * Messages that were taken but not admitted, with code and reason, the newest kept. Each is durable before it is
 * acknowledged, as a record is, but it is none: it has no place in the order and no proof.
 */
import { crc32 } from 'node:zlib';
import { CODES, type Code, type DeviceSignature, type Refusal, type ReleaseRecord } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { Journal } from '../journal/journal.ts';
import type { StorageHealth } from '../storage/storage-health.ts';

/** How much of a refused payload is kept: what is shorter can be released whole once its dataset is mended. */
export const KEPT_PAYLOAD_BYTES = 64 * 1024;
/** 8 segments of 16 MiB: a flood of bad messages can fill no disk. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const SEGMENTS_MAX = 8;
/** Of a payload in a list: enough to see what the device sends. */
const PREVIEW_BYTES = 4096;
const DETAIL_MAX_LENGTH = 512;
const TOPIC_MAX_LENGTH = 1024;
/** Messages one look may read: some 50 ms. Who searches further goes on where it ended. */
export const EXAMINED_MAX = 5000;

export interface Origin {
  readonly door: string;
  readonly topic: string;
  /** Who sent it, as authenticated. */
  readonly producer: string;
  readonly receivedAt: number;
  /** Where it would have been stored, and the device's signature, which was checked: known only when it was refused for its content. */
  readonly route?: {
    readonly agency: string;
    readonly dataset: string;
    readonly contentType: string;
    readonly signature?: DeviceSignature;
  };
}

export interface QuarantinedMessage extends Origin {
  readonly id: number;
  readonly code: Code;
  readonly detail: string;
  /** Size of the whole payload. */
  readonly size: number;
  /** How much of it is kept: up to KEPT_PAYLOAD_BYTES. */
  readonly kept: number;
  /** What is kept; in a list its first PREVIEW_BYTES. */
  readonly payload: Buffer;
  /** Journal position of the record it became; null while it is not released. */
  readonly released: number | null;
}

export interface QuarantineFilter {
  readonly code?: string | undefined;
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly door?: string | undefined;
}

export interface QuarantinePage {
  readonly items: readonly QuarantinedMessage[];
  /** Id to go on from; null: there is nothing more. A page may hold few items, or none, and still have a next. */
  readonly next: number | null;
}

export class Quarantine {
  readonly #journal: Journal;
  /** Journal positions by id. */
  readonly #released = new Map<number, number>();

  constructor(dir: string, health?: StorageHealth) {
    const options = { segmentMaxBytes: SEGMENT_BYTES, segmentsMax: SEGMENTS_MAX, tagOf: (body: Uint8Array) => tagOf(codeIn(body)) };
    this.#journal = Journal.open(dir, health === undefined ? options : { ...options, health });
  }

  /** How many were ever quarantined. */
  get count(): number {
    return this.#journal.head;
  }

  /** First id that is still kept. */
  get tail(): number {
    return this.#journal.tail;
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
      ...(origin.route === undefined ? {} : { route: origin.route }),
      size: payload.length,
      topic: origin.topic.slice(0, TOPIC_MAX_LENGTH).toWellFormed(),
    });
    this.#journal.append(`${line}\n`, payload.subarray(0, KEPT_PAYLOAD_BYTES), tagOf(refusal.code));
  }

  async flush(): Promise<void> {
    await this.#journal.flush();
  }

  /** Takes note of what a `sys.releases` record says. */
  onReleased({ released }: ReleaseRecord): void {
    for (const { id, position } of released) if (id >= this.tail) this.#released.set(id, position);
    for (const id of this.#released.keys()) if (id < this.tail) this.#released.delete(id);
  }

  /** Released messages that are still kept, for the snapshot of the control data. */
  releases(): ReleaseRecord['released'] {
    return [...this.#released].map(([id, position]) => ({ id, position }));
  }

  /** @returns undefined when it is not kept (any more) */
  get(id: number): QuarantinedMessage | undefined {
    const body = id < this.#journal.committed ? this.#journal.read(id) : null;
    return body === null ? undefined : this.#messageOf(id, body);
  }

  /** Newest first, ids below `before`. */
  list(before: number, limit: number, filter: QuarantineFilter = {}): QuarantinePage {
    const from = Math.min(before, this.#journal.committed) - 1;
    return this.#search(from, -1, limit, filter, PREVIEW_BYTES);
  }

  /** Oldest first, ids from `from` on, with all that is kept. */
  listFrom(from: number, limit: number, filter: QuarantineFilter = {}): QuarantinePage {
    return this.#search(Math.max(from, this.tail), 1, limit, filter, KEPT_PAYLOAD_BYTES);
  }

  /** Seals what is kept with the next flush: only what is sealed can be erased. */
  sealSoon(): void {
    this.#journal.sealSoon();
  }

  /**
   * Takes payloads and details out of sealed segments, for good; who sent when, and the code, stay.
   * @returns how many there were
   */
  async erase(isErased: (message: QuarantinedMessage) => boolean, signal: AbortSignal): Promise<number> {
    let erased = 0;
    for (const { first, count } of this.#journal.sealed) {
      const ids = Array.from({ length: count }, (_, i) => first + i).filter((id) => {
        const message = this.get(id);
        return message !== undefined && message.kept > 0 && isErased(message);
      });
      if (ids.length === 0) continue;
      const wanted = new Set(ids);
      await this.#journal.rewriteSealed(first, (id, body) => (wanted.has(id) ? withoutPayload(body) : undefined), signal);
      erased += ids.length;
    }
    return erased;
  }

  /** How many messages of each code are kept and not released. */
  counts(): ReadonlyMap<Code, number> {
    const counts = new Map<Code, number>();
    for (const [id, tag] of this.#journal.tags(this.tail)) {
      const code = CODE_BY_TAG.get(tag);
      if (code !== undefined && id < this.#journal.committed && !this.#released.has(id)) counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return counts;
  }

  close(): void {
    this.#journal.close();
  }

  #search(from: number, step: 1 | -1, limit: number, filter: QuarantineFilter, payloadBytes: number): QuarantinePage {
    const items: QuarantinedMessage[] = [];
    let id = from;
    for (let examined = 0; id >= this.tail && id < this.#journal.committed; id += step) {
      if (items.length === limit || examined++ === EXAMINED_MAX) return { items, next: step < 0 ? id + 1 : id };
      const message = this.get(id);
      if (message === undefined || !fits(message, filter)) continue;
      // A copy, so that the list does not hold whole payloads.
      items.push(message.kept > payloadBytes ? { ...message, payload: Buffer.from(message.payload.subarray(0, payloadBytes)) } : message);
    }
    return { items, next: null };
  }

  #messageOf(id: number, body: Buffer): QuarantinedMessage {
    const end = body.indexOf(0x0a);
    const released = this.#released.get(id) ?? null;
    const payload = body.subarray(end + 1);
    return { id, ...JSON.parse(body.toString('utf8', 1, end)), kept: payload.length, payload, released };
  }
}

/** The same message without what it said. */
function withoutPayload(body: Uint8Array): Uint8Array {
  const end = body.indexOf(0x0a);
  const line = JSON.parse(Buffer.from(body.subarray(1, end)).toString('utf8')) as { readonly route?: object };
  const { signature: _, ...route } = (line.route ?? {}) as { readonly signature?: unknown };
  const kept = { ...line, detail: 'erased', ...(line.route === undefined ? {} : { route }) };
  return Buffer.concat([body.subarray(0, 1), Buffer.from(`${canonicalJson(kept)}\n`)]);
}

function fits({ code, producer, route, door }: QuarantinedMessage, filter: QuarantineFilter): boolean {
  return (
    (filter.code === undefined || filter.code === code) &&
    (filter.producer === undefined || filter.producer === producer) &&
    (filter.dataset === undefined || filter.dataset === route?.dataset) &&
    (filter.door === undefined || filter.door === door)
  );
}

/** Kept beside each message's offset, so that counting by code reads no messages. */
function tagOf(code: string): number {
  return crc32(code);
}

const CODE_BY_TAG: ReadonlyMap<number, Code> = new Map((Object.keys(CODES) as Code[]).map((code) => [tagOf(code), code]));

/** The code as it stands first in the canonical line. */
function codeIn(body: Uint8Array): string {
  const head = Buffer.from(body.subarray(1, 128)).toString('latin1');
  return /^\{"code":"([A-Z0-9_]+)"/.exec(head)?.[1] ?? '';
}
