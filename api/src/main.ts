/** The api process. */
import { getPriority, setPriority } from 'node:os';

/**
 * The read side gives way where it shares a machine with ingest: acknowledgements must not wait for its queries. 10 is a
 * tenth of the weight of a process at 0 (sched(7)); alone on its machine it has all of it. Inherited by threads that
 * start later, so before the query engine is loaded.
 */
const NICENESS = 10;
if (getPriority() < NICENESS) setPriority(NICENESS);
// Before anything that uses libuv's pool is loaded: a slow query must not hold up file writes and password hashes.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

const { run } = await import('./run.ts');
process.exit(await run());
