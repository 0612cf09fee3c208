/** What one durable append costs on this disk, without anything around it: the floor under every durable acknowledgement. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One reading. */
const APPEND_BYTES = 200;

/** Appends 200 B and syncs them, one after the other, for so long. Times in ms. Blocks this process. */
export function measureFdatasync(directory: string, durationMs: number): number[] {
  const path = join(directory, 'fdatasync.bin');
  const block = Buffer.alloc(APPEND_BYTES, 0x61);
  const file = openSync(path, 'a');
  const times: number[] = [];
  try {
    const deadline = performance.now() + durationMs;
    while (performance.now() < deadline) {
      const from = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      times.push(performance.now() - from);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return times;
}

/** The same from Node's event loop through its thread pool, once per ms: what a service can have of it. Times in ms. */
export async function measurePacedFdatasync(directory: string, durationMs: number): Promise<number[]> {
  const path = join(directory, 'fdatasync.bin');
  const block = Buffer.alloc(APPEND_BYTES, 0x61);
  await using file = await open(path, 'a');
  const times: number[] = [];
  const deadline = performance.now() + durationMs;
  while (performance.now() < deadline) {
    const from = performance.now();
    await file.write(block);
    await file.datasync();
    times.push(performance.now() - from);
    await sleep(1);
  }
  rmSync(path);
  return times;
}
