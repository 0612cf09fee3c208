/**
 * Watches the evidence that the ledger keeps, and raises an alert of the highest severity for each log that is proven to
 * have two histories. The ledger's word is not taken for it: each file is judged here, by the keys of this deployment.
 */
import { ALERTS_DATASET, type AlertRaised, type EvidenceItem, transitionMessageId } from '@airtight/protocol';
import type { Vkey } from '@airtight/tlog';
import type { Logger } from 'pino';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { EvidenceSummary, LedgerClient } from '../upstream/ledger-client.ts';
import { forkAlert, forkAlertId, judgeEvidence } from './fork-alert.ts';

/** How often the ledger is asked: a fork is on the screens within a few seconds. */
const ASK_INTERVAL_MS = 2000;

export interface ForkWatchOptions {
  readonly ledger: Pick<LedgerClient, 'evidence' | 'evidenceFile'>;
  readonly ingest: Pick<IngestClient, 'writeRecords'>;
  /** Verifier keys of the logs that are known. */
  readonly logs: readonly Vkey[];
  /** True when the alert is on record. */
  readonly isRaised: (alert: string) => Promise<boolean>;
  readonly logger: Logger;
}

interface Judged {
  /** What the ledger said that it proves when it was judged: a file may be replaced by one that proves more. */
  readonly claim: string | null;
  readonly item: EvidenceItem;
}

export class ForkWatch {
  readonly #options: ForkWatchOptions;
  /** Newest first: as many as the ledger keeps, which bounds them (docs/reference/witness.md). */
  #judged: readonly Judged[] = [];
  /** Alerts that were written since the start, before the fold comes to them. */
  readonly #raised = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;

  constructor(options: ForkWatchOptions) {
    this.#options = options;
  }

  get logs(): readonly Vkey[] {
    return this.#options.logs;
  }

  /** Newest first. */
  get evidence(): readonly EvidenceItem[] {
    return this.#judged.map(({ item }) => item);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#asking ??= this.#ask()
        .catch((error) => this.#options.logger.warn({ err: error }, 'evidence about logs could not be looked at; trying again'))
        .finally(() => {
          this.#asking = undefined;
        });
    }, ASK_INTERVAL_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const kept = await this.#options.ledger.evidence();
    const known = new Map(this.#judged.map((judged) => [judged.item.id, judged]));
    // Oldest first: the first one raises the alert.
    for (const summary of kept.toReversed()) {
      const before = known.get(summary.id);
      if (before !== undefined && before.claim === summary.proven) continue;
      known.set(summary.id, { claim: summary.proven, item: await this.#judge(summary) });
    }
    this.#judged = kept.flatMap(({ id }) => known.get(id) ?? []);
  }

  async #judge({ id, origin, witness, proven, seenAt, heldSize, offeredSize, detail }: EvidenceSummary): Promise<EvidenceItem> {
    const item = { id, origin, witness, seenAt, heldSize, offeredSize, detail };
    if (proven === null) return { ...item, proven: null, alert: null };
    const file = await this.#options.ledger.evidenceFile(id);
    const judged = judgeEvidence(file, this.#options.logs);
    if (!judged.ok) {
      const { code } = judged;
      this.#options.logger.warn(
        { id, origin, claim: proven, code, detail: judged.detail },
        'evidence that does not hold by the keys known here',
      );
      return { ...item, proven: null, alert: null };
    }
    const alert = forkAlertId(file.held);
    if (!this.#raised.has(alert) && !(await this.#options.isRaised(alert))) await this.#raise(forkAlert(file, judged.value));
    this.#raised.add(alert);
    return { ...item, proven: judged.value, alert };
  }

  async #raise(transition: AlertRaised): Promise<void> {
    const { alert, agency, contract, subject } = transition;
    const messageId = transitionMessageId(transition);
    await this.#options.ingest.writeRecords([{ agency, dataset: ALERTS_DATASET, producer: contract, messageId, payload: transition }]);
    this.#options.logger.error({ origin: subject, alert }, 'a log is proven to have two histories; alert raised');
  }
}
