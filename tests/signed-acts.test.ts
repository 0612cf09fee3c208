/**
 * What people do under their own signature: a contract proposed by one and approved by another with keys that they alone hold,
 * a flag, the end of a key. The record carries the signature, its proof proves it, and nothing else is taken in that name.
 */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONTRACTS_DATASET, type ContractDraft, FLAGS_DATASET, type FlagRecord, type Role } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { type Answer, People } from './harness/people.ts';
import { type Product, startProduct } from './harness/product.ts';
import { airtight, finish, has } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

const TEXT = `contract: winter
title: { zh: 冬季, en: Winter }
agency: beijing
source: a test
inputs:
  air: { dataset: air, accept: { flags: [late, q=N] } }
windows:
  pm25_3h: { mean: pm25, over: PT3H, require: "2" }
rules:
  - id: heavy
    severity: severe
    raise: { when: pm25_3h > 150.0, for: PT1H }
    clear: { when: pm25_3h <= 75.0 }
    message: { zh: "{subject}：{pm25_3h}", en: "{subject}: {pm25_3h}" }
`;
const folder = mkdtempSync(join(tmpdir(), 'airtight-signed-acts-'));
const contractFile = join(folder, 'winter.yaml');
let people: People;
let product: Product;

const inFolder = (name: string): string => join(folder, name);

/** Signs as the documentation says, with what Node has. */
function signed(name: string, dataset: string, act: object, said: { readonly at?: number; readonly id?: string } = {}) {
  const key = createPrivateKey(readFileSync(inFolder(`${name}.key`), 'utf8'));
  const publicKey = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x as string, 'base64url');
  const kid = createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
  const message = `airtight-reading-v1\nairtight/${dataset}/airtight-api\n${canonicalJson(act)}`;
  return { kid, sig: sign(null, Buffer.from(message), key).toString('base64url'), ...said };
}

async function addPerson(person: string, role: Role): Promise<void> {
  writeFileSync(inFolder(`${person}.token`), `${await people.add(person, role)}\n`);
}

const request = (person: string, path: string, body?: object): Promise<Answer> => people.request(person, path, body);

/** A command as a person runs it, with that person's token. */
async function run(person: string, ...args: string[]): Promise<Record<string, unknown>> {
  const answer = await airtight([...args, '--data', product.dataDir, '--token-file', inFolder(`${person}.token`), '--json']);
  return { exit: answer.code, ...JSON.parse(answer.stdout) };
}

/** Names of the steps of a record's proof, checked offline, and whether all hold. */
async function proofOf(position: unknown): Promise<{ readonly ok: boolean; readonly steps: readonly string[]; readonly text: string }> {
  await product.untilAnchored();
  const text = await (await product.fetch(`/api/v1/records/${position}/proof`)).text();
  const file = inFolder(`${position}.json`);
  writeFileSync(file, text);
  return { ...(await verified(file)), text };
}
async function verified(file: string): Promise<{ readonly ok: boolean; readonly steps: readonly string[] }> {
  const { stdout } = await airtight(['verify', file, '--data', product.dataDir, '--json']);
  const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { step: string; ok: boolean; detail: string }[] };
  return { ok, steps: steps.map((one) => `${one.step}${one.ok ? '' : '!'}: ${one.detail}`) };
}

