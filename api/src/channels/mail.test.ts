import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { ChannelRecord } from '@airtight/protocol';
import { SMTPServer } from 'smtp-server';
import { testMessage } from './alert-message.ts';
import { channelFault } from './channel-fault.ts';
import { MailSender } from './mail.ts';

const channel: ChannelRecord = {
  ...{ type: 'channel', channel: 'office', kind: 'mail', title: { zh: '局', en: 'Bureau' }, to: ['duty@example.cn'] },
  ...{ languages: ['zh', 'en'], filter: {}, namedOnly: false, confidential: false, disabled: false, removed: false, by: 'chief' },
};
const settings = {
  smtpHost: '127.0.0.1',
  smtpSecurity: 'none',
  smtpCaFile: '',
  smtpUser: '',
  smtpPasswordFile: '',
  smtpFrom: 'air@example.cn',
} as const;

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
  assert.deepEqual(await guarded.send(channel, letter), { ok: false, detail: 'no STARTTLS' });
  assert.equal(mails.length, 2);
});

/** A key and its self-signed certificate for localhost, made by openssl. @returns undefined when it is not there */
function certificate(t: TestContext, dir: string, name: string): { readonly key: string; readonly certFile: string } | undefined {
  const [keyFile, certFile] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certFile];
  try {
    execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'], {
      stdio: 'pipe',
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.skip('openssl not there');
    return undefined;
  }
  return { key: readFileSync(keyFile, 'utf8'), certFile };
}

test('STARTTLS: a mail goes over TLS to a server whose certificate is trusted, and to no other', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'airtight-mail-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const own = certificate(t, dir, 'own');
  const other = certificate(t, dir, 'other');
  if (own === undefined || other === undefined) return;
  const mails: boolean[] = [];
  const server = new SMTPServer({
    key: own.key,
    cert: readFileSync(own.certFile, 'utf8'),
    disabledCommands: ['AUTH'],
    onData: (stream, session, done) => {
      stream.resume().on('end', () => {
        mails.push(session.secure);
        done(null);
      });
    },
  });
  // A client that breaks the handshake off is what this test is about.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const smtpPort = (server.server.address() as AddressInfo).port;
  const guarded = { ...settings, smtpHost: 'localhost', smtpPort, smtpSecurity: 'starttls' } as const;
  const letter = { name: 'test_2', body: JSON.stringify(testMessage(channel, 0)) };
  const send = (smtpCaFile: string) => new MailSender({ ...guarded, smtpCaFile }).send(channel, letter);
  assert.deepEqual(await send(own.certFile), { ok: true, detail: 'accepted' });
  assert.deepEqual(
    await send(other.certFile),
    { ok: false, detail: 'smtp DEPTH_ZERO_SELF_SIGNED_CERT' },
    'of an authority that is not trusted',
  );
  assert.deepEqual(await send(''), { ok: false, detail: 'smtp DEPTH_ZERO_SELF_SIGNED_CERT' }, 'of none of the usual ones');
  const elsewhere = new MailSender({ ...guarded, smtpHost: '127.0.0.1', smtpCaFile: own.certFile });
  assert.deepEqual(await elsewhere.send(channel, letter), { ok: false, detail: 'smtp ERR_TLS_CERT_ALTNAME_INVALID' }, 'of another name');
  assert.deepEqual(mails, [true]);
});

test('an address that could carry a header or a list is none', () => {
  assert.equal(channelFault(channel, undefined, new Set()), undefined);
  for (const address of ['a@b.cn\r\nBcc: c@d.cn', 'a@b.cn, c@d.cn', 'A <a@b.cn>', 'a']) {
    assert.equal(channelFault({ ...channel, to: [address] }, undefined, new Set()), 'an address in to is none');
  }
});
