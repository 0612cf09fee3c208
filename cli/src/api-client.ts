/** The product's outside HTTP interface (docs/reference/http-api.md), as far as commands use it. */
import {
  CODES,
  type Code,
  type Dataset,
  type LedgerStatus,
  type ObservationItem,
  type Problem,
  type Producer,
  type SystemStatus,
} from '@airtight/protocol';
import { EnvironmentError } from './command.ts';

/** A proof file of 10,000 records takes ingest and ledger some seconds. */
const REQUEST_TIMEOUT_MS = 120_000;

/** A request was refused with a problem document. */
export class ApiRefusal extends Error {
  readonly code: string;
  readonly detail: string;
  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'ApiRefusal';
    this.code = code;
    this.detail = detail;
  }

  /** The code in words, when it is one of ours. */
  get known(): (typeof CODES)[Code] | undefined {
    return CODES[this.code as Code];
  }
}

export interface SeriesRange {
  readonly producer: string;
  readonly dataset: string;
  readonly observedProperty: string;
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
}

export class ApiClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/$/, '');
    this.#token = token;
  }

  async producer(name: string): Promise<Producer> {
    return (await this.#get(`producers/${encodeURIComponent(name)}`)).json() as Promise<Producer>;
  }

  async dataset(name: string): Promise<Dataset | undefined> {
    const { items } = (await (await this.#get('datasets')).json()) as { readonly items: readonly Dataset[] };
    return items.find(({ dataset }) => dataset === name);
  }

  async status(): Promise<SystemStatus> {
    return (await this.#get('status')).json() as Promise<SystemStatus>;
  }

  async ledger(): Promise<LedgerStatus> {
    return (await this.#get('ledger')).json() as Promise<LedgerStatus>;
  }

  /** Raw values in order of time, at most `max`. */
  async observations(range: SeriesRange, max: number): Promise<ObservationItem[]> {
    const items: ObservationItem[] = [];
    let cursor: string | null | undefined;
    do {
      const query: Record<string, string> = { ...range, limit: '10000', ...(cursor == null ? {} : { cursor }) };
      const answer = await (await this.#get(`observations?${new URLSearchParams(query)}`)).json();
      const page = answer as { readonly items: readonly ObservationItem[]; readonly next: string | null };
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== null && items.length <= max);
    return items.slice(0, max + 1);
  }

  /** The proof file of a series; records that are not in the ledger yet are left out and counted. */
  async proofs(range: SeriesRange): Promise<{ readonly text: string; readonly pending: number }> {
    const answer = await this.#get(`proofs?${new URLSearchParams({ ...range, pending: 'skip' })}`);
    return { text: await answer.text(), pending: Number(answer.headers.get('airtight-pending')) };
  }

  /** The text of an `airtight-alert@1`. */
  async alertEvidence(id: string): Promise<string> {
    return (await this.#get(`alerts/${encodeURIComponent(id)}/evidence`)).text();
  }

  /** The proof bundle of a record. @param fields of a confidential one, names separated by commas; undefined: all */
  async proof(record: string, fields: string | undefined): Promise<string> {
    const query = fields === undefined ? '' : `?${new URLSearchParams({ fields })}`;
    return (await this.#get(`records/${record}/proof${query}`)).text();
  }

  /** A completeness proof, or a part of one. @param query as `GET completeness` takes it */
  async completeness(query: Readonly<Record<string, string>>): Promise<string> {
    return (await this.#get(`completeness?${new URLSearchParams(query)}`)).text();
  }

  /** JSON of a resource. @param path under `/api/v1/` */
  async read<T>(path: string): Promise<T> {
    return (await this.#get(path)).json() as Promise<T>;
  }

  /** Posts JSON. @throws as reading does */
  async post<T>(path: string, body: object): Promise<T> {
    const text = JSON.stringify(body);
    return (await this.#send(path, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } })).json() as Promise<T>;
  }

  #get(path: string): Promise<Response> {
    return this.#send(path, {});
  }

  /** @throws ApiRefusal; EnvironmentError when nobody answers */
  async #send(
    path: string,
    { headers: own, ...init }: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Response> {
    let response: Response;
    try {
      const headers = { ...own, authorization: `Bearer ${this.#token}` };
      response = await fetch(`${this.#url}/api/v1/${path}`, { ...init, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    } catch (error) {
      const cause = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error);
      throw new EnvironmentError({
        zh: `连不上 ${this.#url}：${cause}。请先运行 airtight up，或用 --api 指定地址。`,
        en: `${this.#url} does not answer: ${cause}. Run "airtight up" first, or say where with --api.`,
      });
    }
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    throw new ApiRefusal(problem.code ?? `HTTP ${response.status}`, problem.detail ?? problem.title ?? response.statusText);
  }
}
