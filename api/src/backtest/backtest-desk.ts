/** Backtests that people run: one at a time for each, few together, answers kept for a while. */
import { randomBytes } from 'node:crypto';
import { AirtightError, type Code } from '@airtight/protocol';
import type { BacktestProgress, BacktestReport, BacktestRequest } from './backtest-report.ts';
import { type BacktestRun, runBacktest } from './backtest-run.ts';

/** At a time: each has a thread of its own. */
const AT_ONCE_MAX = 1;
/** Answers kept; the oldest goes first. */
const KEPT_MAX = 8;

export interface BacktestJob {
  readonly id: string;
  readonly by: string;
  progress: BacktestProgress | null;
  report: BacktestReport | null;
  fault: { readonly code: Code; readonly detail: string } | null;
}

export class BacktestDesk {
  readonly #source: { readonly ingestUrl: string; readonly token: string };
  readonly #jobs = new Map<string, BacktestJob>();
  readonly #running = new Map<string, BacktestRun>();

  constructor(source: { readonly ingestUrl: string; readonly token: string }) {
    this.#source = source;
  }

  /** @throws AirtightError OVERLOADED when one runs already */
  start(by: string, request: BacktestRequest): BacktestJob {
    if (this.#running.size >= AT_ONCE_MAX) throw new AirtightError('OVERLOADED', 'another backtest is running');
    const job: BacktestJob = { id: randomBytes(8).toString('hex'), by, progress: null, report: null, fault: null };
    const run = runBacktest({ request, ...this.#source }, (progress) => {
      job.progress = progress;
    });
    this.#jobs.set(job.id, job);
    this.#running.set(job.id, run);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > KEPT_MAX && oldest !== undefined) this.#jobs.delete(oldest);
    void run.report
      .then(
        (report) => {
          job.report = report;
        },
        (error: unknown) => {
          if (!(error instanceof AirtightError)) job.fault = { code: 'INTERNAL', detail: String(error) };
          else job.fault = { code: error.code, detail: error.detail };
        },
      )
      .finally(() => this.#running.delete(job.id));
    return job;
  }

  /** @throws AirtightError NOT_FOUND for one that is not known, or is another person's */
  find(id: string, by: string): BacktestJob {
    const job = this.#jobs.get(id);
    if (job?.by !== by) throw new AirtightError('NOT_FOUND', `backtest ${id}`);
    return job;
  }

  cancel(id: string, by: string): void {
    this.find(id, by);
    this.#running.get(id)?.cancel();
  }

  close(): void {
    for (const run of this.#running.values()) run.cancel();
  }
}
