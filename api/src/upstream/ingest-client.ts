/** Client of ingest's inner HTTP interface (docs/reference/internal-http.md). */
import type { IncomingMessage } from 'node:http';
import {
  AirtightError,
  type AlertAnnouncement,
  CODES,
  type Code,
  type CompleteBatchJson,
  DEVICE_ADDRESS_HEADER,
  type DeviceSignature,
  FEED_FROM_HEADER,
  FEED_HEAD_HEADER,
  FEED_NEXT_HEADER,
  LEAF_HASH_HEADER,
  type ProducerName,
  type RecordHeader,
} from '@airtight/protocol';
import { type RelayedAnswer, RelayedRefusal, relayUpload } from './publish-relay.ts';

/** A stretch of the journal: whole frames of positions [from, next). */
export interface FeedChunk {
  readonly from: number;
  readonly next: number;
  /** Committed end of the journal when it was answered. */
  readonly head: number;
  readonly bytes: Uint8Array;
}

export interface FeedRequest {
  readonly from: number;
  readonly waitMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface NewRecord {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  readonly messageId?: string;
  readonly payload: unknown;
  /** Of the person whose act it is, over the payload's canonical form. */
  readonly signature?: DeviceSignature;
}
export interface WrittenRecord {
  readonly position: number;
  readonly repeat: boolean;
}

export interface StoredRecord {
  readonly bytes: Uint8Array;
  /** Sequence number of its sealed batch, null while it is open. */
  readonly batch: number | null;
  /** Lower-case hex; undefined where it follows from the bytes. */
  readonly leafHash?: string;
}

/** As the inner interface takes it. */
export interface ErasureOrder {
  readonly producer: string;
  readonly day: string;
  readonly reason: string;
  readonly by: string;
}

export interface ErasureOutcome {
  /** Records. */
  readonly count: number;
}

/** Fields of a confidential record with what proves them. */
export interface Disclosure {
  /** The committed record, base64. */
  readonly record: string;
  /** As it stands in a proof file. */
  readonly disclosure: unknown;
}

export interface BatchInclusion {
  readonly position: number;
  readonly seq: number;
  readonly index: number;
  readonly count: number;
  readonly path: readonly string[];
  /** Base64 of the batch record's bytes. */
  readonly batch: string;
  readonly ledgerIndex: number | null;
}

/** A batch with some of its records and one proof for them; everything binary is base64. */
export interface ProvenRecordText {
  readonly position: number;
  readonly leafHash: string;
  /** Base64 of what the leaf covers. */
  readonly record: string;
  /** Of a confidential record: its whole content, as it stands in a proof file. */
  readonly disclosure?: unknown;
}

export interface ProvenBatch {
  readonly seq: number;
  /** The batch record's bytes. */
  readonly batch: string;
  readonly ledgerIndex: number;
  readonly path: readonly string[];
  readonly records: readonly ProvenRecordText[];
}

/** A batch with the proof of how many records a producer has in it, as a completeness proof has it. */
export interface CountedBatch extends CompleteBatchJson {
  readonly seq: number;
  readonly ledgerIndex: number;
  readonly lastAt: number;
}

export interface CompletenessQuery extends ProducerName {
  readonly seq: number | undefined;
  readonly at: number;
  readonly until: number;
}

export interface BatchEntry {
  readonly seq: number;
  readonly record: string;
  readonly ledgerIndex: number | null;
}

export interface QuarantineEntry {
  readonly id: number;
  readonly code: string;
  readonly detail: string;
  readonly receivedAt: number;
  readonly door: string;
  readonly topic: string;
  readonly producer: string;
  readonly agency?: string;
  readonly dataset?: string;
  readonly contentType?: string;
  readonly size: number;
  readonly kept: number;
  readonly payload: string;
  readonly released: number | null;
}

export interface QuarantineAnswer {
  readonly items: readonly QuarantineEntry[];
  readonly next: number | null;
  readonly counts: { readonly [code: string]: number };
}

export interface ReplayOrder {
  readonly ids?: readonly number[];
  readonly from?: number;
  readonly code?: string | undefined;
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly door?: string | undefined;
  readonly dryRun: boolean;
  readonly by: string;
}

export interface ReplayOutcome {
  readonly results: readonly {
    readonly id: number;
    readonly status: 'accepted' | 'revision' | 'repeat' | 'admissible' | 'refused';
    readonly position?: number;
    readonly code?: string;
    readonly detail?: string;
  }[];
  readonly next: number | null;
}

export interface IngestStatus {
  readonly stream: string;
  readonly head: number;
  readonly sealedThrough: number;
  readonly anchoredThrough: number;
  readonly batches: number;
  readonly connections: number;
  /** Why ingest takes nothing at present. */
  readonly fault: { readonly code: Code; readonly detail: string; readonly since: number } | null;
  readonly counters: { readonly [name: string]: number };
}

/** Requests that are not the feed answer at once or after one group commit. */
const REQUEST_TIMEOUT_MS = 10_000;
/** An erasure reads and writes segments of 64 MiB, at half a core. */
const ERASURE_TIMEOUT_MS = 600_000;
/** Longest the feed may wait by its interface; the request itself gets this much more. */
const FEED_GRACE_MS = 10_000;
/**
 * Whoever does not wait for something new goes through the journal once: an audit of hours must not end because one answer out of
 * thousands broke off, or came after its time on a machine that stood still. Reading is safe to repeat (RFC 9110 §9.2.2).
 */
const FEED_ATTEMPTS = 3;
/** Records per POST /records. */
export const WRITE_MAX_RECORDS = 1000;

/** What is left of a record whose payload was removed by policy. */
export interface ExpiredRest {
  readonly header: RecordHeader;
  /** Lower-case hex. */
  readonly leafHash: string;
}

export class RecordExpired extends AirtightError {
  readonly rest: ExpiredRest;
  constructor(detail: string, rest: ExpiredRest) {
    super('RECORD_EXPIRED', detail);
    this.rest = rest;
  }
}

export class IngestClient {
  readonly #url: string;
  readonly #token: string;
  readonly #headers: { readonly authorization: string };

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/$/, '');
    this.#token = token;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  /** @throws AirtightError CURSOR_BEYOND_HEAD, SERVICE_UNAVAILABLE: at once where `waitMs` is not 0, as who follows has patience of its own */
  async feed(request: FeedRequest): Promise<FeedChunk> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#feedOnce(request);
      } catch (error) {
        const isOver = request.waitMs > 0 || attempt === FEED_ATTEMPTS || request.signal?.aborted === true;
        if (isOver || !(error instanceof AirtightError) || error.code !== 'SERVICE_UNAVAILABLE') throw error;
      }
    }
  }

  async #feedOnce(request: FeedRequest): Promise<FeedChunk> {
    const query = `from=${request.from}&waitMs=${request.waitMs}&maxBytes=${request.maxBytes}`;
    const timeout = AbortSignal.timeout(request.waitMs + FEED_GRACE_MS);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    const response = await this.#send(`/feed?${query}`, { signal });
    const bytes = await bodyOf(response);
    return {
      from: headerNumber(response, FEED_FROM_HEADER),
      next: headerNumber(response, FEED_NEXT_HEADER),
      head: headerNumber(response, FEED_HEAD_HEADER),
      bytes,
    };
  }

  /** Writes records by the one way in; answered after the commit. @throws AirtightError SERVICE_UNAVAILABLE or ingest's own code */
  async writeRecords(records: readonly NewRecord[]): Promise<readonly WrittenRecord[]> {
    const response = await this.#send('/records', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ records }),
    });
    const answer = (await response.json()) as { readonly results: readonly WrittenRecord[] };
    return answer.results;
  }

  /** Tells of an alert on its MQTT topic. @throws AirtightError SERVICE_UNAVAILABLE or ingest's own code */
  async announce(message: AlertAnnouncement): Promise<void> {
    await this.#send('/announcements', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    });
  }

  /** Passes on what a device publishes, with its credentials. @returns JSON text @throws AirtightError SERVICE_UNAVAILABLE or ingest's own code */
  publish(dataset: string | undefined, upload: IncomingMessage, address: string): Promise<RelayedAnswer> {
    const query = dataset === undefined ? '' : `?dataset=${encodeURIComponent(dataset)}`;
    return relayUpload(`${this.#url}/publish${query}`, this.#token, upload, address);
  }

  /** @throws RecordExpired; AirtightError NOT_FOUND, SERVICE_UNAVAILABLE */
  async record(position: number): Promise<StoredRecord> {
    const response = await this.#send(`/records/${position}`);
    const batch = response.headers.get('airtight-batch');
    const leafHash = response.headers.get(LEAF_HASH_HEADER);
    const stored = { bytes: await bodyOf(response), batch: batch === null || batch === 'none' ? null : Number(batch) };
    return leafHash === null ? stored : { ...stored, leafHash };
  }

  /**
   * @param fields names separated by commas; absent: all
   * @throws RecordExpired; AirtightError FIELD_UNKNOWN, NOT_FOUND, SERVICE_UNAVAILABLE
   */
  async disclosure(position: number, fields: string | undefined): Promise<Disclosure> {
    const query = fields === undefined ? '' : `?fields=${encodeURIComponent(fields)}`;
    return (await (await this.#send(`/records/${position}/disclosure${query}`)).json()) as Disclosure;
  }

  /** @throws AirtightError ingest's own code, SERVICE_UNAVAILABLE */
  async erase(order: ErasureOrder): Promise<ErasureOutcome> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(order) };
    // It may read many segments.
    return (await (await this.#send('/erasures', { ...init, signal: AbortSignal.timeout(ERASURE_TIMEOUT_MS) })).json()) as ErasureOutcome;
  }

  /** @throws AirtightError NOT_FOUND, RECORD_NOT_SEALED, SERVICE_UNAVAILABLE */
  async inclusion(position: number): Promise<BatchInclusion> {
    return (await (await this.#send(`/records/${position}/inclusion`)).json()) as BatchInclusion;
  }

  /**
   * Whole batches for the first positions that are asked for.
   * @param positions ascending
   * @returns `done`: how many of the positions are in the answer
   * @throws AirtightError NOT_FOUND, RECORD_NOT_SEALED, RECORD_NOT_ANCHORED, SERVICE_UNAVAILABLE
   */
  async inclusions(positions: readonly number[]): Promise<{ readonly batches: readonly ProvenBatch[]; readonly done: number }> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ positions }) };
    return (await (await this.#send('/inclusions', init)).json()) as { readonly batches: readonly ProvenBatch[]; readonly done: number };
  }

  /** A run of anchored batches. @returns `next`: the batch to go on with; null at the end */
  async completeness(query: CompletenessQuery): Promise<{ readonly batches: readonly CountedBatch[]; readonly next: number | null }> {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    const answer = await (await this.#send(`/completeness?${new URLSearchParams(given)}`)).json();
    return answer as { readonly batches: readonly CountedBatch[]; readonly next: number | null };
  }

  async batches(from: number, limit: number): Promise<{ readonly items: readonly BatchEntry[]; readonly next: number | null }> {
    const answer = await (await this.#send(`/batches?from=${from}&limit=${limit}`)).json();
    return answer as { readonly items: readonly BatchEntry[]; readonly next: number | null };
  }

  /** Newest first. @param query `before`, `limit` and filters */
  async quarantine(query: { readonly [name: string]: string | number | undefined }): Promise<QuarantineAnswer> {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    return (await (await this.#send(`/quarantine?${new URLSearchParams(given)}`)).json()) as QuarantineAnswer;
  }

  /** @throws AirtightError NOT_FOUND */
  async quarantined(id: number): Promise<QuarantineEntry> {
    return (await (await this.#send(`/quarantine/${id}`)).json()) as QuarantineEntry;
  }

  async replayQuarantine(order: ReplayOrder): Promise<ReplayOutcome> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(order) };
    return (await (await this.#send('/quarantine/replay', init)).json()) as ReplayOutcome;
  }

  async status(): Promise<IngestStatus> {
    return (await (await this.#send('/status')).json()) as IngestStatus;
  }

  /** A request about devices and their credentials. @throws AirtightError ingest's own code, or SERVICE_UNAVAILABLE */
  async identity<T>(method: 'GET' | 'POST', path: string, body?: unknown, address?: string): Promise<T> {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(address === undefined ? {} : { [DEVICE_ADDRESS_HEADER]: address }),
    };
    const response = await this.#send(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as T;
  }

  /** OpenMetrics text. */
  async metrics(): Promise<string> {
    return (await this.#send('/metrics')).text();
  }

  async #send(path: string, init: RequestInit = {}): Promise<Response> {
    return send(`${this.#url}${path}`, { ...init, headers: { ...this.#headers, ...init.headers } });
  }
}

/**
 * One request to a service of ours.
 * @throws AirtightError with the code of its problem document; SERVICE_UNAVAILABLE when it cannot be reached
 */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...init });
  } catch (error) {
    throw new AirtightError('SERVICE_UNAVAILABLE', new URL(url).pathname, { cause: error });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as (Partial<ExpiredRest> & { code?: string; detail?: string }) | null;
  const code = problem?.code;
  if (code === 'RECORD_EXPIRED' && problem?.header !== undefined && problem.leafHash !== undefined)
    throw new RecordExpired(problem.detail ?? '', { header: problem.header, leafHash: problem.leafHash });
  if (code !== undefined && Object.hasOwn(CODES, code)) {
    throw new RelayedRefusal(code as Code, problem?.detail ?? '', response.headers.get('retry-after') ?? undefined);
  }
  throw new AirtightError(
    response.status === 404 ? 'NOT_FOUND' : 'SERVICE_UNAVAILABLE',
    `${new URL(url).pathname}: HTTP ${response.status}`,
  );
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new AirtightError('SERVICE_UNAVAILABLE', 'the answer broke off', { cause: error });
  }
}

function headerNumber(response: Response, name: string): number {
  const value = Number(response.headers.get(name) ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new AirtightError('SERVICE_UNAVAILABLE', `no header ${name} from ingest`);
  return value;
}
