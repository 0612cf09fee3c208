/** Client of the ledger: what it says of itself, and its static files. */
import { send } from './ingest-client.ts';

export interface LedgerInfo {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The signed note as published. */
  readonly checkpoint: string;
}

export class LedgerClient {
  readonly #url: string;
  readonly #headers: { readonly authorization: string };

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/$/, '');
    this.#headers = { authorization: `Bearer ${token}` };
  }

  /** @throws AirtightError SERVICE_UNAVAILABLE */
  async info(): Promise<LedgerInfo> {
    return (await (await send(`${this.#url}/info`, { headers: this.#headers })).json()) as LedgerInfo;
  }

  /**
   * A static file of the log.
   * @param path `checkpoint` or `tile/…`, already checked against path traversal
   * @throws AirtightError NOT_FOUND, SERVICE_UNAVAILABLE
   */
  async file(path: string): Promise<{ readonly bytes: Uint8Array; readonly contentType: string }> {
    const response = await send(`${this.#url}/${path}`);
    return {
      bytes: new Uint8Array(await response.arrayBuffer()),
      contentType: response.headers.get('content-type') ?? 'application/octet-stream',
    };
  }

  async metrics(): Promise<string> {
    return (await send(`${this.#url}/metrics`, { headers: this.#headers })).text();
  }
}
