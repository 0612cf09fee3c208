/**
 * Type-checks every package with its own compiler options: the pure ones without Node and DOM types, and their tests, which may
 * use Node, apart from them. The dashboard is checked by vue-tsc. Exits 1 when any of them has an error.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Check {
  readonly project: string;
  readonly compiler: string;
}

function checks(): Check[] {
  const found: Check[] = [];
  for (const name of readdirSync(root).sort()) {
    if (!existsSync(join(root, name, 'package.json'))) continue;
    const own = join(root, name, 'node_modules/.bin/vue-tsc');
    const compiler = existsSync(own) ? own : join(root, 'node_modules/.bin/tsc');
    for (const file of ['tsconfig.json', 'tsconfig.test.json']) {
      const project = join(root, name, file);
      if (existsSync(project)) found.push({ project, compiler });
    }
  }
  return found;
}

/** Runs one compiler and prints what it says. @returns true when there was no error */
function check({ project, compiler }: Check): Promise<boolean> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    execFile(compiler, ['--noEmit', '-p', project], { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      process.stdout.write(`${error ? 'errors' : 'ok    '}  ${relative(root, project)}  ${seconds} s\n${stdout}${stderr}`);
      resolve(error === null);
    });
  });
}

async function worker(queue: Check[]): Promise<boolean> {
  let ok = true;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) ok = (await check(next)) && ok;
  return ok;
}

const queue = checks();
if (queue.length === 0) throw new Error('no package with a tsconfig.json');
const results = await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, () => worker(queue)));
if (results.includes(false)) process.exitCode = 1;
