/** Processes of this machine, as a test needs them (Linux: through /proc). */
import { readdirSync, readFileSync } from 'node:fs';

/** Command lines of the children of a process, by their ids. */
export function childrenOf(pid: number): Map<number, readonly string[]> {
  const children = new Map<number, readonly string[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      // stat: pid (comm) state ppid …; comm may hold anything, so what counts begins after its last bracket.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) !== pid || state === 'Z') continue;
      children.set(Number(name), readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0'));
    } catch {
      // It ended meanwhile.
    }
  }
  return children;
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The most resident memory a process has had, in bytes. */
export function peakMemoryBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
