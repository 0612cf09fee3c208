/**
 * Passes a device's upload on to ingest as it arrives, and brings back the answer. node:http and not fetch: ingest may
 * answer before the upload has ended (a wrong password, a limit), and that answer must get through.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import {
  AirtightError,
  CODES,
  type Code,
  DEVICE_ADDRESS_HEADER,
  DEVICE_CREDENTIALS_HEADER,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENCY_REPLAYED_HEADER,
  SIGNATURE_HEADER,
} from '@airtight/protocol';

/** Headers of the device that ingest has to know. */
const PASSED_ON = ['content-type', 'content-encoding', 'content-length', SIGNATURE_HEADER, IDEMPOTENCY_KEY_HEADER] as const;
/** Neither bytes nor an answer for this long. The commit of a full upload takes a fraction of it. */
const SILENCE_MAX_MS = 30_000;
/** Results of 10,000 lines with their reasons; more is no answer of ingest's. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

export interface RelayedAnswer {
  /** JSON text of ingest's answer. */
  readonly json: Buffer;
  /** It is that of the first upload with the same idempotency key. */
  readonly replayed: boolean;
}

/** A refusal of ingest's that says when to come again. */
export class RelayedRefusal extends AirtightError {
  /** Value of Retry-After. */
  readonly retryAfter: string | undefined;
  constructor(code: Code, detail: string, retryAfter: string | undefined) {
    super(code, detail);
    this.retryAfter = retryAfter;
  }
}

/**
 * @param url ingest's `/publish` with the query
 * @param address of the device
 * @throws AirtightError with the code of ingest's problem document; SERVICE_UNAVAILABLE when it cannot be reached or breaks off
 */
export async function relayUpload(url: string, token: string, upload: IncomingMessage, address: string): Promise<RelayedAnswer> {
  // With `close`, which `agent: false` would send, ingest would cut the connection behind an early answer, and the answer with it.
  const headers: { [name: string]: string } = {
    authorization: `Bearer ${token}`,
    connection: 'keep-alive',
    [DEVICE_ADDRESS_HEADER]: address,
  };
  for (const name of PASSED_ON) if (upload.headers[name] !== undefined) headers[name] = String(upload.headers[name]);
  if (upload.headers.authorization !== undefined) headers[DEVICE_CREDENTIALS_HEADER] = upload.headers.authorization;
  const relay = httpRequest(url, { method: 'POST', headers, agent: false, timeout: SILENCE_MAX_MS });
  const answer = answerOf(relay);
  relay.on('timeout', () => relay.destroy(new Error('silence')));
  // The sender went away: ingest must not wait for the rest.
  upload.on('close', () => {
    if (!upload.complete) relay.destroy();
  });
  upload.pipe(relay);
  try {
    return await answer;
  } finally {
    // Whatever the sender still sends goes nowhere, so that it can turn to reading the answer.
    upload.unpipe(relay);
    upload.resume();
    relay.destroy();
  }
}

async function answerOf(relay: ClientRequest): Promise<RelayedAnswer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let status = 0;
  let retryAfter: string | undefined;
  let replayed = false;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => relay.on('response', resolve).on('error', reject));
    status = response.statusCode ?? 0;
    retryAfter = response.headers['retry-after'];
    replayed = response.headers[IDEMPOTENCY_REPLAYED_HEADER] === 'true';
    for await (const piece of response as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > ANSWER_MAX_BYTES) throw new Error(`an answer of more than ${ANSWER_MAX_BYTES} bytes`);
      pieces.push(piece);
    }
  } catch (error) {
    throw new AirtightError('SERVICE_UNAVAILABLE', 'the upload was not answered; send it again', { cause: error });
  }
  const json = Buffer.concat(pieces);
  if (status !== 200) throw problemOf(json, status, retryAfter);
  return { json, replayed };
}

function problemOf(text: Buffer, status: number, retryAfter: string | undefined): AirtightError {
  let problem: { readonly code?: unknown; readonly detail?: unknown } | null = null;
  try {
    problem = JSON.parse(text.toString('utf8'));
  } catch {
    // Not a problem document: the status alone is told.
  }
  const code = problem?.code;
  if (typeof code === 'string' && Object.hasOwn(CODES, code))
    return new RelayedRefusal(code as Code, String(problem?.detail ?? ''), retryAfter);
  return new AirtightError('SERVICE_UNAVAILABLE', `/publish: HTTP ${status}`);
}
