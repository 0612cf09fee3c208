/**
 * Who gives way where the machine is short of time. The fold is what alerts wait for: it runs in the main thread, which keeps
 * the priority of the process. Queries give way to it and to ingest, merges of the tables' parts to all: what is merged some
 * seconds later is the same.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

const THREADS = '/proc/self/task';
/** A tenth of the weight of a thread at 0 (sched(7)); alone on the machine it has all of it. */
export const QUERY_NICENESS = 10;
export const MERGE_NICENESS = constants.priority.PRIORITY_LOW;
/** As the embedded engine names its threads for merges and mutations. */
const MERGE_THREAD = 'MergeMutate';
/** Collects the garbage of the main thread, which waits for it. */
const COLLECTOR_THREAD = 'node-V8Worker';

/**
 * Lowers the priority of the embedded engine's threads and of those that ask it; threads that they start later inherit theirs.
 * Where threads have no priority of their own (not Linux) nothing.
 * Merges fall behind only while the machine has nothing left, and the engine slows inserts down before there are too many parts.
 */
export function yieldThreads(): void {
  if (process.platform !== 'linux') return;
  for (const { id, name } of threads()) {
    if (id === process.pid || name.startsWith(COLLECTOR_THREAD)) continue;
    const niceness = name.startsWith(MERGE_THREAD) ? MERGE_NICENESS : QUERY_NICENESS;
    // Linux takes a thread's id where a process's is asked for: sched(7), "the nice value is a per-thread attribute".
    if (getPriority(id) < niceness) setPriority(id, niceness);
  }
}

export function threads(): readonly { readonly id: number; readonly name: string }[] {
  return readdirSync(THREADS).map((thread) => ({ id: Number(thread), name: nameOf(thread) }));
}

/** A thread may end while the list is read. */
function nameOf(thread: string): string {
  try {
    return readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
