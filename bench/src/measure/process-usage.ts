/** What the kernel says a process has used. Linux only: /proc. */
import { readFileSync } from 'node:fs';

/** Linux reports CPU times to user space in these ticks on every architecture Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time of a living process with all its threads, user and system, in ms; resolution 10 ms. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // proc(5): the command name may hold blanks and stands in parentheses; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** CPU time of the whole machine, all cores and everything that is not idle, in ms. */
function machineCpuMs(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1').split(/\s+/, 9).map(Number) as number[];
  return ([user, nice, system, irq, softirq, steal].reduce((sum: number, ticks) => sum + (ticks ?? 0), 0) * 1000) / TICKS_PER_SECOND;
}

/**
 * Starts watching what the rest of the machine does: noise, which makes a measurement doubtful.
 * @param pids processes that belong to the measurement
 * @returns a function that tells the cores everything else has used since, on average
 */
export function othersCoresBeside(pids: readonly number[]): () => number {
  const others = (): number => machineCpuMs() - pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  const from = performance.now();
  const before = others();
  return () => Math.max(0, others() - before) / (performance.now() - from);
}

export interface MemoryUsage {
  readonly rssMb: number;
  /** Largest resident size so far (VmHWM). */
  readonly peakMb: number;
}

export function memoryOf(pid: number): MemoryUsage {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rssMb: kb('VmRSS') / 1024, peakMb: kb('VmHWM') / 1024 };
}
