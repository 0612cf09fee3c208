import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageOf } from './language.ts';

test('--lang wins over the environment, which POSIX reads in its order', () => {
  assert.equal(languageOf('zh-CN', { LANG: 'en_US.UTF-8' }), 'zh');
  assert.equal(languageOf('en', { LANG: 'zh_CN.UTF-8' }), 'en');
  assert.equal(languageOf(undefined, { LC_ALL: 'zh_CN.UTF-8', LANG: 'en_US.UTF-8' }), 'zh');
  assert.equal(languageOf(undefined, { LC_ALL: '', LANG: 'zh_TW.UTF-8' }), 'zh');
  assert.equal(languageOf(undefined, { LANG: 'C.UTF-8' }), 'en');
  assert.equal(languageOf(undefined, {}), 'en');
});
