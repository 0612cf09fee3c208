/** The thread that hashes: takes durable frames in order, answers closed batches and gaps in devices' numbers. See batch-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { type GapRecord, headerTexts, readFrame } from '@airtight/protocol';
import { SequenceGaps } from '../gaps/sequence-gaps.ts';
import type { ThreadAnswer, ThreadStart } from './batch-thread.ts';
import { Batcher } from './batcher.ts';
import { latin1 } from './latin1.ts';

/** How often an open batch is looked at for its age. */
const AGE_CHECK_MS = 100;
/** How often the state of the watch over numbers is handed over to be kept. */
const STATE_EVERY_MS = 60_000;

const { first, from, gapWindowMs, sequences } = workerData as ThreadStart;
const batcher = new Batcher(first);
const gaps = new SequenceGaps(gapWindowMs, from, sequences);
let position = from;
let found: GapRecord[] = [];

function answer(message: ThreadAnswer): void {
  parentPort?.postMessage(message);
}

function answerAll(): void {
  const closed = batcher.takeClosed();
  if (closed.length > 0) answer({ closed });
  if (found.length === 0 && gaps.unrecorded === 0) return;
  answer({ gaps: found, unrecorded: gaps.unrecorded });
  found = [];
  gaps.unrecorded = 0;
}

parentPort?.on('message', (frames: Uint8Array) => {
  for (let at = 0; at < frames.length; position++) {
    const frame = readFrame(frames, at, crc32);
    if (typeof frame === 'string') throw new Error(`a durable frame is damaged: ${frame}`);
    // The watch may be behind the batches, or before them: each goes on where it was.
    const texts = headerTexts(frame.body, latin1);
    if (position >= first) batcher.add(frame.body, texts);
    if (position >= gaps.position) found.push(...gaps.take(frame.body, texts));
    at = frame.end;
  }
  answerAll();
});

setInterval(() => {
  batcher.closeOld(Date.now());
  answerAll();
}, AGE_CHECK_MS);

setInterval(() => answer({ state: gaps.state() }), STATE_EVERY_MS);
