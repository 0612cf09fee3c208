/** CAP documents under the schema of the standard, judged by xmllint: an implementation that is not ours. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const SCHEMA = new URL('../../../../shared/data/payload-cap/cap12.xsd', import.meta.url);

/**
 * Skips the test, and says so, where the schema is not there, or xmllint is not; `.ci/run` installs xmllint, so there it fails.
 * @returns what xmllint says of each document that is not valid; undefined when nothing was judged
 */
export function schemaFaults(t: TestContext, documents: readonly string[]): readonly string[] | undefined {
  if (!existsSync(SCHEMA)) {
    t.skip('../shared/data/payload-cap not there');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'airtight-cap-'));
  try {
    const files = documents.map((_, i) => join(folder, `${i}.xml`));
    for (const [i, file] of files.entries()) writeFileSync(file, documents[i] ?? '');
    const { error, stderr } = spawnSync('xmllint', ['--nonet', '--noout', '--schema', SCHEMA.pathname, ...files], { encoding: 'utf8' });
    if (error !== undefined) {
      if (process.env['CI']) throw new Error('xmllint not there', { cause: error });
      t.skip('xmllint not there');
      return undefined;
    }
    return files
      .filter((file) => !stderr.includes(`${file} validates\n`))
      .map((file) => stderr.split('\n').find((line) => line.startsWith(`${file}:`)) ?? stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
