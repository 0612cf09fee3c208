/** Settings: docs/reference/settings.md tells every one of them, as it is declared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS_DOCUMENT, settingsDocument } from './settings-document.ts';
import { files, read, sources } from './tree.ts';

/** Without the spaces and dashes with which a formatter aligns the columns of a table. */
function unpadded(markdown: string): string {
  return markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
}

test('the page is the one the declarations give; `node tests/tidy/settings-document.ts` writes it anew', async () => {
  assert.equal(unpadded(read(SETTINGS_DOCUMENT)), unpadded(await settingsDocument()));
});

test('every AIRTIGHT_ variable that is read stands on the page', () => {
  const page = read(SETTINGS_DOCUMENT);
  const missing = new Set<string>();
  for (const path of [...sources, ...files.filter((file) => file.startsWith('.ci/'))]) {
    for (const [name] of read(path).matchAll(/\bAIRTIGHT_[A-Z0-9_]*[A-Z0-9]\b/g))
      if (!page.includes(`\`${name}\``)) missing.add(`${path}: ${name}`);
  }
  assert.deepEqual([...missing], []);
});
