/** A signed audit report: it opens by its auditor's key alone, and its page says what was signed. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseVkey } from '@airtight/tlog';
import { auditorKey, vkeyFileOf } from './auditor-key.ts';
import { isReport, openReport, signReport } from './report.ts';
import { noteInPage, reportPage } from './report-page.ts';
import type { AuditResult } from './run-audit.ts';

const dir = mkdtempSync(join(tmpdir(), 'audit-report-'));
after(() => rmSync(dir, { recursive: true }));

const finding = {
  stage: 'journal',
  code: 'JOURNAL_CORRUPT',
  file: 'journal/records/0000000000000000.seg',
  offset: 17,
  position: 3,
  detail: 'a <detail> & "more"',
} as const;
const result: AuditResult = {
  ok: false,
  at: '2026-11-22T00:00:00.000Z',
  tookMs: 1234,
  versions: { airtight: '0.1.0', node: 'v26' },
  checkpoint: { origin: 'a.example/ledger', size: 7, root: 'AAAA' },
  scope: { kind: 'all', since: null, sample: null },
  live: false,
  stages: [{ stage: 'journal', counts: { records: 3 }, finding, remark: { zh: '注', en: 'a remark' } }],
  findings: [finding],
};

test('the key is made once, for its owner alone, and signs what its public half opens', async () => {
  const file = join(dir, 'inspector.key');
  const key = await auditorKey(file, 'audit.example.gov');
  assert.deepEqual((await auditorKey(file, 'another.name')).vkey, key.vkey);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const vkey = parseVkey(readFileSync(vkeyFileOf(file), 'utf8').trim());
  assert.ok(vkey.ok);
  const note = signReport(result, key);
  assert.ok(isReport(note));
  const opened = openReport(note, [vkey.value]);
  assert.ok(opened.ok);
  assert.deepEqual(opened.document.findings, [finding]);
  assert.equal(opened.document.auditor, 'audit.example.gov');
  const stranger = await auditorKey(join(dir, 'stranger.key'), 'audit.example.gov');
  assert.equal(openReport(note, [stranger.vkey]).ok, false);
});

test('no character of the text can be changed', async () => {
  const key = await auditorKey(join(dir, 'b.key'), 'b.example');
  const note = signReport(result, key);
  const end = note.indexOf('\n');
  for (let i = 0; i <= end; i += 7) {
    const changed = `${note.slice(0, i)}${note[i] === '1' ? '2' : '1'}${note.slice(i + 1)}`;
    assert.equal(openReport(changed, [key.vkey]).ok, false, `character ${i}`);
  }
});

test('the page holds the note, names the finding in both languages, and no word of it can be changed', async () => {
  const key = await auditorKey(join(dir, 'c.key'), 'c.example');
  const note = signReport(result, key);
  const page = reportPage(note);
  assert.deepEqual(noteInPage(page), { note, isFaithful: true });
  for (const words of ['日志内容已损坏', 'The journal is corrupt', 'byte 17', 'a &lt;detail&gt;']) assert.ok(page.includes(words), words);
  assert.ok(!page.includes('<script'));
  assert.equal(noteInPage(page.replace('1 thing does not match', '0 things do not match'))?.isFaithful, false);
  assert.equal(noteInPage('<html></html>'), undefined);
});
