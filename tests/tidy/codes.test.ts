/** Stable codes: what protocol/src/codes.ts declares, what docs/reference/codes.md tells and what the code answers are one list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODES } from '@airtight/protocol';
import { read, sources } from './tree.ts';

const DOCUMENT = 'docs/reference/codes.md';
const DECLARATION = 'protocol/src/codes.ts';

interface Row {
  readonly status: number;
  readonly zh: string;
  readonly en: string;
  readonly when: string;
}

/** Rows of the document's tables: | `CODE` | status | zh | en | when it occurs | */
function documented(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of read(DOCUMENT).split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const code = /^`([A-Z0-9_]+)`$/.exec(cells[1] ?? '')?.[1];
    if (code === undefined) continue;
    assert.ok(!rows.has(code), `${code} stands twice`);
    rows.set(code, { status: Number(cells[2]), zh: cells[3] ?? '', en: cells[4] ?? '', when: cells[5] ?? '' });
  }
  return rows;
}

test('every code is documented, and every documented code exists', () => {
  assert.deepEqual([...documented().keys()].sort(), Object.keys(CODES).sort());
});

test('the document gives each code its status and its two texts, and says when it occurs', () => {
  for (const [code, row] of documented()) {
    const { status, zh, en } = CODES[code as keyof typeof CODES];
    assert.deepEqual({ status: row.status, zh: row.zh, en: row.en }, { status, zh, en }, code);
    assert.ok(row.when.length > 10, `${code}: when?`);
  }
});

test('a code is declared once', () => {
  const keys = [...read(DECLARATION).matchAll(/^ {2}([A-Z0-9_]+): \{/gm)].map((match) => match[1]);
  assert.deepEqual(keys, [...new Set(keys)]);
  assert.deepEqual(keys.sort(), Object.keys(CODES).sort());
});

test('every code is answered somewhere', () => {
  const code = sources
    .filter((path) => path !== DECLARATION && !path.endsWith('.test.ts'))
    .map(read)
    .join('\n');
  assert.deepEqual(
    Object.keys(CODES).filter((name) => !new RegExp(`\\b${name}\\b`).test(code)),
    [],
  );
});

test('no code is answered that is not declared', () => {
  const undeclared: string[] = [];
  // What a proof does not prove is told by codes of its own: they are no refusals.
  const elsewhere = /\.test\.ts$|^tests\/|^bench\/|^tlog\/src\/proof-limits\.ts$|^contracts-engine\/src\/evidence\/evidence-words\.ts$/;
  for (const path of sources.filter((file) => !elsewhere.test(file))) {
    const named = read(path).matchAll(
      /\b(?:code(?:: *| *= *)|refuse\(|fail\(|new \w*Error\(|new Found\()'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g,
    );
    for (const [, code = ''] of named) if (!Object.hasOwn(CODES, code)) undeclared.push(`${path}: ${code}`);
  }
  assert.deepEqual(undeclared, []);
});
