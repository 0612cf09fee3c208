/**
 * Messages on their way, in a SQLite file of their own: they survive `kill -9` and a loss of power, and a rebuild of the
 * store does not touch them. Each stands for one record of an alert and one channel, and is there once; a CAP message that
 * holds on beyond its end is renewed by others for the same record.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { DeliveryOutcome } from '@airtight/protocol';
import type { MessageKind } from './alert-message.ts';

/** Waiting messages of one channel; what comes beyond is dead at once, shown, and can be sent again. */
export const WAITING_MAX = 10_000;
/** Messages that are settled stay in the log, and in the CAP feed's files, so long and so many. */
export const KEPT_MS = 30 * 86_400_000;
export const SETTLED_MAX = 100_000;
/** Of an attempt that the service did not survive: the receiver may have got it. */
export const INTERRUPTED = 'interrupted';

const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS mark (only INTEGER PRIMARY KEY CHECK (only = 0), through INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO mark VALUES (0, -1);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, position INTEGER, alert TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, body TEXT NOT NULL, sentAt INTEGER NOT NULL, createdAt INTEGER NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL, nextAt INTEGER NOT NULL, beganAt INTEGER, renewAt INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS due ON messages (channel, state, nextAt);
CREATE INDEX IF NOT EXISTS underWay ON messages (id) WHERE beganAt IS NOT NULL;
CREATE INDEX IF NOT EXISTS ofAlert ON messages (alert, channel, id);
CREATE UNIQUE INDEX IF NOT EXISTS byName ON messages (name);
CREATE INDEX IF NOT EXISTS renewal ON messages (renewAt) WHERE renewAt IS NOT NULL;
CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL REFERENCES messages (id), channel TEXT NOT NULL, n INTEGER NOT NULL,
  at INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, record INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS ofMessage ON attempts (message, n);
CREATE INDEX IF NOT EXISTS ofChannel ON attempts (channel, outcome, id);
CREATE INDEX IF NOT EXISTS unrecorded ON attempts (id) WHERE record IS NULL;
CREATE TABLE IF NOT EXISTS named (alert TEXT NOT NULL, channel TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (alert, channel)) STRICT;
`;

const NO_RENEWAL = 'UPDATE messages SET renewAt = NULL';

export interface NewMessage {
  readonly channel: string;
  /** Journal position of what it tells; null for a test. */
  readonly position: number | null;
  /** Empty for a test. */
  readonly alert: string;
  readonly kind: MessageKind;
  /** Unique, the same at each attempt: idempotency key of a webhook, Message-ID of a mail, identifier of a CAP message. */
  readonly name: string;
  /** What is sent: JSON, or a CAP document. */
  readonly body: string;
  /** Epoch ms, as the message itself says it. */
  readonly sentAt: number;
  /** Epoch ms before which it is not tried; absent: at once. */
  readonly dueAt?: number | undefined;
  /** Of a CAP message that ends by itself: epoch ms at which it is to be renewed while its alert holds. */
  readonly renewAt?: number | undefined;
}

export interface Message extends Omit<NewMessage, 'dueAt' | 'renewAt'> {
  readonly id: number;
  readonly createdAt: number;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly attempts: number;
  /** Epoch ms of the next attempt. */
  readonly nextAt: number;
  readonly renewAt: number | null;
}

export interface Attempt {
  readonly n: number;
  readonly at: number;
  readonly outcome: DeliveryOutcome['outcome'];
  readonly detail: string;
}

export interface KeptAttempt extends Attempt {
  /** Journal position of the record that tells of it; null while there is none. */
  readonly record: number | null;
}

export interface ChannelHealth {
  readonly waiting: number;
  readonly dead: number;
  readonly delivered: number;
  /** The newest attempts that went well, and that did not. */
  readonly lastDelivered: Attempt | undefined;
  readonly lastFailed: Attempt | undefined;
}

/** Folder in the data directory. */
export function outboxPathIn(dataDir: string): string {
  return join(dataDir, 'channels', 'outbox.sqlite');
}

export class Outbox {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #through: number;
  #isOpen = false;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(path);
    this.#db.exec(SCHEMA);
    this.#through = Number(this.#all('SELECT through FROM mark')[0]?.['through']);
  }

  /** Highest position of a record of an alert that was taken. */
  get through(): number {
    return this.#through;
  }

  /** What follows is on the disk after commit(), all of it or nothing. */
  begin(): void {
    if (this.#isOpen) return;
    this.#db.exec('BEGIN IMMEDIATE');
    this.#isOpen = true;
  }

  commit(): void {
    if (!this.#isOpen) return;
    this.#db.exec('COMMIT');
    this.#isOpen = false;
  }

  passed(position: number): void {
    this.#through = position;
    this.#run('UPDATE mark SET through = ?', position);
  }

  nameChannels(alert: string, channels: readonly string[], at: number): void {
    for (const channel of channels) this.#run('INSERT OR IGNORE INTO named VALUES (?, ?, ?)', alert, channel, at);
  }

  isNamed(alert: string, channel: string): boolean {
    return this.#all('SELECT 1 FROM named WHERE alert = ? AND channel = ?', alert, channel).length > 0;
  }

  /** Messages of an alert on every channel, oldest first. */
  allOfAlert(alert: string): Message[] {
    return this.#all('SELECT * FROM messages WHERE alert = ? ORDER BY id', alert) as unknown as Message[];
  }

  /** Messages of an alert on a channel, oldest first. */
  ofAlert(alert: string, channel: string): Message[] {
    return this.#all('SELECT * FROM messages WHERE alert = ? AND channel = ? ORDER BY id', alert, channel) as unknown as Message[];
  }

  /** Puts a message on its way. @returns its id; undefined when it is known already */
  put(message: NewMessage, now: number): number | undefined {
    const { channel, position, alert, kind, name, body, sentAt, dueAt = now, renewAt = null } = message;
    const isFull = this.#count(channel, 'waiting') >= WAITING_MAX;
    const { changes, lastInsertRowid } = this.#run(
      'INSERT OR IGNORE INTO messages (channel, position, alert, kind, name, body, sentAt, createdAt, state, attempts, nextAt, renewAt) VALUES (?,?,?,?,?,?,?,?,?,0,?,?)',
      ...[channel, position, alert, kind, name, body, sentAt, now, isFull ? 'dead' : 'waiting', dueAt, renewAt],
    );
    if (changes === 0) return undefined;
    const id = Number(lastInsertRowid);
    this.#run(`${NO_RENEWAL} WHERE alert = ? AND channel = ? AND id < ? AND renewAt IS NOT NULL`, alert, channel, id);
    if (isFull) this.#addAttempt(id, channel, { n: 0, at: now, outcome: 'dead', detail: 'queue full' });
    return id;
  }

  /** True of a message that waits for its time, when another is to take its place at `at`: nobody has it yet. */
  static isReplaceable({ kind, state, attempts, sentAt }: Message, at: number): boolean {
    return kind === 'update' && state === 'waiting' && attempts === 0 && sentAt > at;
  }

  /** Takes back a message that was never tried. @returns false when it is under way after all */
  takeBack(id: number): boolean {
    const sql = "DELETE FROM messages WHERE id = ? AND state = 'waiting' AND attempts = 0 AND beganAt IS NULL";
    return this.#run(sql, id).changes > 0;
  }

  /** Messages whose end is near, by id. @param after id of the last one of the page before */
  toRenew(now: number, after: number, limit: number): Message[] {
    const sql = "SELECT * FROM messages WHERE renewAt <= ? AND state = 'delivered' AND id > ? ORDER BY id LIMIT ?";
    return this.#all(sql, now, after, limit) as unknown as Message[];
  }

  /** CAP messages that were told last of an alert that holds, newest first. */
  inForce(channel: string, limit: number): Message[] {
    const sql = "SELECT * FROM messages WHERE channel = ? AND renewAt IS NOT NULL AND state = 'delivered' ORDER BY id DESC LIMIT ?";
    return this.#all(sql, channel, limit) as unknown as Message[];
  }

  /** Its alert is over. */
  letExpire(id: number): void {
    this.#run(`${NO_RENEWAL} WHERE id = ?`, id);
  }

  /** What can be tried now, in order: of one alert only the oldest. */
  due(channel: string, now: number, limit: number): Message[] {
    const sql = `SELECT * FROM messages AS one WHERE channel = ? AND state = 'waiting' AND nextAt <= ? AND NOT EXISTS (
      SELECT 1 FROM messages AS before WHERE before.alert = one.alert AND before.channel = one.channel AND before.id < one.id
      AND before.state = 'waiting') ORDER BY nextAt, id LIMIT ?`;
    return this.#all(sql, channel, now, limit) as unknown as Message[];
  }

  /** Notes that these are about to be sent: should this service end meanwhile, the log says so. */
  began(ids: readonly number[], now: number): void {
    this.#run('UPDATE messages SET beganAt = ? WHERE id IN (SELECT value FROM json_each(?))', now, JSON.stringify(ids));
  }

  /** Before the first attempt of a run: what was under way when the last run ended failed, and is tried again at once. */
  settleInterrupted(now: number): void {
    const cut = this.#all('SELECT * FROM messages WHERE beganAt IS NOT NULL ORDER BY id') as unknown as (Message & { beganAt: number })[];
    this.begin();
    for (const message of cut) {
      const attempt = { n: message.attempts + 1, at: message.beganAt, outcome: 'failed', detail: INTERRUPTED } as const;
      this.settle(message, attempt, now);
    }
    this.commit();
  }

  /** Attempts of a message that say nothing of its receiver. */
  interruptions(id: number): number {
    return Number(this.#all('SELECT count(*) AS n FROM attempts WHERE message = ? AND detail = ?', id, INTERRUPTED)[0]?.['n']);
  }

  /** Keeps what became of an attempt. @param nextAt of the next one, epoch ms; undefined: it is settled */
  settle({ id, channel }: Pick<Message, 'id' | 'channel'>, attempt: Attempt, nextAt?: number): void {
    const state = nextAt !== undefined ? 'waiting' : attempt.outcome === 'delivered' ? 'delivered' : 'dead';
    const isOwn = !this.#isOpen;
    this.begin();
    this.#run('UPDATE messages SET state = ?, attempts = ?, nextAt = ?, beganAt = NULL WHERE id = ?', state, attempt.n, nextAt ?? 0, id);
    this.#addAttempt(id, channel, attempt);
    if (isOwn) this.commit();
  }

  /** What the journal says of a message: a store and an outbox made anew do not send it again. */
  settledElsewhere(name: string, outcome: DeliveryOutcome['outcome'], attempt: number): void {
    if (outcome === 'failed') return;
    const sql = "UPDATE messages SET state = ?, attempts = ? WHERE name = ? AND state = 'waiting' AND attempts < ?";
    this.#run(sql, outcome, attempt, name, attempt);
  }

  /** Puts a dead message on its way again, a delivered one once more; one that waits need not wait. @returns false when there is none */
  resend(channel: string, id: number, now: number): boolean {
    const sql = "UPDATE messages SET state = 'waiting', nextAt = ? WHERE channel = ? AND id = ?";
    return this.#run(sql, now, channel, id).changes > 0;
  }

  /** Newest first. @param before id; undefined: from the newest */
  log(channel: string, state: string | undefined, before: number | undefined, limit: number): Message[] {
    const sql = 'SELECT * FROM messages WHERE channel = ? AND (? IS NULL OR state = ?) AND id < ? ORDER BY id DESC LIMIT ?';
    const named = state ?? null;
    return this.#all(sql, channel, named, named, before ?? Number.MAX_SAFE_INTEGER, limit) as unknown as Message[];
  }

  message(channel: string, id: number): Message | undefined {
    return this.#all('SELECT * FROM messages WHERE channel = ? AND id = ?', channel, id)[0] as unknown as Message | undefined;
  }

  byName(name: string): Message | undefined {
    return this.#all('SELECT * FROM messages WHERE name = ?', name)[0] as unknown as Message | undefined;
  }

  /** The first and the latest attempts: after the schedule a person may send again as often as she likes. */
  attempts(id: number, limit = 50): KeptAttempt[] {
    const sql = 'SELECT n, at, outcome, detail, record FROM attempts WHERE message = ? ORDER BY id DESC LIMIT ?';
    return (this.#all(sql, id, limit) as unknown as KeptAttempt[]).reverse();
  }

  health(channel: string): ChannelHealth {
    const last = (outcome: DeliveryOutcome['outcome']) => {
      const sql = 'SELECT id, n, at, outcome, detail FROM attempts WHERE channel = ? AND outcome = ? ORDER BY id DESC LIMIT 1';
      return this.#all(sql, channel, outcome)[0] as unknown as (Attempt & { readonly id: number }) | undefined;
    };
    const [failed, dead] = [last('failed'), last('dead')];
    return {
      ...this.#counts(channel),
      lastDelivered: last('delivered'),
      lastFailed: (failed?.id ?? 0) > (dead?.id ?? 0) ? failed : dead,
    };
  }

  /** Attempts that are not in the journal yet, in their order. */
  unrecorded(limit: number): { readonly ids: readonly number[]; readonly outcomes: readonly DeliveryOutcome[] } {
    const rows = this.#all(
      `SELECT a.id, a.n, a.at, a.outcome, a.detail, m.channel, m.alert, m.position, m.name FROM attempts a
       JOIN messages m ON m.id = a.message WHERE a.record IS NULL ORDER BY a.id LIMIT ?`,
      limit,
    ) as unknown as (Attempt & Pick<Message, 'id' | 'channel' | 'alert' | 'position' | 'name'>)[];
    const outcomes = rows.map(({ n, at, outcome, detail, channel, alert, position, name }) => ({
      ...(alert === '' ? {} : { alert }),
      ...(position === null ? {} : { record: position }),
      ...{ channel, message: name, attempt: n, at, outcome, detail },
    }));
    return { ids: rows.map(({ id }) => id), outcomes };
  }

  /** @param record journal position of the record that holds these attempts */
  recorded(ids: readonly number[], record: number): void {
    this.#run('UPDATE attempts SET record = ? WHERE id IN (SELECT value FROM json_each(?))', record, JSON.stringify(ids));
  }

  /** Forgets what was settled long ago and stands in the journal; not the last that was told of an alert that holds. */
  prune(now: number): void {
    const isLast = 'NOT EXISTS (SELECT 1 FROM messages l WHERE l.alert = m.alert AND l.channel = m.channel AND l.id > m.id)';
    const old = `SELECT id FROM messages m WHERE state != 'waiting' AND NOT EXISTS
      (SELECT 1 FROM attempts a WHERE a.message = m.id AND a.record IS NULL)
      AND ((createdAt < ? AND NOT (kind IN ('alert', 'update') AND ${isLast})) OR id <= (SELECT max(id) FROM messages) - ?)`;
    this.begin();
    this.#run(`DELETE FROM attempts WHERE message IN (${old})`, now - KEPT_MS, SETTLED_MAX);
    this.#run(`DELETE FROM messages WHERE id IN (${old})`, now - KEPT_MS, SETTLED_MAX);
    this.#run('DELETE FROM named WHERE at < ?', now - KEPT_MS);
    this.commit();
  }

  close(): void {
    this.commit();
    this.#db.close();
  }

  #counts(channel: string): Pick<ChannelHealth, 'waiting' | 'dead' | 'delivered'> {
    const of = (state: string) => this.#count(channel, state);
    return { waiting: of('waiting'), dead: of('dead'), delivered: of('delivered') };
  }

  #count(channel: string, state: string): number {
    return Number(this.#all('SELECT count(*) AS n FROM messages WHERE channel = ? AND state = ?', channel, state)[0]?.['n']);
  }

  #addAttempt(id: number, channel: string, { n, at, outcome, detail }: Attempt): void {
    const sql = 'INSERT INTO attempts (message, channel, n, at, outcome, detail) VALUES (?,?,?,?,?,?)';
    this.#run(sql, id, channel, n, at, outcome, detail);
  }

  #run(sql: string, ...values: (string | number | null)[]) {
    return this.#prepared(sql).run(...values);
  }

  #all(sql: string, ...values: (string | number | null)[]) {
    return this.#prepared(sql).all(...values);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
