/**
 * The journal feed from the files alone, on loopback: what the read side needs to check or rebuild its store while
 * ingest is stopped. Answers `GET /feed` and `GET /status` as docs/reference/internal-http.md says, and nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { FEED_FROM_HEADER, FEED_HEAD_HEADER, FEED_NEXT_HEADER, readFrame } from '@airtight/protocol';
import { LOOPBACK } from '../endpoints.ts';
import { journalFrames, readSegment, segmentsIn } from './journal-walk.ts';

const FEED_MAX_BYTES = 8 * 1024 * 1024;

export interface JournalFeed {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param dir folder of the records' segments
 * @param token what a reader must show
 */
export async function serveJournal(dir: string, token: string): Promise<JournalFeed> {
  const reader = new JournalReader(dir);
  const server = createServer((request, response) => {
    // The store's last rows may be of a journal that is damaged further on: what is whole is served.
    if (request.headers.authorization !== `Bearer ${token}`) answerProblem(response, 401, 'CREDENTIALS_WRONG');
    else answer(reader, request, response);
  });
  await new Promise<void>((resolve) => server.listen({ host: LOOPBACK, port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(reader: JournalReader, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://journal');
  if (url.pathname === '/status') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ head: reader.head }));
    return;
  }
  const from = Number(url.searchParams.get('from') ?? Number.NaN);
  if (url.pathname !== '/feed' || !Number.isSafeInteger(from) || from < 0) {
    answerProblem(response, 404, 'NOT_FOUND');
    return;
  }
  if (from > reader.head) {
    answerProblem(response, 416, 'CURSOR_BEYOND_HEAD');
    return;
  }
  const maxBytes = Math.min(FEED_MAX_BYTES, Number(url.searchParams.get('maxBytes') ?? FEED_MAX_BYTES));
  const { bytes, next } = reader.read(from, maxBytes);
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader(FEED_FROM_HEADER, from);
  response.setHeader(FEED_NEXT_HEADER, next);
  response.setHeader(FEED_HEAD_HEADER, reader.head);
  response.end(bytes);
}

function answerProblem(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/problem+json').end(JSON.stringify({ status, code }));
}

/** Reads on from where the last read ended; from anywhere else it looks from the beginning of a segment. */
class JournalReader {
  readonly head: number;
  readonly #dir: string;
  readonly #segments: readonly number[];
  #loaded: { readonly first: number; readonly bytes: Buffer } | undefined;
  #cursor = { position: 0, offset: 0 };

  constructor(dir: string) {
    this.#dir = dir;
    this.#segments = segmentsIn(dir);
    const frames = journalFrames(dir);
    let step = frames.next();
    while (step.done !== true) step = frames.next();
    this.head = step.value.next;
  }

  /** Whole frames of at most `maxBytes`, but at least one if there is one; never across a segment's end. */
  read(from: number, maxBytes: number): { readonly bytes: Buffer; readonly next: number } {
    const first = this.#segments.findLast((candidate) => candidate <= from);
    if (first === undefined || from >= this.head) return { bytes: Buffer.alloc(0), next: from };
    const bytes = this.#load(first);
    const start = this.#seek(bytes, first, from);
    let { position, offset } = { position: from, offset: start };
    while (position < this.head && offset < bytes.length) {
      const frame = readFrame(bytes, offset, crc32);
      if (typeof frame === 'string' || (offset > start && frame.end - start > maxBytes)) break;
      offset = frame.end;
      position++;
    }
    this.#cursor = { position, offset };
    return { bytes: bytes.subarray(start, offset), next: position };
  }

  #load(first: number): Buffer {
    if (this.#loaded?.first !== first) {
      this.#loaded = { first, bytes: readSegment(this.#dir, first).bytes };
      this.#cursor = { position: first, offset: 0 };
    }
    return this.#loaded.bytes;
  }

  #seek(bytes: Buffer, first: number, position: number): number {
    let at = this.#cursor.position <= position ? this.#cursor : { position: first, offset: 0 };
    while (at.position < position) {
      const frame = readFrame(bytes, at.offset, crc32);
      if (typeof frame === 'string') break;
      at = { position: at.position + 1, offset: frame.end };
    }
    return at.offset;
  }
}
