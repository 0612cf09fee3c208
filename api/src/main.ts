/** The api process. */

// Before anything that uses libuv's pool is loaded: a slow query must not hold up file writes and password hashes.
process.env['UV_THREADPOOL_SIZE'] ??= '16';

const { run } = await import('./run.ts');
process.exit(await run());

export {};
