/** Channels by themselves: the real fold of alerts and control records, the real outbox, and a clock that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  ALERTS_DATASET,
  type AlertMessage,
  type AlertRaised,
  type AlertTransition,
  type ChannelRecord,
  type ControlRecord,
  type DeviceRecord,
  encodeRecord,
  LEAF_PREFIX,
  RECORD_VERSION,
  type RecordHeader,
} from '@airtight/protocol';
import { type CapAlert, parseCap } from '@airtight/standards/cap.ts';
import pino from 'pino';
import { ChannelsHost } from '../channels/channels-host.ts';
import { type Message, Outbox, outboxPathIn } from '../channels/outbox.ts';
import type { Sent } from '../channels/webhook.ts';
import { ControlState } from '../control/control-state.ts';
import { AlertBook } from '../project/alert-book.ts';
import { AIR, stationRecord } from './deployment.ts';

type ById = { readonly [name: string]: unknown };

const PUBLIC_URL = 'https://air.example.cn';
/** Of the ledger. */
export const ORIGIN = 'ledger.example.cn/bj';

export class ChannelScene {
  /** Of each alert's record, by position. */
  readonly records = new Map<number, Uint8Array>();
  /** Epoch ms. */
  now = Date.UTC(2026, 0, 5, 4);
  /** So much later than the records came in is it at the service, which reads a journal that it has missed. */
  lagMs = 0;
  readonly dir = mkdtempSync(join(tmpdir(), 'airtight-channels-'));
  readonly control = new ControlState();
  readonly alerts = new AlertBook();
  /** What arrived, by channel, in order. */
  readonly arrived: Message[] = [];
  /** Channels whose receiver is away. */
  readonly away = new Set<string>();
  outbox!: Outbox;
  host!: ChannelsHost;
  #position = 0;

  constructor() {
    this.define(AIR);
    this.start();
  }

  /** Also after stop(): the same file, all else from memory. */
  start(): void {
    this.outbox = new Outbox(outboxPathIn(this.dir));
    this.host = new ChannelsHost({
      ...{
        outbox: this.outbox,
        control: this.control,
        alerts: this.alerts,
        publicUrl: PUBLIC_URL,
        capUrl: () => PUBLIC_URL,
        origin: () => ORIGIN,
        timeZone: 'Asia/Shanghai',
      },
      ...{ logger: pino({ level: 'silent' }), now: () => this.now + this.lagMs, random: () => 0, replies: () => [] },
      ingest: { writeRecords: async (records) => records.map(() => ({ position: ++this.#position, repeat: false })) },
      send: async (channel, message) => this.#arrive(channel, message),
    });
  }

  async stop(): Promise<void> {
    await this.host.close();
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  define(record: ControlRecord): void {
    this.control.take({ position: ++this.#position, record, header: { agency: 'airtight', receivedAt: this.now } });
  }

  station(producer: string, change: Partial<DeviceRecord> = {}): void {
    this.define({ ...stationRecord(producer), simulated: false, ...change });
  }

  channel(channel: string, change: Partial<ChannelRecord> = {}): void {
    this.define({
      ...{ type: 'channel', channel, kind: 'webhook', title: { zh: '市局', en: 'Bureau' }, languages: ['zh', 'en'], filter: {} },
      ...{ namedOnly: false, confidential: false, disabled: false, removed: false, by: 'chief', url: 'https://office.example.cn/' },
      ...change,
    });
  }

  cap(channel: string, change: Partial<ChannelRecord> = {}): void {
    this.channel(channel, { kind: 'cap', sender: 'air.example.cn', ...change });
  }

  raise(alert: string, change: Partial<AlertRaised> = {}): number {
    return this.happen({
      ...{ v: 1, type: 'raise', n: 0, alert: idOf(alert), at: this.now, contract: 'heavy', version: 'b'.repeat(64), rule: 'heavy' },
      ...{ severity: 'moderate', agency: 'bj', dataset: 'air', subject: 's1', since: this.now, values: { pm25: 180 } },
      ...{ message: { zh: '重度污染', en: 'heavy' }, evidence: [1] },
      ...change,
    });
  }

  /** Whatever else happens to an alert, at this moment. */
  follow(alert: string, type: AlertTransition['type'], change: ById = {}): number {
    const severity = this.alerts.find(idOf(alert))?.severity;
    const update = { severity, since: this.now, message: { zh: '重度污染', en: 'heavy' } };
    const effect = { n: 1, contract: 'heavy', agency: 'bj', evidence: [1], values: { pm25: 190 }, ...(type === 'update' ? update : {}) };
    return this.happen({ v: 1, alert: idOf(alert), at: this.now, type, ...effect, ...change } as unknown as AlertTransition);
  }

  happen(transition: AlertTransition): number {
    const position = ++this.#position;
    const header: RecordHeader = {
      ...{ v: RECORD_VERSION, agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy', receivedAt: this.now, door: 'internal' },
      contentType: 'application/json',
    };
    this.alerts.take({ position, transition });
    const record = encodeRecord(header, new TextEncoder().encode(JSON.stringify(transition)));
    this.records.set(position, record);
    const frame = { position, body: Buffer.concat([Uint8Array.of(LEAF_PREFIX), record]) };
    this.host.take({ position, header, transition, frame });
    this.host.commit();
    return position;
  }

  /** Lets time pass, and whatever is due arrive. */
  async pass(ms = 0): Promise<void> {
    this.now += ms;
    this.host.caughtUp();
    this.host.renew();
    for (let i = 0; i < 20; i++) {
      await turn();
      this.host.pump();
    }
  }

  at(channel: string): Message[] {
    return this.arrived.filter((message) => message.channel === channel);
  }

  told(channel: string): AlertMessage[] {
    return this.at(channel).map(({ body }) => JSON.parse(body) as AlertMessage);
  }

  /** What stands in a CAP feed, oldest first. */
  capAlerts(channel: string): CapAlert[] {
    return this.at(channel).map(({ body }) => {
      const read = parseCap(new TextEncoder().encode(body));
      if (!read.ok) throw new Error(read.detail);
      return read.alert;
    });
  }

  #arrive({ channel }: ChannelRecord, message: Message): Sent {
    if (this.away.has(channel)) return { ok: false, detail: 'ECONNREFUSED' };
    this.arrived.push(message);
    return { ok: true, detail: 'arrived' };
  }
}

/** Of a short name, an id as alerts have them. */
export function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padStart(32, '0');
}
