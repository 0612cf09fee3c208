/** The repository as its tidy tests see it: the files that git tracks or would, and what each imports. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Paths relative to the root, with `/`, of every file that is committed or about to be; ignored ones are left out. */
export const files: readonly string[] = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());

export const packages: readonly string[] = readdirSync(root)
  .filter((name) => existsSync(join(root, name, 'package.json')))
  .sort();

/** Content of a file of the tree. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Files in which a person writes sentences or code; pictures, data and the lockfile are none. */
export const texts: readonly string[] = files.filter(
  (path) => /\.(ts|vue|js|mjs|json|md|ya?ml|css|html|sh|svg)$|^\.ci\/|^[^/.]+$/.test(path) && path !== 'pnpm-lock.yaml',
);
export const sources: readonly string[] = files.filter((path) => /\.(ts|vue)$/.test(path) && !path.endsWith('.d.ts'));
export const documents: readonly string[] = files.filter((path) => path.endsWith('.md'));

const IMPORT = /\b(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]|\bimport\s+['"]([^'"]+)['"]/g;
const ENTRY_URL = /new URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g;

/** Every module that a source file imports or re-exports, statically or dynamically. */
export function importsOf(path: string): string[] {
  const text = read(path).replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Files that a source file names by URL: entries of workers and child processes, data. */
export function filesNamedBy(path: string): string[] {
  return [...read(path).matchAll(ENTRY_URL)].map((match) => match[1] ?? '');
}

/** A relative specifier as a path of the tree. */
export function resolveFrom(path: string, specifier: string): string {
  return posix.normalize(posix.join(dirname(path), specifier.replace(/\?.*$/, '')));
}
