/** HTTP requests to other regions: bounded in time and in size, and never redirected elsewhere. */

/** Answers of the witness protocol take some kilobytes, a tile 8 KiB. */
const ANSWER_MAX_BYTES = 256 * 1024;
/** A witness checks, signs and syncs within milliseconds; the rest is for the network between regions. */
const REQUEST_TIMEOUT_MS = 5000;

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/**
 * @param body when given, the request is a POST
 * @throws when there is no answer in time, or a too large one
 */
export async function boundedFetch(url: string, signal: AbortSignal, body?: string): Promise<Answer> {
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > ANSWER_MAX_BYTES) throw new Error(`${url}: an answer of more than ${ANSWER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return { status: response.status, contentType: response.headers.get('content-type') ?? '', bytes: Buffer.concat(chunks) };
}
