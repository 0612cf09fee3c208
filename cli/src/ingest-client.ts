/** The internal interface of ingest (docs/reference/internal-http.md), as far as commands use it. */
import { CODES, type Code, type DatasetDefinition, type DeviceRecord, type DeviceTemplate, type Problem } from '@airtight/protocol';
import { EnvironmentError } from './command.ts';
import type { Terminal } from './terminal.ts';

export interface ControlWrite {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  readonly messageId?: string;
  readonly payload: unknown;
}

export interface ErasureOrder {
  readonly producer: string;
  /** UTC day of receipt, YYYY-MM-DD. */
  readonly day: string;
  readonly reason: string;
  readonly by: string;
}

export type DeviceRequest = Pick<DeviceRecord, 'producer' | 'agency' | 'kind' | 'name' | 'datasets'> &
  Partial<Pick<DeviceRecord, 'region' | 'location' | 'subscribe' | 'simulated' | 'gateway' | 'foreignId' | 'signatureRequired'>> & {
    readonly secret?: string;
    readonly replace?: boolean;
  };

/** A producer that is known from files: it needs no secret. */
export type FileProducer = Pick<DeviceRequest, 'producer' | 'agency' | 'kind' | 'name' | 'region' | 'location' | 'datasets'>;

/** What became of the readings of a chunk. */
export interface ChunkAnswer {
  readonly accepted: number;
  readonly repeats: number;
  readonly revisions: number;
  readonly quarantined: number;
  /** Of those in quarantine the first 1,000: 0-based place in the chunk, and why. */
  readonly refusals: readonly { readonly reading: number; readonly code: string; readonly detail: string }[];
  /** Journal positions of the first and the last record that was added. */
  readonly first?: number;
  readonly last?: number;
}

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
  readonly hj212Password?: string | true;
}

/** Whichever were made; secrets are in no other answer. */
export interface ShownCredentials {
  readonly username: string;
  readonly position: number;
  readonly secret?: string;
  /** Where it was generated. */
  readonly hj212Password?: string;
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

export interface QuarantineFilter {
  readonly code?: string | undefined;
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly door?: string | undefined;
}

export interface QuarantineEntry {
  readonly id: number;
  readonly code: string;
  readonly detail: string;
  readonly receivedAt: number;
  readonly door: string;
  readonly topic: string;
  readonly producer: string;
  readonly dataset?: string;
  readonly size: number;
  readonly kept: number;
  readonly released: number | null;
}

export interface QuarantineAnswer {
  readonly items: readonly QuarantineEntry[];
  readonly next: number | null;
  readonly counts: { readonly [code: string]: number };
}

export interface ReplayResult {
  readonly id: number;
  readonly status: 'accepted' | 'revision' | 'repeat' | 'admissible' | 'refused';
  readonly position?: number;
  readonly code?: string;
  readonly detail?: string;
}

export interface ReplayOrder extends QuarantineFilter {
  readonly ids?: readonly number[] | undefined;
  readonly from?: number;
  readonly dryRun: boolean;
  readonly by: string;
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

  /** Newest definitions with their journal positions. */
  async datasets(): Promise<readonly { readonly position: number; readonly definition: DatasetDefinition }[]> {
    const { items } = await this.#send<{ items: { position: number; definition: DatasetDefinition }[] }>('GET', '/datasets');
    return items;
  }

  /** Newest first. */
  async quarantine(query: QuarantineFilter & { readonly before?: number | undefined; readonly limit: number }): Promise<QuarantineAnswer> {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    return await this.#send('GET', `/quarantine?${new URLSearchParams(given)}`);
  }

  async replayQuarantine(order: ReplayOrder): Promise<{ readonly results: readonly ReplayResult[]; readonly next: number | null }> {
    return await this.#send('POST', '/quarantine/replay', order);
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

  /** Puts those that are not known on record. @returns how many were, and how many got another dataset */
  async enrolFromFile(producers: readonly FileProducer[]): Promise<{ readonly added: number; readonly widened: number }> {
    return await this.#send('POST', '/import/producers', { producers });
  }

  /** Sends a chunk of readings as the file door takes them; answered when they are durable. */
  async importChunk(chunk: Buffer): Promise<ChunkAnswer> {
    const response = await this.#request('POST', '/import/readings', { type: 'application/x-ndjson', body: new Uint8Array(chunk) });
    return (await response.json()) as ChunkAnswer;
  }

  /** Bytes of a stored record; undefined when there is none at that position. */
  async record(position: number): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await (await this.#request('GET', `/records/${position}`)).arrayBuffer());
    } catch (error) {
      if (error instanceof IngestRefusal && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Erases confidential records. @returns how many */
  async erase(order: ErasureOrder): Promise<{ readonly count: number }> {
    return await this.#send('POST', '/erasures', order);
  }

  async status(): Promise<IngestStatus> {
    return await this.#send('GET', '/status');
  }

  async #send<T>(method: string, path: string, json?: unknown): Promise<T> {
    const content = json === undefined ? undefined : { type: 'application/json', body: JSON.stringify(json) };
    return (await (await this.#request(method, path, content)).json()) as T;
  }

  async #request(
    method: string,
    path: string,
    content?: { readonly type: string; readonly body: string | Uint8Array<ArrayBuffer> },
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(content === undefined ? {} : { 'content-type': content.type }) },
        ...(content === undefined ? {} : { body: content.body }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
    } catch (error) {
      throw unreachable(this.#url, error);
    }
    if (response.ok) return response;
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
