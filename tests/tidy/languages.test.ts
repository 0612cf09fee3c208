/** Two languages, complete: every text of the dashboard and of the code list stands in zh-CN and in English. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODES } from '@airtight/protocol';
import { read, sources } from './tree.ts';

interface Messages {
  readonly [key: string]: string | Messages;
}

/** `panel.title` → text, for every leaf. */
function flatten(messages: Messages, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}

const load = (locale: string) => flatten(JSON.parse(read(`dashboard/src/i18n/${locale}.json`)) as Messages);
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

test('the dashboard has the same keys in both languages', () => {
  const [zh, en] = [load('zh-CN'), load('en')];
  assert.ok(zh.size > 0);
  assert.deepEqual([...zh.keys()].sort(), [...en.keys()].sort());
});

test('a text has the same placeholders in both languages, and is not empty', () => {
  const en = load('en');
  for (const [key, text] of load('zh-CN')) {
    assert.notEqual(text.trim(), '', key);
    assert.notEqual(en.get(key)?.trim(), '', key);
    assert.deepEqual(placeholders(text), placeholders(en.get(key) ?? ''), key);
  }
});

test('every key that a screen names exists', () => {
  const keys = load('zh-CN');
  const missing: string[] = [];
  for (const path of sources.filter((file) => file.startsWith('dashboard/src/') && !file.endsWith('.test.ts'))) {
    for (const [, key = ''] of read(path).matchAll(/(?<![\w.])\$?t\(\s*'([^'$]+)'/g)) if (!keys.has(key)) missing.push(`${path}: ${key}`);
  }
  assert.deepEqual(missing, []);
});

test('every code has both texts', () => {
  for (const [code, { zh, en }] of Object.entries(CODES)) {
    assert.match(zh, /\p{Script=Han}/u, code);
    assert.match(en, /^[ -~]+$/, code);
  }
});
