/** Client of the ledger: what it says of itself, its static files, and the witness behind it. */
import { AirtightError } from '@airtight/protocol';
import type { AnchorKind, CoveringAnchor } from '@airtight/tlog';
import { send } from './ingest-client.ts';

export interface SignedCheckpoint {
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The signed note as published. */
  readonly checkpoint: string;
}

export interface LedgerInfo extends SignedCheckpoint {
  readonly origin: string;
  readonly vkey: string;
  /** Whom it says to trust: a tlog-policy in canonical form. */
  readonly policy: string;
  /** The key that takes over, while both sign. */
  readonly nextVkey?: string | null;
  /** The newest checkpoint that fulfils the policy's quorum; null when there is none. */
  readonly final: SignedCheckpoint | null;
}

/** One witness as the ledger that asks it sees it. */
export interface AskedWitness {
  /** As the policy calls it. */
  readonly name: string;
  /** Name of its key. */
  readonly witness: string;
  readonly url: string | null;
  readonly size: number | null;
  readonly cosignedAt: string | null;
  readonly error: { readonly at: string; readonly detail: string } | null;
}

export interface Cosigning {
  /** Null when no policy asks for cosignatures. */
  readonly log: {
    readonly quorum: string | null;
    /** The own log is proven to have two histories: nothing becomes final. */
    readonly isFrozen: boolean;
    readonly witnesses: readonly AskedWitness[];
  } | null;
  /** Null when the ledger cosigns for nobody. */
  readonly witness: {
    readonly name: string;
    readonly vkey: string;
    readonly logs: readonly { readonly origin: string; readonly size: number | null; readonly cosignedAt: string | null }[];
  } | null;
}

export interface EvidenceSummary {
  /** Hex SHA-256. */
  readonly id: string;
  readonly origin: string;
  /** Who refused. */
  readonly witness: string;
  /** What the ledger says that it proves; null: nothing. */
  readonly proven: string | null;
  readonly seenAt: string;
  readonly heldSize: number;
  readonly offeredSize: number;
  readonly detail: string;
}

/** An evidence file, as far as it is judged (docs/reference/witness.md). */
export interface EvidenceFile extends EvidenceSummary {
  readonly held: string;
  readonly offered: string;
  /** Base64. */
  readonly path: readonly string[];
  readonly otherRoot: string | null;
}

/** An outside sink as the ledger that anchors sees it (docs/reference/internal-http.md). */
export interface AnchorSinkStatus {
  readonly id: string;
  readonly kind: AnchorKind;
  readonly intervalMs: number;
  readonly latest: {
    readonly size: number;
    readonly anchoredAt: string;
    readonly time: string | null;
    readonly authority: string;
  } | null;
  readonly pending: { readonly size: number; readonly since: string } | null;
  readonly error: { readonly at: string; readonly detail: string } | null;
}

/** An answer that is passed on as it is. */
export interface RelayedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | null;
  readonly bytes: Uint8Array;
}

/** An evidence file holds two checkpoints and 63 hashes; a list, 80 summaries of each log. */
const RELAYED_MAX_BYTES = 1024 * 1024;
/** The ledger gives its own peers as long. */
const RELAY_TIMEOUT_MS = 5000;

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

  /** How far the log is cosigned, and what was cosigned for others. @throws AirtightError SERVICE_UNAVAILABLE */
  async cosigning(): Promise<Cosigning> {
    return (await (await send(`${this.#url}/cosigning`, { headers: this.#headers })).json()) as Cosigning;
  }

  /** The outside sinks, and how far each of them is. @throws AirtightError SERVICE_UNAVAILABLE */
  async anchoring(): Promise<readonly AnchorSinkStatus[]> {
    const answer = await (await send(`${this.#url}/anchoring`, { headers: this.#headers })).json();
    return (answer as { readonly sinks: readonly AnchorSinkStatus[] }).sinks;
  }

  /** Of each sink the earliest receipt of a tree of at least this size. @throws AirtightError SERVICE_UNAVAILABLE */
  async anchorsCovering(size: number): Promise<readonly CoveringAnchor[]> {
    const answer = await (await send(`${this.#url}/anchors-covering/${size}`, { headers: this.#headers })).json();
    return (answer as { readonly items: readonly CoveringAnchor[] }).items;
  }

  /** Evidence that it keeps, newest first; none when it neither is nor has a witness. @throws AirtightError SERVICE_UNAVAILABLE */
  async evidence(): Promise<readonly EvidenceSummary[]> {
    try {
      const answer = await (await send(`${this.#url}/witness/v0/evidence`)).json();
      return (answer as { readonly items: readonly EvidenceSummary[] }).items;
    } catch (error) {
      if (error instanceof AirtightError && error.code === 'NOT_FOUND') return [];
      throw error;
    }
  }

  /** @param id hex SHA-256 @throws AirtightError NOT_FOUND, SERVICE_UNAVAILABLE */
  async evidenceFile(id: string): Promise<EvidenceFile> {
    return (await (await send(`${this.#url}/witness/v0/evidence/${id}`)).json()) as EvidenceFile;
  }

  /**
   * A static file of the log.
   * @param path `checkpoint`, `tile/…` or `anchors/…`, already checked against path traversal
   * @throws AirtightError NOT_FOUND, SERVICE_UNAVAILABLE
   */
  async file(path: string): Promise<{ readonly bytes: Uint8Array; readonly contentType: string }> {
    const response = await send(`${this.#url}/${path}`);
    return {
      bytes: new Uint8Array(await response.arrayBuffer()),
      contentType: response.headers.get('content-type') ?? 'application/octet-stream',
    };
  }

  /**
   * A request to the witness whose answer is passed on, a refusal too: its status is what the protocol speaks in.
   * @param path below `/witness/v0/`, already checked
   * @param body when given, the request is a POST
   * @throws AirtightError SERVICE_UNAVAILABLE
   */
  async relay(path: string, body?: Uint8Array): Promise<RelayedAnswer> {
    const init =
      body === undefined ? {} : { method: 'POST', body: Buffer.from(body), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    try {
      const response = await fetch(`${this.#url}/witness/v0/${path}`, { ...init, signal: AbortSignal.timeout(RELAY_TIMEOUT_MS) });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > RELAYED_MAX_BYTES) throw new Error(`an answer of ${bytes.length} bytes`);
      const contentType = response.headers.get('content-type') ?? 'application/octet-stream';
      return { status: response.status, contentType, retryAfter: response.headers.get('retry-after'), bytes };
    } catch (error) {
      throw new AirtightError('SERVICE_UNAVAILABLE', 'the ledger cannot be reached', { cause: error });
    }
  }

  async metrics(): Promise<string> {
    return (await send(`${this.#url}/metrics`, { headers: this.#headers })).text();
  }
}
