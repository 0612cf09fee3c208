/**
 * Runs the tests: `node tests/run.ts` every test of the repository, `node tests/run.ts faults` the long fault loops, `node
 * tests/run.ts data` what is held against whole published data sets.
 *
 * Two stages under one report. Tests of single packages come first, as many at a time as there are cores. Tests that start the
 * whole product come after them, one at a time: each brings its own services and, some of them, a browser.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { type TestEvent, type Totals, withoutTotals } from './report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const HUNG_FILE = new URL('./hung-file.ts', import.meta.url).href;
/** No test may hang the run, nor a file whose tests have ended. The longest single file is the fault loop. */
const FILE_TIMEOUT_MS = 10 * 60_000;
const FAULT_LOOP_TIMEOUT_MS = 60 * 60_000;

/** Tests that kill services as often as FAULT_ROUNDS says: MQTT with HTTP and replay, HTTP uploads, external broker, HJ 212. */
const FAULT_LOOPS = ['tests/faults.test.ts', 'tests/publish.test.ts', 'tests/external-broker.test.ts', 'tests/hj212.test.ts'];
/** Of these files, the tests that kill. */
const FAULT_LOOP_NAMES = /\bkills\b/;
const FAULT_ROUNDS = '20';
/** With FAULT_ROUNDS set it flips bits in more places. */
const BIT_FLIPS = ['cli/src/audit/bit-flip.test.ts'];

interface Stage {
  readonly files: readonly string[];
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly env?: { readonly [name: string]: string };
  /** Only tests of such names. */
  readonly names?: RegExp;
}

function stagesOf(mode: string | undefined): Stage[] {
  const files = (pattern: string) => globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }).sort();
  if (mode === 'faults') {
    const env = { FAULT_ROUNDS: process.env['FAULT_ROUNDS'] ?? FAULT_ROUNDS };
    const loops = { concurrency: 1, timeoutMs: FAULT_LOOP_TIMEOUT_MS, env };
    return [
      { ...loops, files: BIT_FLIPS },
      { ...loops, files: FAULT_LOOPS, names: FAULT_LOOP_NAMES },
    ];
  }
  if (mode === 'data') return [{ files: files('tests/data/*.test.ts'), concurrency: 1, timeoutMs: FILE_TIMEOUT_MS }];
  if (mode !== undefined) throw new Error(`unknown mode ${mode}; there are: faults, data`);
  const single = [...files('*/src/**/*.test.ts'), ...files('tests/tidy/*.test.ts')];
  return [
    { files: single, concurrency: availableParallelism(), timeoutMs: FILE_TIMEOUT_MS },
    { files: files('tests/*.test.ts'), concurrency: 1, timeoutMs: FILE_TIMEOUT_MS },
  ];
}

/** What node has compiled, for the hundreds of processes that the tests start: each begins with half the work. */
const compiled = mkdtempSync(join(tmpdir(), 'airtight-compiled-'));
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));

async function* events(stages: readonly Stage[]): AsyncGenerator<TestEvent> {
  const totals: Totals = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };
  for (const { files, concurrency, timeoutMs, env, names } of stages) {
    const stream = run({
      files: files.map((file) => join(root, file)),
      cwd: root,
      concurrency,
      timeout: timeoutMs,
      execArgv: ['--import', HUNG_FILE],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled, TEST_FILE_LIMIT_MS: `${timeoutMs}`, ...env },
      ...(names === undefined ? {} : { testNamePatterns: names }),
    });
    yield* withoutTotals(stream, totals);
  }
  for (const [name, count] of Object.entries(totals)) {
    yield { type: 'test:diagnostic', data: { message: `${name} ${Math.round(count)}`, nesting: 0, level: 'info' } };
  }
  if (totals.fail + totals.cancelled > 0 || totals.tests === 0) process.exitCode = 1;
}

Readable.from(events(stagesOf(process.argv[2])))
  .compose(new spec())
  .pipe(process.stdout);
