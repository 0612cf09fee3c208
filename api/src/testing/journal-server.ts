/** A journal in memory behind ingest's inner interface (docs/reference/internal-http.md), for tests of whoever follows it. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import {
  type BatchRecord,
  CODES,
  type Code,
  countProducers,
  decodeExpired,
  encodeBatchRecord,
  encodeRecord,
  expiredBodyOf,
  FEED_FROM_HEADER,
  FEED_HEAD_HEADER,
  FEED_NEXT_HEADER,
  FRAME_HEADER_BYTES,
  producersRootOf,
  type RecordHeader,
} from '@airtight/protocol';
import { encodeBase64, inclusionPath, leafHash, multiProof, rootOfLeafHashes } from '@airtight/tlog';

export const TEST_TOKEN = 'test-token';

interface SealedBatch {
  readonly batch: BatchRecord;
  readonly bytes: Uint8Array;
  ledgerIndex: number | null;
}

export class JournalServer {
  readonly records: Uint8Array[] = [];
  readonly batches: SealedBatch[] = [];
  /** Positions of records whose payload was removed. */
  readonly expired = new Set<number>();
  /** Messages of the internal door by identity. */
  readonly #identities = new Map<string, number>();
  #waiters: (() => void)[] = [];
  #server: Server | undefined;
  #port = 0;
  /** Milliseconds of ingest's clock for the next record. */
  now = Date.UTC(2026, 0, 1);

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get head(): number {
    return this.records.length;
  }

  /** Listens, on the port it had before if any: ingest comes back where it was. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Gone at once, connections and all. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#wake();
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  append(header: Partial<RecordHeader> & Pick<RecordHeader, 'agency' | 'dataset' | 'producer'>, payload: unknown): number {
    const full: RecordHeader = { v: 1, receivedAt: this.now, door: 'mqtt', contentType: 'application/json', ...header };
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(JSON.stringify(payload));
    this.records.push(encodeRecord(full, bytes));
    this.#wake();
    return this.records.length - 1;
  }

  /** Seals everything that is open into one batch. */
  seal(): SealedBatch {
    const first = this.batches.reduce((sum, { batch }) => sum + batch.count, 0);
    const previous = this.batches.at(-1);
    const batch: BatchRecord = {
      v: 1,
      type: 'batch',
      stream: 'test/0',
      seq: this.batches.length,
      prev: previous === undefined ? null : createHash('sha256').update(previous.bytes).digest('hex'),
      first,
      count: this.head - first,
      firstAt: this.now,
      lastAt: this.now,
      root: Buffer.from(rootOfLeafHashes(this.#leaves(first, this.head))).toString('hex'),
      producers: producersRootOf(countProducers(this.records.slice(first, this.head))),
      tree: 'rfc6962-sha256',
      commitment: 'plain',
    };
    const sealed: SealedBatch = { batch, bytes: encodeBatchRecord(batch), ledgerIndex: null };
    this.batches.push(sealed);
    return sealed;
  }

  #leaves(from: number, to: number): Uint8Array {
    return Buffer.concat(this.records.slice(from, to).map((record) => leafHash(record)));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${TEST_TOKEN}`) return refuse(response, 'CREDENTIALS_WRONG');
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const [, resource, id, part] = pathname.split('/');
    if (resource === 'feed') return this.#feed(searchParams, response);
    if (resource === 'records' && request.method === 'POST') return this.#write(request, response);
    if (resource === 'records' && part === 'inclusion') return this.#inclusion(Number(id), response);
    if (resource === 'records') return this.#record(Number(id), response);
    if (resource === 'inclusions') return this.#inclusions(request, response);
    if (resource === 'batches') return this.#batchList(Number(searchParams.get('from')), Number(searchParams.get('limit')), response);
    if (resource === 'quarantine') return json(response, { items: [QUARANTINED], next: null, counts: { PAYLOAD_NOT_JSON: 1 } });
    if (resource === 'metrics') return void response.end('# TYPE airtight_ingest_head gauge\nairtight_ingest_head 1\n# EOF\n');
    if (resource === 'status') return json(response, this.#status());
    refuse(response, 'NOT_FOUND');
  }

  #status(): unknown {
    const sealedThrough = this.batches.reduce((sum, { batch }) => sum + batch.count, 0);
    const open = this.batches.find(({ ledgerIndex }) => ledgerIndex === null);
    return {
      ...{ stream: 'test/0', head: this.head, sealedThrough, anchoredThrough: open?.batch.first ?? sealedThrough },
      ...{ batches: this.batches.length, connections: 0, counters: { accepted: this.head, duplicates: 0, quarantined: 1 } },
    };
  }

  async #feed(parameters: URLSearchParams, response: ServerResponse): Promise<void> {
    const from = Number(parameters.get('from'));
    const until = Date.now() + Number(parameters.get('waitMs'));
    const maxBytes = Number(parameters.get('maxBytes'));
    if (from > this.head) return refuse(response, 'CURSOR_BEYOND_HEAD');
    while (from === this.head && Date.now() < until && this.#server !== undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, until - Date.now()));
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    const frames: Uint8Array[] = [];
    let bytes = 0;
    let next = from;
    while (next < this.head) {
      const frame = frameOf(this.#bodyOf(next));
      if (frames.length > 0 && bytes + frame.length > maxBytes) break;
      frames.push(frame);
      bytes += frame.length;
      next++;
    }
    response.writeHead(200, { [FEED_FROM_HEADER]: from, [FEED_NEXT_HEADER]: next, [FEED_HEAD_HEADER]: this.head });
    response.end(Buffer.concat(frames));
  }

  async #write(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { records } = JSON.parse(text) as {
      records: { agency: string; dataset: string; producer: string; messageId?: string; payload: unknown }[];
    };
    const results = records.map(({ agency, dataset, producer, messageId, payload }) => {
      const content = JSON.stringify(payload);
      const identity = JSON.stringify([producer, dataset, messageId ?? '', content]);
      const known = this.#identities.get(identity);
      if (known !== undefined) return { position: known, repeat: true };
      const header = { agency, dataset, producer, door: 'internal', ...(messageId === undefined ? {} : { messageId }) };
      const position = this.append(header, content);
      this.#identities.set(identity, position);
      return { position, repeat: false };
    });
    json(response, { results });
  }

  #bodyOf(position: number): Uint8Array {
    const body = Buffer.concat([Uint8Array.of(0), this.records[position] as Uint8Array]);
    return this.expired.has(position) ? expiredBodyOf(body, sha256) : body;
  }

  #record(position: number, response: ServerResponse): void {
    const record = this.records[position];
    if (record === undefined) return refuse(response, 'NOT_FOUND');
    const expired = decodeExpired(this.#bodyOf(position));
    if (expired.ok) {
      const { header, leafHash: leaf } = expired.value;
      return refuse(response, 'RECORD_EXPIRED', { header, leafHash: Buffer.from(leaf).toString('hex') });
    }
    const batch = this.#batchOf(position);
    response.writeHead(200, { 'airtight-batch': batch === undefined ? 'none' : batch.batch.seq }).end(record);
  }

  #inclusion(position: number, response: ServerResponse): void {
    if (position >= this.head) return refuse(response, 'NOT_FOUND');
    const sealed = this.#batchOf(position);
    if (sealed === undefined) return refuse(response, 'RECORD_NOT_SEALED');
    const { first, count, seq } = sealed.batch;
    const path = inclusionPath(this.#leaves(first, first + count), position - first).map(encodeBase64);
    json(response, {
      position,
      seq,
      index: position - first,
      count,
      path,
      batch: encodeBase64(sealed.bytes),
      ledgerIndex: sealed.ledgerIndex,
    });
  }

  async #inclusions(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { positions } = JSON.parse(text) as { positions: number[] };
    const [at = 0] = positions;
    if (at >= this.head) return refuse(response, 'NOT_FOUND');
    // One batch in each answer: whoever asks must go on.
    const sealed = this.#batchOf(at);
    if (sealed === undefined) return refuse(response, 'RECORD_NOT_SEALED');
    if (sealed.ledgerIndex === null) return refuse(response, 'RECORD_NOT_ANCHORED');
    const { first, count, seq } = sealed.batch;
    const here = positions.filter((position) => position < first + count);
    const path = multiProof(
      this.#leaves(first, first + count),
      here.map((position) => position - first),
    );
    const records = here.map((position) => {
      const record = this.records[position] as Uint8Array;
      return { position, leafHash: encodeBase64(leafHash(record)), record: encodeBase64(record) };
    });
    const batch = { seq, batch: encodeBase64(sealed.bytes), ledgerIndex: sealed.ledgerIndex, path: path.map(encodeBase64), records };
    json(response, { batches: [batch], done: here.length });
  }

  #batchList(from: number, limit: number, response: ServerResponse): void {
    const items = this.batches
      .slice(from, from + limit)
      .map(({ batch, bytes, ledgerIndex }) => ({ seq: batch.seq, record: encodeBase64(bytes), ledgerIndex }));
    json(response, { items, next: from + limit < this.batches.length ? from + limit : null });
  }

  #batchOf(position: number): SealedBatch | undefined {
    return this.batches.find(({ batch }) => position >= batch.first && position < batch.first + batch.count);
  }
}

const QUARANTINED = {
  ...{
    id: 1,
    code: 'PAYLOAD_NOT_JSON',
    detail: 'x',
    receivedAt: 1,
    door: 'mqtt',
    topic: 'v1/a/b/c',
    producer: 'c',
    agency: 'a',
    dataset: 'b',
    contentType: 'application/json',
    size: 1,
    kept: 1,
    payload: 'eA==',
    released: null,
  },
};

function frameOf(body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function refuse(response: ServerResponse, code: Code, more: object = {}): void {
  response.writeHead(CODES[code].status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code, detail: '', ...more }));
}
