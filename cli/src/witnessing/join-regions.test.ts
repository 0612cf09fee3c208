/** Regions hand each other their cards; what each makes of them is what the ledger and its readers need. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isQuorumMet, type Policy, parsePolicy } from '@airtight/tlog';
import { dataDirectory } from '../data-directory.ts';
import { run } from '../run.ts';
import { Terminal } from '../terminal.ts';
import { commonPolicy, readCard } from './region-card.ts';

const NAMES = ['beijing', 'tianjin', 'hebei', 'university'] as const;
const root = mkdtempSync(join(tmpdir(), 'airtight-cards-'));
after(() => rmSync(root, { recursive: true, force: true }));

const dataOf = (name: string) => dataDirectory(join(root, name));
const cardOf = (name: string) => dataOf(name).regionCardFile;

async function airtight(name: string, ...args: string[]) {
  const config = join(root, `${name}.yaml`);
  const policyFile = dataOf(name).policyFile;
  const ledger = { origin: `ledger.example.gov/${name}`, witnessName: `witness.example.gov/${name}`, policyFile };
  writeFileSync(config, JSON.stringify({ ledger }));
  let said = '';
  const stream = { write: (text: string) => (said += text) };
  const terminal = new Terminal('en', stream, stream);
  return { status: await run(['witness', ...args, '--config', config, '--data', dataOf(name).root], terminal), said };
}

function policyIn(text: string): Policy {
  const policy = parsePolicy(text);
  assert.ok(policy.ok, JSON.stringify(policy));
  return policy.value;
}

test('a card is made once: the keys stay', async () => {
  for (const name of NAMES) {
    const { status, said } = await airtight(name, 'init', '--url', `https://${name}.example.gov/`);
    assert.equal(status, 0, said);
  }
  const before = readFileSync(cardOf('beijing'), 'utf8');
  assert.match(before, /^log ledger\.example\.gov\/beijing\+\S+ https:\/\/beijing\.example\.gov\/ledger\nwitness beijing /);
  assert.match(before, / https:\/\/beijing\.example\.gov\/witness\/v0\nquorum none\n$/);
  await airtight('beijing', 'init', '--url', 'https://beijing.example.gov');
  assert.equal(readFileSync(cardOf('beijing'), 'utf8'), before);
});

test('who joins cosigns for the others, and needs all of them and one from outside', async () => {
  const { status, said } = await airtight('beijing', 'join', cardOf('tianjin'), cardOf('hebei'), '--outside', cardOf('university'));
  assert.equal(status, 0, said);
  const { witnessLogsFile, policyFile, ledgerVkeyFile } = dataOf('beijing');
  const logs = policyIn(readFileSync(witnessLogsFile, 'utf8'));
  assert.deepEqual(logs.logs.map(({ vkey, url }) => [vkey.name, url]).slice(0, 2), [
    ['ledger.example.gov/tianjin', 'https://tianjin.example.gov/ledger'],
    ['ledger.example.gov/hebei', 'https://hebei.example.gov/ledger'],
  ]);
  const text = readFileSync(policyFile, 'utf8');
  assert.ok(text.startsWith(`log ${readFileSync(ledgerVkeyFile, 'utf8').trim()}\n`));
  const policy = policyIn(text);
  assert.deepEqual(policy.witnesses.map(({ name, url }) => [name, url])[0], ['tianjin', 'https://tianjin.example.gov/witness/v0']);
  for (const [cosigned, isMet] of [
    [['tianjin', 'hebei', 'university'], true],
    [['tianjin', 'hebei'], false],
    [['tianjin', 'university'], false],
  ] as const) {
    assert.equal(isQuorumMet(policy, new Set(cosigned)), isMet, cosigned.join());
  }
});

test('without outsiders the regions alone decide; a common policy names all of them', async () => {
  assert.equal((await airtight('tianjin', 'join', cardOf('beijing'), cardOf('hebei'))).status, 0);
  const policy = policyIn(readFileSync(dataOf('tianjin').policyFile, 'utf8'));
  assert.equal(isQuorumMet(policy, new Set(['beijing', 'hebei'])), true);
  assert.equal(isQuorumMet(policy, new Set(['beijing'])), false);
  const common = policyIn(
    commonPolicy(
      ['beijing', 'tianjin', 'hebei'].map((name) => readCard(cardOf(name))),
      2,
    ),
  );
  assert.equal(common.logs.length, 3);
  assert.equal(isQuorumMet(common, new Set(['tianjin', 'hebei'])), true);
  assert.equal(isQuorumMet(common, new Set(['hebei'])), false);
});

test('what cannot work is refused', async () => {
  assert.deepEqual((await airtight('beijing', 'join', cardOf('beijing'))).status, 3, 'its own card');
  assert.equal((await airtight('beijing', 'join', cardOf('tianjin'), cardOf('tianjin'))).status, 3, 'one card twice');
  assert.equal((await airtight('beijing', 'init', '--url', 'beijing.example.gov')).status, 2, 'no address');
  assert.equal((await airtight('beijing', 'join')).status, 2);
  const broken = join(root, 'broken');
  writeFileSync(broken, 'log x\n');
  assert.equal((await airtight('beijing', 'join', broken)).status, 3);
  writeFileSync(broken, 'quorum none\n');
  assert.equal((await airtight('beijing', 'join', broken)).status, 3, 'a card without keys');
});
