/** Merging the tables' parts gives way to taking readings: what is merged some seconds later is the same, an alert is not. */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const THREADS = '/proc/self/task';
/** As the embedded engine names its threads for merges and mutations. */
const MERGE_THREAD = 'MergeMutate';

/**
 * Gives the embedded engine's merge threads the lowest priority; where threads have none of their own (not Linux) nothing.
 * Merges fall behind only while the machine has nothing left, and the engine slows inserts down before there are too many parts.
 * @returns threads that were found, by id
 */
export function yieldMerging(): readonly number[] {
  const threads = mergeThreads();
  // Linux takes a thread's id where a process's is asked for: sched(7), "the nice value is a per-thread attribute".
  for (const thread of threads) setPriority(thread, constants.priority.PRIORITY_LOW);
  return threads;
}

function mergeThreads(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(THREADS)
    .filter((thread) => nameOf(thread).startsWith(MERGE_THREAD))
    .map(Number);
}

/** A thread may end while the list is read. */
function nameOf(thread: string): string {
  try {
    return readFileSync(`${THREADS}/${thread}/comm`, 'utf8');
  } catch {
    return '';
  }
}
