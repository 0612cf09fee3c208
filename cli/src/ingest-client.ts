/** The internal interface of ingest (docs/reference/internal-http.md), as far as commands use it. */
import { CODES, type Code, type DeviceRecord, type DeviceTemplate, type Problem } from '@airtight/protocol';
import { EnvironmentError } from './command.ts';
import type { Terminal } from './terminal.ts';

export interface ControlWrite {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  readonly messageId?: string;
  readonly payload: unknown;
}

export type DeviceRequest = Pick<DeviceRecord, 'producer' | 'agency' | 'kind' | 'name' | 'datasets'> &
  Partial<Pick<DeviceRecord, 'region' | 'location' | 'subscribe' | 'simulated' | 'gateway' | 'foreignId' | 'signatureRequired'>> & {
    readonly secret?: string;
    readonly replace?: boolean;
  };

export interface Enrolment {
  readonly username: string;
  readonly secret: string;
  readonly position: number;
}

/** Credentials to be made: `NewCredentials` of docs/reference/internal-http.md. */
export interface CredentialRequest {
  readonly password?: boolean;
  readonly certificate?: { readonly csr?: string; readonly fingerprint256?: string; readonly commonName?: string };
  readonly jwtKey?: string;
  readonly signKey?: string;
}

/** Whichever were made; secrets are in no other answer. */
export interface ShownCredentials {
  readonly username: string;
  readonly position: number;
  readonly secret?: string;
  readonly certificate?: {
    readonly certificate: string;
    readonly privateKey?: string;
    readonly ca: string;
    readonly fingerprint256: string;
  };
  readonly credentials: readonly { readonly id: string; readonly kind: string }[];
}

export interface IngestStatus {
  readonly stream: string;
  readonly head: number;
  readonly sealedThrough: number;
  readonly anchoredThrough: number;
  readonly batches: number;
  readonly connections: number;
  readonly counters: { readonly [name: string]: number };
}

/** A request was refused with a problem document. */
export class IngestRefusal extends Error {
  readonly code: string;
  readonly detail: string;
  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'IngestRefusal';
    this.code = code;
    this.detail = detail;
  }
}

/** Enrolling many devices hashes many secrets. */
const REQUEST_TIMEOUT_MS = 60_000;
/** ingest takes a list in one request; a bounded one keeps the request small. */
const DEVICES_PER_REQUEST = 200;

export class IngestClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /**
   * Writes control records by the one way in.
   * @returns their journal positions, in order
   */
  async writeRecords(records: readonly ControlWrite[]): Promise<number[]> {
    const { results } = await this.#send<{ results: { position: number }[] }>('POST', '/records', { records });
    return results.map(({ position }) => position);
  }

  async enrol(devices: readonly DeviceRequest[]): Promise<Enrolment[]> {
    const enrolments: Enrolment[] = [];
    for (let at = 0; at < devices.length; at += DEVICES_PER_REQUEST) {
      const part = devices.slice(at, at + DEVICES_PER_REQUEST);
      const { results } = await this.#send<{ results: Enrolment[] }>('POST', '/devices', { devices: part });
      enrolments.push(...results);
    }
    return enrolments;
  }

  enrolDevice(request: DeviceRequest & CredentialRequest): Promise<ShownCredentials> {
    return this.#send('POST', '/devices', request);
  }

  /** New credentials beside the old ones, which still count for `overlapMs`. */
  rotate(producer: string, request: CredentialRequest & { readonly overlapMs: number }): Promise<ShownCredentials> {
    return this.#send('POST', `/devices/${producer}/rotate`, request);
  }

  /** @param credential absent: the device with all of them */
  revoke(producer: string, credential: string | undefined): Promise<{ readonly position: number }> {
    return this.#send('POST', `/devices/${producer}/revoke`, credential === undefined ? {} : { credential });
  }

  /** A one-time code with which a device fetches its credentials. */
  newClaim(producer: string, template: DeviceTemplate, lifeMs: number): Promise<{ readonly code: string; readonly validTo: number }> {
    return this.#send('POST', '/claim-codes', { producer, template, lifeMs });
  }

  async status(): Promise<IngestStatus> {
    return await this.#send('GET', '/status');
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
    } catch (error) {
      throw unreachable(this.#url, error);
    }
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    throw new IngestRefusal(problem.code ?? `HTTP ${response.status}`, problem.detail ?? problem.title ?? response.statusText);
  }
}

function unreachable(url: string, error: unknown): EnvironmentError {
  const cause = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error);
  return new EnvironmentError({
    zh: `连不上 ingest（${url}）：${cause}。请先运行 airtight up。`,
    en: `ingest does not answer at ${url}: ${cause}. Run "airtight up" first.`,
  });
}

/** What a request answers; undefined when it was refused, after the code and the reason were said. */
export async function explainRefusal<T>(request: () => Promise<T>, terminal: Terminal): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof IngestRefusal)) throw error;
    const known = CODES[error.code as Code];
    terminal.note(known === undefined ? error.message : `${error.code}: ${terminal.text(known)}: ${error.detail}`);
    if (error.code === 'PRODUCER_EXISTS')
      terminal.note({ zh: '换发新密码请加 --replace 或 --rotate', en: 'Give it new credentials with --replace or --rotate' });
    return undefined;
  }
}
