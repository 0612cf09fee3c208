import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { verifyPassword } from '@airtight/api';
import { generatePassword, hashPassword } from '@airtight/api/password';
import { isPropertyName } from '@airtight/protocol';
import { ED25519_COSIGNATURE, parsePolicy, parseVkey } from '@airtight/tlog';
import { createDataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { defaultContracts, defaultDatasets, defaultRecords } from './default-records.ts';
import { createLedgerIdentity } from './ledger-key.ts';

const root = mkdtempSync(join(tmpdir(), 'first-start-'));
after(() => rmSync(root, { recursive: true }));

test('the shipped datasets: both languages, units, ranges that make sense', () => {
  const datasets = defaultDatasets();
  assert.deepEqual(
    datasets.map(({ dataset }) => dataset),
    ['air', 'coldchain', 'coldchain-summary', 'logger', 'air-sensor'],
  );
  for (const { title, properties } of datasets) {
    assert.ok(title.zh && title.en);
    for (const [property, { title: text, unit, min = -Infinity, max = Infinity }] of Object.entries(properties)) {
      assert.ok(isPropertyName(property) && text.zh && text.en && unit && min < max, property);
    }
  }
});

test('the shipped contracts have versions, and read datasets that are shipped', () => {
  const contracts = defaultContracts();
  assert.deepEqual(
    contracts.map(({ contract }) => contract),
    ['air-station', 'heavy-pm25', 'hourly-aqi', 'shipment-type1', 'shipment-type2', 'vaccine-fridge'],
  );
  for (const { contract, version, text } of contracts) {
    assert.match(version, /^[0-9a-f]{64}$/);
    assert.match(text, new RegExp(`^contract: ${contract}$`, 'm'));
    const dataset = /\bdataset: ([\w-]+)/m.exec(text)?.[1];
    assert.ok(defaultDatasets().some((definition) => definition.dataset === dataset));
  }
});

test('the first records are named by their content: written again they are repeats', () => {
  const ids = defaultRecords().map(({ messageId }) => messageId);
  assert.deepEqual(
    defaultRecords().map(({ messageId }) => messageId),
    ids,
  );
  assert.equal(new Set(ids).size, defaultDatasets().length + defaultContracts().length);
});

test('a generated password is taken by the service that checks it', async () => {
  const password = generatePassword();
  assert.match(password, /^([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}$/);
  assert.notEqual(generatePassword(), password);
  const hash = await hashPassword(password);
  assert.equal(await verifyPassword(password, hash), true);
  assert.equal(await verifyPassword(`${password}x`, hash), false);
});

test('keys are made once, for their owner alone, and the policy trusts the log that they sign', async () => {
  const data = dataDirectory(join(root, 'data'));
  createDataDirectory(data);
  await createLedgerIdentity(data, undefined, {});
  const token = readInternalToken(data);
  const policyText = readFileSync(data.policyFile, 'utf8');
  const modes = [data.keys, data.internalTokenFile, data.ledgerKeyFile].map((path) => statSync(path).mode & 0o777);
  assert.deepEqual(modes, [0o700, 0o600, 0o600]);
  const policy = parsePolicy(policyText);
  const vkey = parseVkey(readFileSync(data.ledgerVkeyFile, 'utf8').trim());
  assert.ok(policy.ok && vkey.ok);
  assert.equal(policy.value.quorum, null);
  assert.deepEqual(policy.value.logs[0]?.vkey, vkey.value);
  createDataDirectory(data);
  await createLedgerIdentity(data, undefined, {});
  assert.equal(readInternalToken(data), token);
  assert.equal(readFileSync(data.policyFile, 'utf8'), policyText);
});

test('a ledger that is to be a witness gets a key of its own for that, and knows no log yet', async () => {
  const data = dataDirectory(join(root, 'witness'));
  createDataDirectory(data);
  await createLedgerIdentity(data, undefined, {});
  assert.equal(existsSync(data.witnessVkeyFile), false);
  // Later, with the setting: what is there stays, what is missing is made.
  const before = readFileSync(data.ledgerVkeyFile, 'utf8');
  await createLedgerIdentity(data, { witnessName: 'witness.example' }, {});
  assert.equal(readFileSync(data.ledgerVkeyFile, 'utf8'), before);
  const vkeyText = readFileSync(data.witnessVkeyFile, 'utf8');
  const vkey = parseVkey(vkeyText.trim());
  assert.ok(vkey.ok && vkey.value.name === 'witness.example' && vkey.value.type === ED25519_COSIGNATURE);
  const logs = parsePolicy(readFileSync(join(data.keys, 'witness-logs'), 'utf8'));
  assert.ok(logs.ok && logs.value.logs.length === 0);
  assert.equal(statSync(join(data.keys, 'witness.key')).mode & 0o777, 0o600);
  await createLedgerIdentity(data, { witnessName: 'witness.example' }, {});
  assert.equal(readFileSync(data.witnessVkeyFile, 'utf8'), vkeyText);
});
