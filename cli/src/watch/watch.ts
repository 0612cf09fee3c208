/**
 * The audit that never ends: each round looks at what is new and at a share of what is old, so that everything is read
 * again within a period. What it finds becomes an alert, by the one way in, and is looked at again in each round until a
 * round finds it mended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ALERTS_DATASET, type AlertEffect, AUDIT_ALERT, CONTROL_AGENCY, transitionMessageId } from '@airtight/protocol';
import { TILE_WIDTH } from '@airtight/tlog';
import { journalExtent } from '../audit/audit-journal.ts';
import type { Finding } from '../audit/finding.ts';
import { type DataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, readRunning } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { auditAlert, auditAlertCleared, auditAlertId } from './audit-alert.ts';
import { type AuditProgress, type OpenFinding, readProgress, writeProgress } from './progress.ts';
import { type AuditTask, runTask, type TaskContext } from './task.ts';

export interface WatchOptions {
  readonly data: DataDirectory;
  readonly intervalMs: number;
  readonly periodMs: number;
  readonly bytesPerSecondMax: number;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onRound: (round: Round) => void;
}

export interface Round {
  readonly batches: { readonly new: number; readonly again: number };
  readonly bundles: { readonly new: number; readonly again: number };
  readonly found: readonly Finding[];
  readonly cleared: readonly Finding[];
  readonly open: number;
}

/** Batches of one piece of work: some thousand records, after which the rate is kept. */
const PIECE_BATCHES = 16;
const PIECE_BUNDLES = 64;

/** Rounds until the signal; a round that cannot be done (ingest is away) is done at the next turn. */
export async function watchAudit(options: WatchOptions, onFailure: (error: unknown) => void): Promise<void> {
  const { signal, intervalMs } = options;
  while (!signal.aborted) {
    await auditRound(options).then(options.onRound, (error: unknown) => (signal.aborted ? undefined : onFailure(error)));
    await delay(intervalMs, undefined, { signal }).catch(() => {});
  }
}

/** One round; what it has found is an alert, durably, before it is remembered as found. */
export async function auditRound(options: WatchOptions): Promise<Round> {
  return await new AuditRound(options, readProgress(options.data)).run();
}

class AuditRound {
  readonly #options: WatchOptions;
  readonly #found: Finding[] = [];
  readonly #cleared: Finding[] = [];
  readonly #context: Omit<TaskContext, 'before'>;
  #progress: AuditProgress;

  constructor(options: WatchOptions, progress: AuditProgress) {
    this.#options = options;
    this.#progress = progress;
    const { data, bytesPerSecondMax, signal } = options;
    this.#context = { data, running: readRunning(data), bytesPerSecondMax, signal };
  }

  async run(): Promise<Round> {
    const now = this.#options.now();
    await this.#lookAgain();
    const bundles = await this.#auditLedger(now);
    const batches = await this.#auditJournal(now);
    for (const kind of ['keys', 'seals'] as const) await this.#do({ kind });
    const isPeriodOver = now - this.#progress.periodAt >= this.#options.periodMs;
    if (isPeriodOver) for (const kind of ['quarantine', 'state', 'anchors'] as const) await this.#do({ kind });
    // What a damaged journal gives, nothing can be held against: it waits until the journal is mended.
    const isSound = !this.#progress.open.some(({ task }) => task.kind === 'batches');
    if (isPeriodOver && isSound) for (const kind of ['removals', 'indices', 'store'] as const) await this.#do({ kind });
    this.#save({ roundAt: now, ...(isPeriodOver && isSound ? { periodAt: now } : {}) });
    return { batches, bundles, found: this.#found, cleared: this.#cleared, open: this.#progress.open.length };
  }

  /** What was found in earlier rounds: when it is gone, the alert returns to normal, and a person may close it. */
  async #lookAgain(): Promise<void> {
    for (const open of this.#progress.open) {
      const { finding } = await this.#run(open.task);
      if (finding !== undefined) {
        await this.#tell(open);
        continue;
      }
      if (open.isTold) await this.#write(auditAlertCleared(open.alert, this.#options.now()));
      this.#cleared.push(open.finding);
      this.#save({ open: this.#progress.open.filter(({ alert }) => alert !== open.alert) });
    }
  }

