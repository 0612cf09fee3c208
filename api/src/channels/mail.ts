/** Delivers by SMTP: plain text and HTML in the channel's languages. A mail that is tried again keeps its Message-ID. */
import { readFileSync } from 'node:fs';
import type { AlertMessage, ChannelRecord } from '@airtight/protocol';
import { escapeXml } from '@airtight/standards/xml.ts';
import { createTransport, type Transporter } from 'nodemailer';
import type { ApiConfig } from '../config.ts';
import type { Message } from './outbox.ts';
import type { Sent } from './webhook.ts';

const TIMEOUT_MS = 15_000;
/** RFC 5322 §2.1.1 allows 998 octets in a line; a subject that long is read by nobody. */
const SUBJECT_MAX_LENGTH = 150;
const KINDS = {
  'alert.raised': { zh: '预警', en: 'Alert' },
  'alert.updated': { zh: '预警更新', en: 'Alert updated' },
  'alert.cancelled': { zh: '预警解除', en: 'Alert cancelled' },
  'channel.test': { zh: '测试', en: 'Test' },
} as const;

export type MailSettings = Pick<
  ApiConfig,
  'smtpHost' | 'smtpPort' | 'smtpSecurity' | 'smtpCaFile' | 'smtpUser' | 'smtpPasswordFile' | 'smtpFrom'
>;

export class MailSender {
  readonly #transport: Transporter | undefined;
  readonly #from: string;

  /** Without a host there is no way. @throws when the file of the password or of the authorities cannot be read */
  constructor({ smtpHost, smtpPort, smtpSecurity, smtpCaFile, smtpUser, smtpPasswordFile, smtpFrom }: MailSettings) {
    this.#from = smtpFrom;
    if (smtpHost === '') return;
    const pass = smtpPasswordFile === '' ? '' : readFileSync(smtpPasswordFile, 'utf8').trim();
    this.#transport = createTransport({
      ...{ host: smtpHost, port: smtpPort, secure: smtpSecurity === 'tls', requireTLS: smtpSecurity === 'starttls' },
      ...{ ignoreTLS: smtpSecurity === 'none', connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
      ...(smtpCaFile === '' ? {} : { tls: { ca: readFileSync(smtpCaFile) } }),
      // Nothing of a message is read from files or fetched.
      ...{ disableFileAccess: true, disableUrlAccess: true },
      ...(smtpUser === '' ? {} : { auth: { user: smtpUser, pass } }),
    });
  }

  async send({ to = [], languages }: ChannelRecord, { name, body }: Pick<Message, 'name' | 'body'>): Promise<Sent> {
    if (this.#transport === undefined) return { ok: false, detail: 'no mail server is set' };
    const message = JSON.parse(body) as AlertMessage;
    const texts = languages.map((language) => textIn(message, language));
    const domain = this.#from.split('@').at(-1) ?? 'localhost';
    try {
      await this.#transport.sendMail({
        ...{ from: this.#from, to: [...to], messageId: `<${name}@${domain}>`, text: texts.join('\n\n') },
        subject: oneLine(languages.map((language) => subjectIn(message, language)).join(' / ')),
        html: texts.map((text) => `<p>${(escapeXml(text) ?? '').replaceAll('\n', '<br>')}</p>`).join('\n'),
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return { ok: true, detail: 'accepted' };
    } catch (error) {
      return { ok: false, detail: faultOf(error) };
    }
  }
}

/** What the server answered, else what stood in the way: `originalCode` is Node's, of the connection or its certificate. */
function faultOf(error: unknown): string {
  const { responseCode, code, originalCode } = error as { readonly [name in 'responseCode' | 'code' | 'originalCode']?: number | string };
  if (code === 'ETLS' && originalCode === undefined) return 'no STARTTLS';
  return `smtp ${responseCode ?? originalCode ?? code ?? 'failed'}`;
}

function subjectIn({ type, data }: AlertMessage, language: 'zh' | 'en'): string {
  const [place, message] = [data.place[language] ?? data.subject, data.message[language] ?? ''];
  return `[${KINDS[type][language]}] ${message.includes(place) ? '' : `${place}: `}${message}`;
}

function textIn(message: AlertMessage, language: 'zh' | 'en'): string {
  const { data, timestamp } = message;
  const proof = data.proof === undefined ? [] : [data.proof];
  const values = Object.entries(data.values).map(([name, value]) => `${name}: ${value}`);
  return [subjectIn(message, language), `${data.severity} · ${data.contract}/${data.rule} · ${timestamp}`, ...values, ...proof].join('\n');
}

/** No line of the alert's text becomes a header. */
function oneLine(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ');
  return line.length > SUBJECT_MAX_LENGTH ? `${line.slice(0, SUBJECT_MAX_LENGTH)}…` : line;
}
