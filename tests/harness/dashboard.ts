/** The dashboard's built files: made when they are missing or older than what they are made from. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { finish, root } from './programs.ts';

const BUILT = join(root, 'dashboard/dist/evidence/template.html');
const SOURCES = ['dashboard/*.{html,ts,json}', 'dashboard/{src,public}/**/*', '{contracts-engine,protocol,standards,tlog}/src/**/*.ts'];

function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @throws Error with the build's output when it fails */
export async function buildDashboard(): Promise<void> {
  const newest = Math.max(...globSync(SOURCES, { cwd: root }).map((file) => modifiedAt(join(root, file))));
  if (modifiedAt(BUILT) > newest) return;
  const vite = join(root, 'dashboard/node_modules/.bin/vite');
  for (const config of ['vite.config.ts', 'vite.evidence.config.ts']) {
    const { code, stdout, stderr } = await finish(
      vite,
      ['build', '--logLevel', 'warn', '--config', config],
      180_000,
      join(root, 'dashboard'),
    );
    if (code !== 0) throw new Error(`vite build --config ${config}: ${stdout}\n${stderr}`);
  }
}