before(async () => {
  product = await startProduct();
  people = new People(product);
  await product.enrol('station-1');
  await addPerson('anna', 'operator');
  await addPerson('bo', 'administrator');
  await addPerson('cai', 'administrator');
  writeFileSync(contractFile, TEXT);
  await until('the tokens are known', async () => (await request('cai', 'contracts')).status === 200);
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a key is made by the person, or by openssl, and its public half put on record; one counts at a time', async (t) => {
  assert.equal((await run('anna', 'signing-key', 'new', inFolder('anna.key')))['exit'], 0);
  const known = await run('anna', 'signing-key', 'register', inFolder('anna.key'), '--name', 'anna');
  assert.deepEqual([known['exit'], known['person'], known['validTo']], [0, 'anna', null]);
  assert.match(readFileSync(inFolder('anna.key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
  if (has(t, 'openssl')) await finish('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', inFolder('bo.key')]);
  else await run('bo', 'signing-key', 'new', inFolder('bo.key'));
  const wrong = await run('bo', 'signing-key', 'register', inFolder('bo.key'), '--name', 'anna');
  assert.equal(wrong['code'], 'SIGNATURE_INVALID', 'a key is put on record in the own name alone');
  assert.equal((await run('bo', 'signing-key', 'register', inFolder('bo.key'), '--name', 'bo'))['exit'], 0);
  await run('anna', 'signing-key', 'new', inFolder('second.key'));
  const second = await run('anna', 'signing-key', 'register', inFolder('second.key'), '--name', 'anna');
  assert.equal(second['code'], 'PERSON_KEY_EXISTS');
  const copied = await run('cai', 'signing-key', 'register', inFolder('bo.key'), '--name', 'cai');
  assert.equal(copied['code'], 'PERSON_KEY_EXISTS', 'nobody signs with the key of another');
});

test('author and approver sign; the proof of the record proves whose signature it is', async () => {
  const plain = await run('anna', 'contract', 'propose', contractFile);
  assert.equal(plain['code'], 'SIGNATURE_MISSING', 'a token alone proposes nothing in her name');
  const draft = await run('anna', 'contract', 'propose', contractFile, '--note', 'for winter', '--signing-key', inFolder('anna.key'));
  assert.equal(draft['exit'], 0, JSON.stringify(draft));
  assert.equal((await request('bo', `contracts/drafts/${draft['draft']}/approve`, {})).body['code'], 'SIGNATURE_MISSING');
  const approved = await run('bo', 'contract', 'approve', String(draft['draft']), '--signing-key', inFolder('bo.key'));
  assert.equal(approved['exit'], 0, JSON.stringify(approved));
  assert.equal(typeof approved['authorKey'], 'string');
  assert.equal(typeof approved['approverKey'], 'string');
  for (const [record, person] of [
    [draft['record'], 'anna'],
    [approved['record'], 'bo'],
  ]) {
    const { ok, steps } = await proofOf(record);
    assert.equal(ok, true, steps.join('\n'));
    assert.ok(
      steps.some((step) => step.startsWith('signature: ')),
      steps.join('\n'),
    );
    assert.ok(
      steps.some((step) => step.startsWith('deviceKey: ') && step.includes(` of ${person}, `)),
      steps.join('\n'),
    );
  }
});

test('what was not signed just so is refused: another text, another key, another time, one signature twice', async () => {
  const text = TEXT.replace('150.0', '120.0');
  const { version } = (await request('anna', 'contracts/check', { text })).body;
  const said = { at: Date.now(), id: randomBytes(8).toString('hex') };
  const draft: ContractDraft = {
    ...{
      type: 'contract-draft',
      draft: said.id,
      contract: 'winter',
      version: version as string,
      text,
      author: 'anna',
      at: said.at,
      note: '',
    },
  };
  const good = signed('anna', CONTRACTS_DATASET, draft, said);
  const code = async (body: object, person = 'anna') => (await request(person, 'contracts', body)).body['code'];
  assert.equal(await code({ text: TEXT, signature: good }), 'SIGNATURE_INVALID', 'another text');
  assert.equal(await code({ text, note: 'x', signature: good }), 'SIGNATURE_INVALID', 'a note that was not signed');
  assert.equal(await code({ text, signature: good }, 'bo'), 'SIGNATURE_INVALID', "somebody else's");
  assert.equal(await code({ text, signature: signed('bo', CONTRACTS_DATASET, draft, said) }), 'SIGNATURE_INVALID', 'by another key');
  assert.equal(await code({ text, signature: { ...good, at: said.at + 1 } }), 'SIGNATURE_INVALID', 'another time');
  const old = { ...draft, at: said.at - 3_600_000 };
  const late = signed('anna', CONTRACTS_DATASET, old, { ...said, at: old.at });
  assert.equal(await code({ text, signature: late }), 'SIGNATURE_INVALID', 'kept for an hour');
  const flipped = { ...good, sig: `${good.sig.startsWith('A') ? 'B' : 'A'}${good.sig.slice(1)}` };
  assert.equal(await code({ text, signature: flipped }), 'SIGNATURE_INVALID');
  assert.equal(await code({ text, signature: good }), undefined, 'as it was signed');
  assert.equal(await code({ text, signature: good }), 'REQUEST_INVALID', 'the same again');
});

test('a quality flag and its withdrawal are signed; a key record of another person in the proof convinces nobody', async () => {
  const series = { dataset: 'air', producer: 'station-1', observedProperty: 'pm25' };
  const [from, to] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T02:00:00Z')];
  const body = { ...series, from: new Date(from).toISOString(), to: new Date(to).toISOString(), flag: 4, reason: 'inlet blocked' };
  const said = { at: Date.now(), id: randomBytes(8).toString('hex') };
  const flag: FlagRecord = { ...series, type: 'flag', id: said.id, from, to, flag: 4, reason: body.reason, at: said.at, by: 'anna' };
  assert.equal((await request('anna', 'observations/flags', body)).body['code'], 'SIGNATURE_MISSING');
  const signature = signed('anna', FLAGS_DATASET, flag, said);
  const placed = await request('anna', 'observations/flags', { ...body, signature });
  assert.deepEqual([placed.status, placed.body['by'], placed.body['key']], [200, 'anna', signature.kid], JSON.stringify(placed.body));
  const proof = await proofOf(placed.body['record']);
  assert.equal(proof.ok, true, proof.steps.join('\n'));
  const bundle = JSON.parse(proof.text);
  const keys = (await request('bo', 'signing-keys')).body['items'] as { person: string; record: string }[];
  const other = await proofOf(keys.find(({ person }) => person === 'bo')?.record);
  const { record, position, batchPath, batch, ledgerPath, ledgerIndex } = JSON.parse(other.text);
  writeFileSync(
    inFolder('swapped.json'),
    JSON.stringify({ ...bundle, deviceKey: { ...bundle.deviceKey, record, position, batchPath, batch, ledgerPath, ledgerIndex } }),
  );
  assert.equal((await verified(inFolder('swapped.json'))).ok, false);
  const at = Date.now();
  const withdrawn: FlagRecord = { ...flag, flag: null, reason: 'a mistake', at };
  const path = `observations/flags/${said.id}/withdraw`;
  const back = await request('anna', path, { ...series, reason: 'a mistake', signature: signed('anna', FLAGS_DATASET, withdrawn, { at }) });
  assert.equal((back.body['withdrawn'] as { by: string } | undefined)?.by, 'anna', JSON.stringify(back.body));
});

test('a person ends a key with that key; after it nothing is taken in that name until another is on record', async () => {
  const [{ kid } = { kid: '' }] = ((await request('anna', 'signing-keys')).body['items'] as { kid: string; person: string }[]).filter(
    ({ person }) => person === 'anna',
  );
  assert.equal((await request('anna', `signing-keys/anna/${kid}/end`, {})).body['code'], 'SIGNATURE_MISSING', 'who stole the token alone');
  assert.equal((await request('anna', `signing-keys/bo/${kid}/end`, {})).status, 403, 'an operator ends nobody else’s');
  const ended = await run('anna', 'signing-key', 'end', inFolder('anna.key'));
  assert.deepEqual([ended['exit'], typeof ended['validTo']], [0, 'string'], JSON.stringify(ended));
  const { ok, steps } = await proofOf(ended['record']);
  assert.equal(ok, true, steps.join('\n'));
  assert.equal((await request('anna', 'contracts', { text: TEXT })).body['code'], 'SIGNATURE_MISSING');
  const again = await run('anna', 'signing-key', 'register', inFolder('anna.key'), '--name', 'anna');
  assert.equal(again['code'], 'PERSON_KEY_EXISTS', 'a key that ended counts never again');
  assert.equal((await run('anna', 'signing-key', 'register', inFolder('second.key'), '--name', 'anna'))['exit'], 0);
  const draft = await run('anna', 'contract', 'propose', contractFile, '--signing-key', inFolder('second.key'));
  assert.equal(draft['exit'], 0, JSON.stringify(draft));
  // Of who lost it, an administrator ends it.
  const [{ kid: second } = { kid: '' }] = (
    (await request('anna', 'signing-keys')).body['items'] as { kid: string; person: string; validTo: string | null }[]
  ).filter(({ person, validTo }) => person === 'anna' && validTo === null);
  const byOther = await request('cai', `signing-keys/anna/${second}/end`, {});
  assert.equal(byOther.status, 200, JSON.stringify(byOther.body));
});
