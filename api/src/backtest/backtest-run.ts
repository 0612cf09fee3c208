/** A backtest on a thread of its own, with a limit on its memory and its time: neither the fold nor a query waits for it. */
import { Worker } from 'node:worker_threads';
import { AirtightError, type Code } from '@airtight/protocol';
import type { BacktestProgress, BacktestReport, BacktestRequest } from './backtest-report.ts';

/** Of the thread's JavaScript heap; what it reads is bounded beside it (arrivals.ts). */
const HEAP_MAX_MB = 2048;
/** A backtest of years takes seconds; what takes so long asks for too much at once. */
export const BACKTEST_TIME_MAX_MS = 300_000;

export interface BacktestTask {
  readonly request: BacktestRequest;
  readonly ingestUrl: string;
  /** Internal token. */
  readonly token: string;
}

export type BacktestAnswer =
  | { readonly progress: BacktestProgress }
  | { readonly report: BacktestReport }
  | { readonly code: Code; readonly detail: string };

export interface BacktestRun {
  /** @throws AirtightError what tryContract throws; BACKTEST_LIMIT for memory and time; BACKTEST_CANCELLED */
  readonly report: Promise<BacktestReport>;
  cancel(): void;
}

export function runBacktest(
  task: BacktestTask,
  onProgress: (progress: BacktestProgress) => void,
  timeMaxMs = BACKTEST_TIME_MAX_MS,
): BacktestRun {
  const worker = new Worker(new URL('./backtest-worker.ts', import.meta.url), {
    workerData: task,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
  });
  let end: (error: AirtightError) => void = () => undefined;
  const report = new Promise<BacktestReport>((resolve, reject) => {
    end = reject;
    worker.on('message', (answer: BacktestAnswer) => {
      if ('progress' in answer) onProgress(answer.progress);
      else if ('report' in answer) resolve(answer.report);
      else reject(new AirtightError(answer.code, answer.detail));
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(isMemory ? new AirtightError('BACKTEST_LIMIT', `more than ${HEAP_MAX_MB} MiB of memory; ask for a shorter time`) : error);
    });
    worker.on('exit', () => reject(new AirtightError('BACKTEST_CANCELLED', 'it was ended before its report')));
  });
  const timer = setTimeout(() => {
    end(new AirtightError('BACKTEST_LIMIT', `longer than ${timeMaxMs / 1000} s; ask for a shorter time`));
    void worker.terminate();
  }, timeMaxMs);
  const over = (): void => {
    clearTimeout(timer);
    void worker.terminate();
  };
  report.then(over, over);
  return {
    report,
    cancel: () => {
      end(new AirtightError('BACKTEST_CANCELLED', 'a person ended it'));
      void worker.terminate();
    },
  };
}
