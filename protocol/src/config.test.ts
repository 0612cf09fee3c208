import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AirtightError } from './codes.ts';
import { resolveConfig, type Settings } from './config.ts';

const SETTINGS = {
  host: { type: 'string', env: 'A_HOST', default: '127.0.0.1', doc: '' },
  port: { type: 'integer', env: 'A_PORT', default: 80, min: 1, max: 65535, doc: '' },
  public: { type: 'boolean', env: 'A_PUBLIC', default: false, doc: '' },
  role: { type: 'choice', env: 'A_ROLE', default: 'none', choices: ['none', 'viewer'], doc: '' },
} as const satisfies Settings;

test('environment wins over file, file over default, and the result is frozen', () => {
  const config = resolveConfig(SETTINGS, { host: 'file', port: 81 }, { A_PORT: '82', A_PUBLIC: 'true' });
  assert.deepEqual(config, { host: 'file', port: 82, public: true, role: 'none' });
  assert.ok(Object.isFrozen(config));
});

test('unknown keys and values that do not fit are refused by code', () => {
  const codeOf = (file: unknown, env: Record<string, string> = {}): string => {
    try {
      resolveConfig(SETTINGS, file, env);
      return 'accepted';
    } catch (error) {
      assert.ok(error instanceof AirtightError);
      return error.code;
    }
  };
  assert.equal(codeOf({ hots: 'x' }), 'CONFIG_UNKNOWN_KEY');
  assert.equal(codeOf({ constructor: 'x' }), 'CONFIG_UNKNOWN_KEY');
  for (const port of [0, 65536, 1.5, '80x', '', null, true])
    assert.equal(codeOf({ port }), port === null ? 'accepted' : 'CONFIG_INVALID', `${port}`);
  assert.equal(codeOf({}, { A_ROLE: 'root' }), 'CONFIG_INVALID');
  assert.equal(codeOf({ public: 'yes' }), 'CONFIG_INVALID');
  assert.equal(codeOf([]), 'CONFIG_INVALID');
});