  async #auditLedger(now: number): Promise<Round['bundles']> {
    const known = Math.ceil((this.#progress.ledger?.size ?? 0) / TILE_WIDTH);
    // The last bundle may have grown.
    const firstNew = Math.max(0, known - 1);
    const fresh = { kind: 'bundles', from: firstNew, to: Number.MAX_SAFE_INTEGER } as const;
    const checkpoint = await this.#do(fresh);
    if (checkpoint !== undefined) {
      this.#save({ ledger: { size: checkpoint.size, root: Buffer.from(checkpoint.root).toString('hex') } });
    }
    const again = await this.#share('bundle', known, PIECE_BUNDLES, now, (from, to) => ({ kind: 'bundles', from, to }));
    return { new: Math.ceil((this.#progress.ledger?.size ?? 0) / TILE_WIDTH) - firstNew, again };
  }

  async #auditJournal(now: number): Promise<Round['batches']> {
    const { batches: old } = this.#progress;
    const head = await this.#head();
    for (let from = old; from < head; from += PIECE_BATCHES) {
      const to = Math.min(head, from + PIECE_BATCHES);
      await this.#do({ kind: 'batches', from, to });
      this.#save({ batches: to });
    }
    const again = await this.#share('batch', old, PIECE_BATCHES, now, (from, to) => ({ kind: 'batches', from, to }));
    return { new: Math.max(0, head - old), again };
  }

  /** As much of what is old as the time since the last round is of the period. @returns how many of them */
  async #share(
    what: 'batch' | 'bundle',
    count: number,
    piece: number,
    now: number,
    taskOf: (from: number, to: number) => AuditTask,
  ): Promise<number> {
    const { roundAt } = this.#progress;
    const elapsedMs = roundAt === 0 ? 0 : Math.max(0, now - roundAt);
    const wanted = Math.min(count, Math.ceil((count * elapsedMs) / this.#options.periodMs));
    for (let done = 0; done < wanted; ) {
      const from = this.#progress.nextOld[what] < count ? this.#progress.nextOld[what] : 0;
      const to = Math.min(count, from + Math.min(piece, wanted - done));
      await this.#do(taskOf(from, to));
      this.#save({ nextOld: { ...this.#progress.nextOld, [what]: to } });
      done += to - from;
    }
    return wanted;
  }

  /** @returns the checkpoint that a task of bundles has seen, unless something was wrong */
  async #do(task: AuditTask): Promise<{ readonly size: number; readonly root: Uint8Array } | undefined> {
    const { finding, checkpoint } = await this.#run(task);
    if (finding === undefined) return checkpoint;
    if (this.#isKnown(finding)) return undefined;
    const since = this.#options.now();
    const isTold = await this.#write(auditAlert(finding, since));
    const open: OpenFinding = { alert: auditAlertId(finding, since), finding, task, since, isTold };
    this.#found.push(finding);
    this.#save({ open: [...this.#progress.open, open] });
    return undefined;
  }

  #isKnown({ code, file, offset }: Finding): boolean {
    return this.#progress.open.some(({ finding }) => finding.code === code && finding.file === file && finding.offset === offset);
  }

  #run(task: AuditTask) {
    const { ledger } = this.#progress;
    const before = ledger === null ? undefined : { size: ledger.size, root: Buffer.from(ledger.root, 'hex') };
    return runTask(task, { ...this.#context, before });
  }

  async #head(): Promise<number> {
    const ingest = this.#ingest();
    return ingest === undefined ? journalExtent(this.#options.data).batches : (await ingest.status()).batches;
  }

  #ingest(): IngestClient | undefined {
    const { data, running } = this.#context;
    return running === undefined ? undefined : new IngestClient(`http://${LOOPBACK}:${running.ports.ingest}`, readInternalToken(data));
  }

  /** What was found while the services were stopped is told when they run and it is still there. */
  async #tell(open: OpenFinding): Promise<void> {
    if (open.isTold || !(await this.#write(auditAlert(open.finding, open.since)))) return;
    this.#save({ open: this.#progress.open.map((one) => (one.alert === open.alert ? { ...one, isTold: true } : one)) });
  }

  /** @returns false while the services are stopped: nobody can be told */
  async #write(transition: AlertEffect): Promise<boolean> {
    const ingest = this.#ingest();
    if (ingest === undefined) return false;
    const messageId = transitionMessageId(transition);
    const record = { agency: CONTROL_AGENCY, dataset: ALERTS_DATASET, producer: AUDIT_ALERT, messageId, payload: transition };
    await ingest.writeRecords([record]);
    return true;
  }

  #save(changed: Partial<AuditProgress>): void {
    this.#progress = { ...this.#progress, ...changed };
    writeProgress(this.#options.data, this.#progress);
  }
}
