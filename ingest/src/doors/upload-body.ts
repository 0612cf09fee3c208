/**
 * The body of an upload as it is meant: decompressed, bounded before and after, read no faster than it is used. However
 * the reader leaves off, the request itself lives on and its rest is thrown away, so that the answer still reaches the
 * sender.
 */
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AirtightError } from '@airtight/protocol';

/** What may come over the wire for one request, compressed or not: tens of thousands of readings, gzipped. */
export const SENT_MAX_BYTES = 8 * 1024 * 1024;
/** What it may be decompressed: 10,000 readings of 3 kB each. A gzip bomb (1,032 : 1) stops here. */
export const BODY_MAX_BYTES = 32 * 1024 * 1024;

/** The sender went away in the middle: there is nobody to answer. */
export class UploadBroken extends Error {}

/**
 * @yields pieces of the decompressed body
 * @param ended its reason, an AirtightError, ends the body
 * @throws AirtightError PAYLOAD_TOO_LARGE, REQUEST_INVALID (no gzip, or it breaks off); UploadBroken
 */
export async function* uploadBody(request: IncomingMessage, gzip: boolean, ended: AbortSignal): AsyncGenerator<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > SENT_MAX_BYTES) {
    request.resume();
    throw tooLarge(`content-length ${request.headers['content-length']}; the limit is ${SENT_MAX_BYTES} bytes`);
  }
  const body: Transform = gzip ? createGunzip() : new PassThrough();
  pump(request, body);
  const end = (): void => void body.destroy(ended.reason);
  if (ended.aborted) end();
  ended.addEventListener('abort', end, { once: true });
  let bytes = 0;
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > BODY_MAX_BYTES) throw tooLarge(`more than ${BODY_MAX_BYTES} bytes when decompressed`);
      yield piece;
    }
  } catch (error) {
    if (isZlibError(error)) throw new AirtightError('REQUEST_INVALID', `the body is not whole gzip data: ${error.message}`);
    throw error;
  }
}

/** Moves the request's bytes into `body`; when `body` is done with, the rest of them goes nowhere. */
function pump(request: IncomingMessage, body: Transform): void {
  let sent = 0;
  request.on('data', (chunk: Buffer) => {
    if (body.destroyed) return;
    sent += chunk.length;
    if (sent > SENT_MAX_BYTES) body.destroy(tooLarge(`more than ${SENT_MAX_BYTES} bytes were sent`));
    else if (!body.write(chunk)) request.pause();
  });
  request.on('end', () => body.end());
  request.on('close', () => {
    if (!request.complete) body.destroy(new UploadBroken());
  });
  // A connection that breaks is told by `close`.
  request.on('error', () => undefined);
  body.on('drain', () => request.resume());
  body.on('close', () => request.resume());
}

function tooLarge(detail: string): AirtightError {
  return new AirtightError('PAYLOAD_TOO_LARGE', detail);
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code));
}
