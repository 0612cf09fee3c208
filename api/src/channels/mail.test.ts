import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { ChannelRecord } from '@airtight/protocol';
import { SMTPServer } from 'smtp-server';
import { testMessage } from './alert-message.ts';
import { channelFault } from './channel-fault.ts';
import { MailSender } from './mail.ts';

const channel: ChannelRecord = {
  ...{ type: 'channel', channel: 'office', kind: 'mail', title: { zh: '局', en: 'Bureau' }, to: ['duty@example.cn'] },
  ...{ languages: ['zh', 'en'], filter: {}, namedOnly: false, confidential: false, disabled: false, removed: false, by: 'chief' },
};
const settings = { smtpHost: '127.0.0.1', smtpSecurity: 'none', smtpUser: '', smtpPasswordFile: '', smtpFrom: 'air@example.cn' } as const;

test('a mail server gets text and HTML under one Message-ID; no text of an alert becomes a header; without TLS nothing where it is demanded', async (t) => {
  const mails: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => {
      text(stream).then((mail) => {
        mails.push(mail);
        done(mails.length === 1 ? Object.assign(new Error('busy'), { responseCode: 451 }) : null);
      }, done);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const smtpPort = (server.server.address() as AddressInfo).port;
  const message = testMessage(channel, 0);
  const forged = { ...message, data: { ...message.data, message: { zh: '高\r\nBcc: x@example.cn', en: '<b>high</b>' } } };
  const letter = { name: 'test_1', body: JSON.stringify(forged) };
  const sender = new MailSender({ ...settings, smtpPort });
  assert.deepEqual(await sender.send(channel, letter), { ok: false, detail: 'smtp 451' });
  assert.deepEqual(await sender.send(channel, letter), { ok: true, detail: 'accepted' });
  for (const mail of mails) {
    assert.match(mail, /^Message-ID: <test_1@example\.cn>\r?$/m);
    assert.match(mail, /^Content-Type: text\/html/m);
    assert.doesNotMatch(mail.slice(0, mail.search(/\r?\n\r?\n/)), /^Bcc:/m);
  }
  const guarded = new MailSender({ ...settings, smtpPort, smtpSecurity: 'starttls' });
  assert.equal((await guarded.send(channel, letter)).ok, false);
  assert.equal(mails.length, 2);
});

test('an address that could carry a header or a list is none', () => {
  assert.equal(channelFault(channel, undefined, new Set()), undefined);
  for (const address of ['a@b.cn\r\nBcc: c@d.cn', 'a@b.cn, c@d.cn', 'A <a@b.cn>', 'a']) {
    assert.equal(channelFault({ ...channel, to: [address] }, undefined, new Set()), 'an address in to is none');
  }
});
