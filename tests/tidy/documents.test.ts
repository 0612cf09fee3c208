/** Documents: one title each, and links that lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { documents, read, resolveFrom, root } from './tree.ts';

/** Markdown without its code, in which `#` and brackets mean other things. */
function prose(path: string): string {
  return read(path)
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
    .replace(/`[^`\n]*`/g, '');
}

function titlesOf(path: string): string[] {
  return [...prose(path).matchAll(/^# (.+)$/gm)].map((match) => match[1] ?? '');
}

/** The anchor under which a heading is found (GitHub's rule). */
function anchorsOf(path: string): Set<string> {
  const headings = read(path)
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, text = '']) =>
      text
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

test('there are documents', () => assert.ok(documents.length > 0));

for (const path of documents) {
  test(`${path} has exactly one title, on its first line`, () => {
    assert.equal(titlesOf(path).length, 1);
    assert.match(read(path), /^# \S/);
  });

  test(`${path}: its links lead somewhere`, () => {
    const broken: string[] = [];
    for (const [, target = ''] of prose(path).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : resolveFrom(path, decodeURIComponent(file));
      if (linked.startsWith('..') || !existsSync(join(root, linked))) broken.push(target);
      else if (anchor !== undefined && statSync(join(root, linked)).isFile() && !anchorsOf(linked).has(anchor)) broken.push(target);
    }
    assert.deepEqual(broken, []);
  });
}
