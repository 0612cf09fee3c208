/** The thread of a backtest: reads the journal's feed, judges, reports, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { AirtightError } from '@airtight/protocol';
import { IngestClient } from '../upstream/ingest-client.ts';
import type { BacktestAnswer, BacktestTask } from './backtest-run.ts';
import { tryContract } from './try-contract.ts';

/** So often the person hears how far it is. */
const PROGRESS_EVERY_MS = 200;

const { request, ingestUrl, token } = workerData as BacktestTask;
const port = parentPort as NonNullable<typeof parentPort>;
const tell = (answer: BacktestAnswer): void => port.postMessage(answer);

let toldAt = Number.NEGATIVE_INFINITY;
try {
  const report = await tryContract(request, new IngestClient(ingestUrl, token), (progress) => {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS && progress.done < progress.total) return;
    toldAt = performance.now();
    tell({ progress });
  });
  tell({ report });
} catch (error) {
  if (!(error instanceof AirtightError)) throw error;
  tell({ code: error.code, detail: error.detail });
}
