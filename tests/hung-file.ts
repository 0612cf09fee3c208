/**
 * Preloaded (`node --import`) into the process of every test file: a file that does not end, because a test that failed left a
 * process or a server behind, ends here and fails. The runner's own limit is one of single tests, and it waits for such a file
 * without end.
 */
const limitMs = Number(process.env['TEST_FILE_LIMIT_MS']);

// Processes that a test forks are given the same arguments, and are not the test.
if (process.argv[1]?.endsWith('.test.ts') === true && limitMs > 0) {
  setTimeout(() => {
    console.error(`${process.argv[1]} did not end within ${limitMs} ms; still open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, limitMs).unref();
}
