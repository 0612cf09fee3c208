import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import en from './en.json' with { type: 'json' };
import { createMessages, preferredLocale } from './i18n.ts';
import zh from './zh-CN.json' with { type: 'json' };

type Messages = { readonly [key: string]: string | Messages };

function flatten(messages: Messages, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}
const chinese = flatten(zh);
const english = flatten(en);
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test('both languages have the same keys, none empty, with the same placeholders', () => {
  assert.deepEqual([...english.keys()].sort(), [...chinese.keys()].sort());
  for (const [key, text] of chinese) {
    const other = english.get(key) ?? '';
    assert.notEqual(text.trim(), '', key);
    assert.notEqual(other.trim(), '', key);
    assert.deepEqual(placeholders(other), placeholders(text), key);
  }
});

test('every text compiles in both languages', () => {
  const i18n = createMessages('zh-CN').global;
  for (const locale of ['zh-CN', 'en'] as const) {
    i18n.locale.value = locale;
    for (const [key, text] of locale === 'en' ? english : chinese) {
      const values = Object.fromEntries(placeholders(text).map((name) => [name, `<${name}>`]));
      assert.equal(i18n.t(key, values), text.replaceAll(/\{(\w+)\}/g, '<$1>'), key);
    }
  }
});

test('every key that the screens name exists', () => {
  const source = join(import.meta.dirname, '..');
  const keys = [...chinese.keys()];
  let named = 0;
  for (const file of globSync('**/*.{vue,ts}', { cwd: source, exclude: ['**/*.test.ts'] })) {
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, key = ''] of text.matchAll(/\bt\('([\w.-]+)'/g)) {
      named++;
      assert.ok(chinese.has(key), `${file}: ${key}`);
    }
    // t(`prefix.${…}`): at least the family must exist.
    for (const [, prefix = ''] of text.matchAll(/\bt\(`([\w.-]+\.)\$\{/g)) {
      named++;
      assert.ok(
        keys.some((key) => key.startsWith(prefix)),
        `${file}: ${prefix}…`,
      );
    }
  }
  assert.ok(named > 150);
});

test('no text of the screens stands outside the language files', () => {
  const source = join(import.meta.dirname, '..');
  for (const file of globSync('**/*.vue', { cwd: source })) {
    const template = /<template>[\s\S]*<\/template>/.exec(readFileSync(join(source, file), 'utf8'))?.[0] ?? '';
    const han = template.replaceAll('<span :class="{ chosen: locale === \'zh-CN\' }" lang="zh">中</span>', '').match(/\p{Script=Han}+/u);
    assert.equal(han, null, `${file}: ${han?.[0]}`);
  }
});

test('the address wins over memory, memory over the browser', () => {
  assert.equal(preferredLocale('en', 'zh-CN', 'zh-CN'), 'en');
  assert.equal(preferredLocale('zh', 'en', 'en-US'), 'zh-CN');
  assert.equal(preferredLocale(null, 'en', 'zh-CN'), 'en');
  assert.equal(preferredLocale(null, null, 'en-GB'), 'en');
  assert.equal(preferredLocale('fr', null, 'fr-FR'), 'zh-CN');
});
