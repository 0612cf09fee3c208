/** Waiting for processes to fall idle, so that the work one round left behind is not charged to the next. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMsOf } from './process-usage.ts';

const STEP_MS = 200;
/** At most two clock ticks of CPU per step count as idle. */
const IDLE_CPU_MS = 20;

/** Resolves when all are idle, or after `timeoutMs`; true when they are idle. */
export async function untilIdle(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  const deadline = performance.now() + timeoutMs;
  let before = total();
  while (performance.now() < deadline) {
    await sleep(STEP_MS);
    const now = total();
    if (now - before <= IDLE_CPU_MS) return true;
    before = now;
  }
  return false;
}
