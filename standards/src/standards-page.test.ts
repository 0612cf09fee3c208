/** docs/reference/standards.md against the files and vectors there are. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/reference/standards.md'), 'utf8');
const VECTORS = join(import.meta.dirname, '../../../shared/vectors/domain-vectors.json');

test('the page of the standards names every file, and none that is not there', () => {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).filter((file) => !file.endsWith('.test.ts'));
  const named = new Set([...PAGE.matchAll(/`([a-z0-9-]+\.ts)`/g)].map(([, file]) => file as string));
  assert.deepEqual([...named].sort(), files.sort());
});

test('it names every group of vectors with the number of its cases', (t) => {
  if (!existsSync(VECTORS)) return t.skip('domain-vectors.json is not there');
  const { groups, counts } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
    groups: { id: string; cases: unknown[] }[];
    counts: { total: number };
  };
  const told = new Map<string, number>();
  for (const [, group = '', count] of PAGE.matchAll(/`([a-z0-9-]+)` (\d+)/g)) told.set(group, (told.get(group) ?? 0) + Number(count));
  assert.deepEqual([...told].sort(), groups.map(({ id, cases }): [string, number] => [id, cases.length]).sort());
  assert.ok(PAGE.includes(`runs all ${counts.total} `));
});
