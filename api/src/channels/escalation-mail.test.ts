/** Nobody acknowledges: the contract's escalation reaches the chief by mail, though the mail server was away at first. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { contractVersion } from '@airtight/contracts-engine';
import {
  CHANNELS_DATASET,
  type ChannelRecord,
  CONTRACTS_DATASET,
  type DeliveryOutcome,
  decodeRecord,
  deliveriesIn,
  TICKS_DATASET,
} from '@airtight/protocol';
import { Deployment, until } from '../testing/deployment.ts';

const MINUTE_MS = 60_000;
const CONTRACT = `contract: smog
title: { zh: 雾霾, en: Smog }
agency: bj
source: a test
inputs: { air: { dataset: air } }
rules:
  - id: heavy
    severity: moderate
    raise: { when: pm25 > 150.0 }
    clear: { when: pm25 <= 75.0 }
    message: { zh: "{subject}：{pm25}，自 {since}", en: "{subject}: {pm25} since {since}" }
    notify: [desk]
    escalate: [{ after: PT10M, notify: [chief], severity: severe }]
`;
const d = new Deployment();
const mails: string[] = [];
let server: ChildProcess;

before(async () => {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  // Up, but not listening: so it is there at once when it is wanted. It is busy with the first mail.
  server = fork(fileURLToPath(new URL('../testing/mail-server.ts', import.meta.url)), [String(port), '1']);
  await once(server, 'message');
  server.on('message', (said: string | { readonly mail: string }) => {
    if (typeof said === 'object') mails.push(said.mail);
  });
  const smtp = { AIRTIGHT_API_SMTP_HOST: '127.0.0.1', AIRTIGHT_API_SMTP_PORT: String(port), AIRTIGHT_API_SMTP_SECURITY: 'none' };
  await d.begin({ ...smtp, AIRTIGHT_API_SMTP_FROM: 'air@example.cn', AIRTIGHT_API_PUBLIC_URL: 'https://air.example.cn' });
  d.journal.now = Date.now();
  d.defineAir();
  d.station('s1');
  channel('chief', { to: ['chief@example.cn'] });
  channel('desk', { kind: 'cap', sender: 'air.example.cn' });
  d.control(CONTRACTS_DATASET, {
    ...{ type: 'contract', contract: 'smog', version: contractVersion(CONTRACT), text: CONTRACT, author: 'a', approver: 'b' },
  });
  await d.startApi();
});
after(async () => {
  server.disconnect();
  await d.end();
});

function channel(name: string, change: Partial<ChannelRecord>): void {
  d.control(CHANNELS_DATASET, {
    ...{ type: 'channel', channel: name, kind: 'mail', title: { zh: name, en: name }, languages: ['zh', 'en'], filter: {} },
    ...{ namedOnly: true, confidential: false, disabled: false, removed: false, by: 'bo', ...change },
  });
}

function tick(at: number): void {
  d.journal.now = at;
  d.control(TICKS_DATASET, { type: 'tick', at });
}

function attemptsAt(name: string): DeliveryOutcome[] {
  return d.journal.records.flatMap((bytes) => {
    const record = decodeRecord(bytes);
    return (record.ok ? (deliveriesIn(record.value) ?? []) : []).filter((outcome) => outcome.channel === name);
  });
}

/** Quoted-printable: an equals sign at the end of a line joins it to the next. */
const joined = (mail: string) => mail.replaceAll('=\r\n', '');
const headerOf = (mail: string, name: string) => new RegExp(`^${name}: (.*?)\\r?$`, 'm').exec(mail)?.[1];

test('an alert that nobody acknowledges goes to the chief by mail, with one Message-ID at each attempt', async () => {
  const begin = Date.now() - 20 * MINUTE_MS;
  tick(begin);
  d.reading('s1', begin, { pm25: 180 });
  tick(begin + 1000);
  await until(() => attemptsAt('desk').length === 1);
  assert.deepEqual(attemptsAt('chief'), [], 'named by nobody yet');
  for (let minute = 1; minute <= 11; minute++) tick(begin + minute * MINUTE_MS);
  await until(() => attemptsAt('chief').length === 1);
  assert.deepEqual([attemptsAt('chief')[0]?.outcome, attemptsAt('chief')[0]?.detail], ['failed', 'smtp ECONNREFUSED']);
  server.send('listen');
  // By the schedule after 5 s; the server is busy, and a person does not wait for the next time.
  await until(() => attemptsAt('chief').length === 2);
  const { outbox } = d.api.context.channels;
  const [message] = outbox.log('chief', undefined, undefined, 10);
  assert.ok(message && outbox.resend('chief', message.id, Date.now()));
  d.api.context.channels.pump();
  await until(() => attemptsAt('chief').length === 3);
  assert.deepEqual(
    attemptsAt('chief').map(({ attempt, outcome, detail }) => [attempt, outcome, detail]),
    [
      [1, 'failed', 'smtp ECONNREFUSED'],
      [2, 'failed', 'smtp 451'],
      [3, 'delivered', 'accepted'],
    ],
  );
  assert.equal(mails.length, 2);
  assert.deepEqual(
    mails.map((mail) => headerOf(mail, 'Message-ID')),
    Array(2).fill(`<${message?.name}@example.cn>`),
  );
  assert.equal(headerOf(mails[1] ?? '', 'To'), 'chief@example.cn');
  const mail = joined(mails[1] ?? '');
  assert.match(mail, /severe/);
  assert.match(mail, /https:\/\/air\.example\.cn\/api\/v1\/records\/\d+\/proof/);
});

test('the test button of a mail channel sends a mail that nobody takes for an alert', async () => {
  const { channels, control } = d.api.context;
  const known = mails.length;
  channels.test(control.channels.get('chief') as ChannelRecord);
  await until(() => mails.length > known);
  const mail = joined(mails.at(-1) ?? '');
  assert.match(mail, /\[Test\] Test: A test message; nothing is to be done/);
  assert.match(headerOf(mails.at(-1) ?? '', 'Message-ID') ?? '', /^<test_[0-9a-f]+@example\.cn>$/);
  assert.doesNotMatch(mail, /proof/);
});
