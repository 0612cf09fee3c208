/** The thread that hashes: takes durable frames in order, answers closed batches. See batch-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { readFrame } from '@airtight/protocol';
import { Batcher } from './batcher.ts';

/** How often an open batch is looked at for its age. */
const AGE_CHECK_MS = 100;

const batcher = new Batcher((workerData as { first: number }).first);

function answer(): void {
  const closed = batcher.takeClosed();
  if (closed.length > 0) parentPort?.postMessage(closed);
}

parentPort?.on('message', (frames: Uint8Array) => {
  for (let at = 0; at < frames.length; ) {
    const frame = readFrame(frames, at, crc32);
    if (typeof frame === 'string') throw new Error(`a durable frame is damaged: ${frame}`);
    batcher.add(frame.body);
    at = frame.end;
  }
  answer();
});

setInterval(() => {
  batcher.closeOld(Date.now());
  answer();
}, AGE_CHECK_MS);
