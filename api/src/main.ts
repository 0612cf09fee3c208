/** The api process. */
import { getPriority, setPriority } from 'node:os';

/**
 * The read side gives way where it shares a machine with ingest: an acknowledgement comes first. 5 is a third of the weight of a
 * process at 0 (sched(7)); alone on its machine it has all of it. What queries take is lowered further (thread-priority.ts).
 */
const NICENESS = 5;
if (getPriority() < NICENESS) setPriority(NICENESS);
// Before anything that uses libuv's pool is loaded: a slow query must not hold up file writes and password hashes.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

const { run } = await import('./run.ts');
process.exit(await run());
