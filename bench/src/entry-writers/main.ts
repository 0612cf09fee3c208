/** The writers of entries, a process of their own, told over IPC. Every answer is looked at. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EntryWriter } from './entry-writer.ts';
import type { StopRequest, WriteRequest, WriterAnswer } from './messages.ts';

/** The ledger's Retry-After. */
const AFTER_REFUSAL_MS = 1000;

let stopped = false;

function fail(error: unknown): void {
  console.error('entry writers:', error);
  process.exit(1);
}

function answer(message: WriterAnswer): void {
  process.send?.(message);
}

async function write(request: WriteRequest): Promise<void> {
  const { port, token, writers, entriesPerRequest: count, firstEntry } = request;
  const { requests = Number.POSITIVE_INFINITY, ratePerSecond = Number.POSITIVE_INFINITY } = request;
  const latency = createHistogram();
  const seen = { refused: 0, minIndex: Number.POSITIVE_INFINITY, maxIndex: -1, indexes: new Set<number>() };
  const opened = await Promise.all(Array.from({ length: writers }, () => EntryWriter.open(port, token, count)));
  stopped = false;
  let sent = 0;
  const start = performance.now();
  const lane = async (writer: EntryWriter): Promise<void> => {
    while (sent < requests && !stopped) {
      const dueInMs = start + ((sent * count) / ratePerSecond) * 1000 - performance.now();
      const first = firstEntry + sent++ * count;
      if (dueInMs > 0) await sleep(dueInMs);
      const from = performance.now();
      let { status, indexes } = await writer.append(first);
      while (status === 503) {
        seen.refused++;
        await sleep(AFTER_REFUSAL_MS);
        ({ status, indexes } = await writer.append(first));
      }
      latency.record(Math.max(1, Math.round((performance.now() - from) * 1000)));
      if (indexes.length !== count) throw new Error(`${indexes.length} indexes for ${count} entries`);
      for (const index of indexes) {
        seen.indexes.add(index);
        seen.minIndex = Math.min(seen.minIndex, index);
        seen.maxIndex = Math.max(seen.maxIndex, index);
      }
    }
  };
  const cpu = process.cpuUsage();
  await Promise.all(opened.map(lane));
  const durationMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  for (const writer of opened) writer.close();
  if (seen.indexes.size !== sent * count) throw new Error(`${sent * count} entries have ${seen.indexes.size} indexes`);
  const [p50Ms, p99Ms] = [50, 99].map((percentile) => latency.percentile(percentile) / 1000) as [number, number];
  const { refused, minIndex, maxIndex } = seen;
  answer({ type: 'written', entries: sent * count, durationMs, p50Ms, p99Ms, refused, minIndex, maxIndex, cpuMs: (user + system) / 1000 });
}

process.on('message', (request: WriteRequest | StopRequest) => {
  if (request.type === 'stop') stopped = true;
  else write(request).catch(fail);
});
process.on('disconnect', () => process.exit(0));
answer({ type: 'ready' });
