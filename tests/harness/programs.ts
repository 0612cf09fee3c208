/** Other people's programs that tests use, and the real data that lies beside the repository. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** Official vectors and real data; not part of the repository, so a test that needs them says when they are not there. */
export const sharedFolder = join(root, '..', 'shared');

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a non-zero exit is a result, not an error. */
export function finish(program: string, args: readonly string[], timeoutMs = 60_000, cwd = root): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const options = { cwd, timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' as const };
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stderr}`, { cause: error }));
    });
    child.stdin?.end();
  });
}

/** `airtight …` as a person runs it. */
export function airtight(args: readonly string[], timeoutMs = 120_000): Promise<Finished> {
  return finish(process.execPath, ['cli/src/main.ts', ...args], timeoutMs);
}

/** Where a program lies on this machine. Debian keeps servers in a folder that is not on every user's path. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Skips the test, and says so, where a program is not installed. `.ci/run` installs all of them, so there it fails.
 * @returns true when the test can go on
 */
export function has(t: TestContext, ...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => pathOf(program) === undefined);
  if (missing.length === 0) return true;
  if (process.env['CI']) throw new Error(`${missing.join(', ')} not there`);
  t.skip(`${missing.join(', ')} not there`);
  return false;
}

/** A file of the shared folder; skips the test, and says so, where it is not there. */
export function sharedFile(t: TestContext, ...path: readonly string[]): string | undefined {
  const file = join(sharedFolder, ...path);
  if (existsSync(file)) return file;
  t.skip(`../shared/${path.join('/')} not there`);
  return undefined;
}
