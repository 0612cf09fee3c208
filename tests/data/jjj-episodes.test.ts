/** The episodes in docs/reference/shipped-contracts.md are what the shipped contract tells of the data sets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../harness/programs.ts';
import { hasData, tables } from './jjj-episodes.ts';

/** Tables without their padding. */
const bare = (text: string): string => text.replace(/ +\|/g, ' |').replace(/\| +/g, '| ').replace(/-{3,}/g, '---');

test('heavy pollution episodes by version of the conditions stand in the docs as they are computed', (t) => {
  if (!hasData()) return t.skip('air-beijing-uci or air-china-cnemc is not there');
  const page = bare(readFileSync(join(root, 'docs/reference/shipped-contracts.md'), 'utf8'));
  for (const table of bare(tables()).trim().split('\n\n')) assert.ok(page.includes(table), table);
});
