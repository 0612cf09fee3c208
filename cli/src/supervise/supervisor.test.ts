import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitUntil } from '../waiting.ts';
import { restartDelayMs, type ServiceSpec } from './service-process.ts';
import { Supervisor } from './supervisor.ts';

const folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
after(() => rmSync(folder, { recursive: true }));
const limit = () => AbortSignal.timeout(60_000);
/** What does not stop is given so long. */
const GRACE_MS = 700;

function service(name: string, code: string): ServiceSpec {
  const entry = join(folder, `${name}.mjs`);
  writeFileSync(
    entry,
    `import { appendFileSync } from 'node:fs';\nconst note = (text) => appendFileSync(${JSON.stringify(join(folder, `${name}.notes`))}, text + '\\n');\n${code}`,
  );
  return { name, entry, args: [], env: process.env, logFile: join(folder, `${name}.log`) };
}

/** Whole lines only: a file is there before its first line is. */
function notes(name: string): string[] {
  const file = join(folder, `${name}.notes`);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

const STEADY =
  "setInterval(() => {}, 1000); process.on('SIGTERM', () => { note('stopped'); process.exit(0); }); note('up ' + process.pid);";

test('the wait before a restart doubles up to a limit', () => {
  assert.deepEqual([1, 2, 3, 10].map(restartDelayMs), [250, 500, 1000, 10_000]);
});

test('a service that crashes is started again and its last error told; at the end all stop in order', async () => {
  const crashing = `note('up'); console.error('{"level":60,"msg":"it stops","err":{"message":"why"}}'); setTimeout(() => process.exit(7), 50);`;
  const crashes: [string, number | null, string | undefined][] = [];
  const supervisor = new Supervisor([service('crashing', crashing), service('steady', STEADY)], (name, { code, lastError }) =>
    crashes.push([name, code, lastError]),
  );
  supervisor.start();
  assert.ok(await waitUntil(() => crashes.length >= 2 && notes('steady').length > 0, 20, limit()));
  assert.deepEqual(crashes.slice(0, 2), [
    ['crashing', 7, 'it stops: why'],
    ['crashing', 7, 'it stops: why'],
  ]);
  assert.deepEqual(await supervisor.stop(), []);
  assert.deepEqual(supervisor.pids(), {});
  assert.equal(notes('steady').at(-1), 'stopped');
  assert.ok(readFileSync(join(folder, 'crashing.log'), 'utf8').includes('it stops'));
});

test('a service that does not stop is ended', async () => {
  const supervisor = new Supervisor(
    [service('stubborn', "setInterval(() => {}, 1000); process.on('SIGTERM', () => {}); note('up');")],
    () => {},
    GRACE_MS,
  );
  supervisor.start();
  assert.ok(await waitUntil(() => notes('stubborn').length > 0, 20, limit()));
  const begun = performance.now();
  assert.deepEqual(await supervisor.stop(), ['stubborn']);
  const tookMs = performance.now() - begun;
  assert.ok(tookMs > GRACE_MS * 0.9, `not before its time: ${tookMs} ms`);
});

test('a service ends when its supervisor was killed', async (t) => {
  const spec = service('orphan', STEADY);
  const parent = join(folder, 'parent.mjs');
  const supervisorUrl = new URL('./supervisor.ts', import.meta.url).href;
  writeFileSync(
    parent,
    `import { Supervisor } from ${JSON.stringify(supervisorUrl)};\nnew Supervisor([${JSON.stringify(spec)}], () => {}).start();`,
  );
  const process_ = spawn(process.execPath, [parent], { stdio: 'ignore' });
  t.after(() => process_.kill('SIGKILL'));
  assert.ok(await waitUntil(() => notes('orphan').length > 0, 20, limit()));
  const pid = Number(notes('orphan')[0]?.split(' ')[1]);
  process.kill(pid, 0);
  process_.kill('SIGKILL');
  const isGone = () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  assert.ok(await waitUntil(isGone, 20, limit()), 'the service outlived its supervisor');
  assert.equal(notes('orphan').at(-1), 'stopped', 'and it stopped in order');
});
