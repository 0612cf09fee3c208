/** How far ingest and the ledger are, asked once a second and kept for whoever wants to know. */
import type { LedgerStatus } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { IngestClient, IngestStatus } from './ingest-client.ts';
import type { Cosigning, LedgerClient, LedgerInfo } from './ledger-client.ts';

const ASK_INTERVAL_MS = 1000;

export class UpstreamStatus {
  readonly #ingest: Pick<IngestClient, 'status'>;
  readonly #ledger: Pick<LedgerClient, 'info' | 'cosigning'>;
  readonly #logger: Logger;
  readonly #vkey: string | undefined;
  #ingestStatus: IngestStatus | undefined;
  #ledgerInfo: LedgerInfo | undefined;
  #cosigning: Cosigning | undefined;
  #ingestReachable = false;
  #ledgerReachable = false;
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #told = false;

  /** @param vkey the verifier key the deployment trusts; undefined: what the ledger says of itself is taken */
  constructor(
    clients: { readonly ingest: Pick<IngestClient, 'status'>; readonly ledger: Pick<LedgerClient, 'info' | 'cosigning'> },
    vkey: string | undefined,
    logger: Logger,
  ) {
    this.#ingest = clients.ingest;
    this.#ledger = clients.ledger;
    this.#vkey = vkey;
    this.#logger = logger;
  }

  /** Asks once, then at a steady pace. */
  async start(): Promise<void> {
    await this.#ask();
    this.#timer = setInterval(() => {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }, ASK_INTERVAL_MS);
  }

  /** A question under way ends by itself. */
  close(): void {
    clearInterval(this.#timer);
  }

  get ingest(): IngestStatus | undefined {
    return this.#ingestStatus;
  }

  get ingestReachable(): boolean {
    return this.#ingestReachable;
  }

  get ledgerReachable(): boolean {
    return this.#ledgerReachable;
  }

  /** False when the ledger signs with another key than the deployment trusts. */
  get ledgerKeyTrusted(): boolean {
    return this.#vkey === undefined || this.#ledgerInfo === undefined || this.#ledgerInfo.vkey === this.#vkey;
  }

  /** The newest known state; empty texts and zeros while the ledger has never answered. */
  ledger(): LedgerStatus {
    const info = this.#ledgerInfo;
    return {
      origin: info?.origin ?? '',
      vkey: this.#vkey ?? info?.vkey ?? '',
      nextVkey: info?.nextVkey ?? null,
      size: info?.size ?? 0,
      root: info?.root ?? '',
      checkpoint: info?.checkpoint ?? '',
      anchoredThrough: this.#ingestStatus?.anchoredThrough ?? 0,
      finalSize: info?.final?.size ?? null,
      quorum: this.#cosigning?.log?.quorum ?? null,
      isFrozen: this.#cosigning?.log?.isFrozen ?? false,
      witnesses: (this.#cosigning?.log?.witnesses ?? []).map(({ name, witness, size, cosignedAt, error }) => ({
        ...{ name, witness, size, cosignedAt },
        error: error === null ? null : { at: error.at, detail: error.detail },
      })),
    };
  }

  /** The newest checkpoint with its quorum. */
  get final(): LedgerInfo['final'] {
    return this.#ledgerInfo?.final ?? null;
  }

  /** What the ledger cosigns for others; null when it is no witness. */
  get ownWitness(): Cosigning['witness'] {
    return this.#cosigning?.witness ?? null;
  }

  async #ask(): Promise<void> {
    const [ingest, ledger, cosigning] = await Promise.allSettled([this.#ingest.status(), this.#ledger.info(), this.#ledger.cosigning()]);
    this.#ingestReachable = ingest.status === 'fulfilled';
    this.#ledgerReachable = ledger.status === 'fulfilled';
    if (ingest.status === 'fulfilled') this.#ingestStatus = ingest.value;
    if (ledger.status === 'fulfilled') this.#ledgerInfo = ledger.value;
    if (cosigning.status === 'fulfilled') this.#cosigning = cosigning.value;
    if (!this.ledgerKeyTrusted && !this.#told) {
      this.#told = true;
      this.#logger.error(
        { trusted: this.#vkey, answered: this.#ledgerInfo?.vkey },
        'the ledger answers with another verifier key than the trusted one',
      );
    }
  }
}
