import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LEDGER_SETTINGS, resolveLedgerConfig } from './config.ts';

test('environment wins over the file, which wins over defaults; files default into the data directory', () => {
  const config = resolveLedgerConfig({ port: 9, origin: 'a.example' }, { AIRTIGHT_LEDGER_PORT: '0', AIRTIGHT_DATA: '/data' });
  assert.deepEqual(config, {
    dataDir: '/data',
    origin: 'a.example',
    keyFile: '/data/keys/ledger.key',
    nextKeyFile: '',
    witnessName: '',
    witnessKeyFile: '/data/keys/witness.key',
    witnessLogsFile: '/data/keys/witness-logs',
    peerCheckpointIntervalMs: 3_600_000,
    policyFile: '',
    cosigningIntervalMs: 1000,
    anchorTsaUrl: '',
    anchorTsaRootsFile: '/data/keys/tsa-roots.pem',
    anchorTsaIntervalMs: 3_600_000,
    anchorFile: '',
    anchorFileIntervalMs: 600_000,
    anchorGitDir: '',
    anchorGitRemote: '',
    anchorGitIntervalMs: 86_400_000,
    tokenFile: '/data/keys/internal.token',
    host: '127.0.0.1',
    port: 0,
    logLevel: 'info',
  });
  assert.ok(Object.isFrozen(config));
  const own = resolveLedgerConfig(undefined, { AIRTIGHT_DATA: '/own', AIRTIGHT_LEDGER_KEY_FILE: '/k' });
  assert.deepEqual([own.dataDir, own.keyFile], ['/own', '/k']);
});

test('refusals', () => {
  assert.throws(() => resolveLedgerConfig({ prot: 1 }, {}), { code: 'CONFIG_UNKNOWN_KEY', detail: 'prot' });
  assert.throws(() => resolveLedgerConfig([], {}), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveLedgerConfig({ port: 65_536 }, {}), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveLedgerConfig({}, { AIRTIGHT_LEDGER_PORT: '80a' }), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveLedgerConfig({ host: 1 }, {}), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveLedgerConfig({ logLevel: 'loud' }, {}), { code: 'CONFIG_INVALID' });
});

test('every setting says what it is for', () => {
  for (const [key, { env, doc }] of Object.entries(LEDGER_SETTINGS)) {
    assert.match(env, /^AIRTIGHT_[A-Z_]+$/, key);
    assert.ok(doc.length > 20, key);
  }
});

test("every code of this package and of tlog stands in the product's list", () => {
  const list = new URL('../../protocol/src/codes.ts', import.meta.url);
  assert.ok(existsSync(list));
  const declared = readFileSync(list, 'utf8');
  const unions = ['./ledger-error.ts', '../../tlog/src/verdict.ts', './http/problem.ts'].map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  );
  const codes = unions.join('\n').match(/(?<=\| ')[A-Z_]+(?=')|(?<=^ {2})[A-Z_]+(?=: \{)/gm) ?? [];
  assert.ok(codes.length > 30, `${codes.length} codes`);
  for (const code of codes) assert.match(declared, new RegExp(`^ {2}${code}: \\{`, 'm'));
});
