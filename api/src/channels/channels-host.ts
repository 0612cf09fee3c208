/** The stage of the fold that tells others: what an alert's record means for each channel goes into the outbox, and out. */
import { hash, randomBytes } from 'node:crypto';
import {
  type AlertMessage,
  CHANNELS_DATASET,
  type ChannelRecord,
  CONTROL_AGENCY,
  isGroupSubject,
  leafHashOfBody,
} from '@airtight/protocol';
import type { Logger } from 'pino';
import type { ControlState } from '../control/control-state.ts';
import type { AlertEvent, ControlEvent } from '../decode/decoder.ts';
import type { AlertBook } from '../project/alert-book.ts';
import { replyMessage } from '../regions/reply-message.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { type AlertMessageKind, alertMessage, type Told, testMessage } from './alert-message.ts';
import { alertPlace } from './alert-place.ts';
import { AlertRules } from './alert-rule.ts';
import { capProofPath } from './cap-feed.ts';
import { type CapSubject, capDocument, renewedDocument } from './cap-message.ts';
import { HISTORY_AGE_MS, isHistory, isOver, isQuiet, messageKindFor, namedIn, waitsUntil } from './channel-choice.ts';
import { Deliverer, type Send } from './deliverer.ts';
import { DeliveryRecords } from './delivery-records.ts';
import { type Message, Outbox } from './outbox.ts';

/** Deliveries under way when the service stops. */
const CLOSE_WAIT_MS = 1500;
/** How often CAP messages are looked for whose end is near: far shorter than the time for which any of them holds. */
const RENEW_EVERY_MS = 30_000;
/** Read from the outbox at a time. */
const RENEW_PAGE = 200;
const TEST_SUBJECT: CapSubject = { event: { zh: '测试', en: 'Test' }, category: ['Other'], isForetold: false };

interface HostDeps {
  readonly outbox: Outbox;
  readonly control: ControlState;
  /** As they stand after the record that is taken. */
  readonly alerts: Pick<AlertBook, 'find' | 'membersOf'>;
  readonly ingest: Pick<IngestClient, 'writeRecords'>;
  readonly send: Send;
  /** Channels by which answers go back to other regions. */
  readonly replies: () => readonly ChannelRecord[];
  /** Without a slash at its end; may be empty. */
  readonly publicUrl: string;
  /** The same for who reads CAP, where addresses are absolute; empty: not known. */
  readonly capUrl: () => string;
  /** Of the ledger; empty while it has never answered. */
  readonly origin: () => string;
  readonly timeZone: string;
  readonly logger: Logger;
  readonly now?: () => number;
  readonly random?: () => number;
}

export class ChannelsHost {
  readonly outbox: Outbox;
  readonly #deps: HostDeps;
  readonly #now: () => number;
  readonly #deliverer: Deliverer;
  readonly #records: DeliveryRecords;
  readonly #rules: AlertRules;
  #renewal: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(deps: HostDeps) {
    this.#deps = deps;
    this.outbox = deps.outbox;
    this.#now = deps.now ?? Date.now;
    this.#rules = new AlertRules(deps.control);
    const { outbox, control, ingest, send, replies, logger } = deps;
    const channels = () => [...control.channels.values(), ...replies()];
    const onGone = (channel: ChannelRecord) => {
      this.write({ ...channel, disabled: true, reason: 'http 410', by: 'airtight' }).catch((error: unknown) =>
        logger.warn({ err: error, channel: channel.channel }, 'the channel is not disabled yet'),
      );
    };
    const random = deps.random ?? Math.random;
    this.#deliverer = new Deliverer({ outbox, channels, send, onGone, now: this.#now, random, logger });
    this.#records = new DeliveryRecords(outbox, ingest, logger, this.#now);
  }

  /** Takes the next record of an alert; one at or before the last is known already. */
  take({ position, header, transition, frame }: Pick<AlertEvent, 'position' | 'header' | 'transition' | 'frame'>): void {
    if (position <= this.outbox.through) return;
    const { control, alerts } = this.#deps;
    if (control.channels.size === 0) return;
    this.outbox.begin();
    this.outbox.passed(position);
    this.outbox.nameChannels(transition.alert, namedIn(transition), this.#now());
    const item = alerts.find(transition.alert);
    if (item === undefined || isHistory(transition, header.receivedAt, this.#now())) return;
    const place = alertPlace(item, isGroupSubject(item.subject) ? alerts.membersOf(item.alert) : [], control);
    const leafHash = Buffer.from(leafHashOfBody(frame.body, sha256)).toString('hex');
    const told: Told = { position, receivedAt: header.receivedAt, transition, item, leafHash, place };
    for (const channel of control.channels.values()) {
      if (position >= (control.channelsSince.get(channel.channel) ?? 0)) this.#tell(channel, told);
    }
  }

  #tell(channel: ChannelRecord, told: Told): void {
    const { control, publicUrl, timeZone } = this.#deps;
    const { item, transition, receivedAt, place } = told;
    const all = this.outbox.ofAlert(item.alert, channel.channel);
    // What still waits for its time is replaced by what is true now, or by nothing.
    const earlier = all.filter((message) => !Outbox.isReplaceable(message, receivedAt));
    const last = earlier.at(-1);
    const isConfidential = control.datasets.confidential().includes(item.dataset);
    const history = { last, isNamed: this.outbox.isNamed(item.alert, channel.channel) };
    const kind = messageKindFor(channel, transition, item, history, { places: place.names, isConfidential });
    if (kind === undefined && !isQuiet(item)) return;
    const standing = all.filter((message) => earlier.includes(message) || !this.outbox.takeBack(message.id));
    if (kind === undefined) return;
    const dueAt = waitsUntil(kind, transition, item, last, receivedAt);
    const message = alertMessage(kind, told, channel, { publicUrl, timeZone });
    this.#put({ channel, kind, message, earlier: standing, told, sentAt: dueAt ?? receivedAt, dueAt });
  }

  /** What the journal says of deliveries before the first attempt of this run, and what goes to other regions beside alerts. */
  takeControl({ position, header, record }: Pick<ControlEvent, 'position' | 'header' | 'record'>): void {
    if (record.type === 'region-act' || record.type === 'region-receipt') {
      const message = replyMessage(position, record, this.outbox);
      if (message === undefined || this.#now() - header.receivedAt > HISTORY_AGE_MS) return;
      this.outbox.begin();
      this.outbox.put(message, this.#now());
      return;
    }
    if (record.type !== 'deliveries' || this.#isStarted) return;
    this.outbox.begin();
    for (const { message, outcome, attempt } of record.outcomes) this.outbox.settledElsewhere(message, outcome, attempt);
  }

  /** Before any other stage has it on the disk. */
  commit(): void {
    this.outbox.commit();
  }

  /** The fold has come to the journal's end: what is waiting now is news. */
  caughtUp(): void {
    if (this.#isStarted) return this.#deliverer.pump();
    this.#isStarted = true;
    this.#deliverer.start();
    this.#records.start();
    this.#renewal = setInterval(() => this.renew(), RENEW_EVERY_MS);
    this.renew();
  }

  pump(): void {
    this.#deliverer.pump();
  }

  /** The test button. @returns id of the message */
  test(channel: ChannelRecord): number {
    const now = this.#now();
    const id = this.#put({ channel, kind: 'test', message: testMessage(channel, now), earlier: [], sentAt: now });
    if (id === undefined) throw new Error('a test has a name of its own');
    this.#deliverer.pump();
    return id;
  }

  /**
   * Renews the CAP messages whose end is near and whose alert holds on: each is told once more, with a later end. A message of
   * an alert of which nobody is to be told ends meanwhile, and is renewed when it is told of again.
   */
  renew(): void {
    const { control, alerts, timeZone, logger } = this.#deps;
    const now = this.#now();
    for (let after = 0; ; ) {
      const page = this.outbox.toRenew(now, after, RENEW_PAGE);
      this.outbox.begin();
      for (const { id, alert, channel, position, renewAt } of page) {
        const item = alerts.find(alert);
        const { disabled = true, removed = true } = control.channels.get(channel) ?? {};
        if (item === undefined || isOver(item) || removed) this.outbox.letExpire(id);
        if (item === undefined || isOver(item) || isQuiet(item) || removed || disabled) continue;
        const earlier = this.outbox.ofAlert(alert, channel);
        // One that waits for its time renews it as well.
        if (earlier.at(-1)?.id !== id) continue;
        const name = `${alert}_${position}_${channel}_${renewAt}`;
        const written = renewedDocument(
          earlier.map(({ body }) => body),
          { name, sentAt: now, timeZone, proofUrl: this.#proofUrl(name) },
        );
        if (!written.ok) logger.warn({ alert, channel, detail: written.detail }, 'an alert cannot be renewed as CAP');
        if (!written.ok) this.outbox.letExpire(id);
        else
          this.outbox.put(
            { channel, position, alert, kind: 'update', name, body: written.document, sentAt: now, renewAt: written.renewAt },
            now,
          );
      }
      this.outbox.commit();
      after = page.at(-1)?.id ?? 0;
      if (page.length < RENEW_PAGE) break;
    }
    this.#deliverer.pump();
  }

  /** Writes a channel's record. @returns its position */
  async write(payload: ChannelRecord): Promise<number> {
    const messageId = `id:${payload.channel}.${randomBytes(8).toString('hex')}`;
    const record = { agency: CONTROL_AGENCY, dataset: CHANNELS_DATASET, producer: payload.channel, messageId, payload };
    const [written] = await this.#deps.ingest.writeRecords([record]);
    if (written === undefined) throw new Error('ingest answered no position');
    return written.position;
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#deliverer.close(CLOSE_WAIT_MS);
    await this.#records.close();
    this.outbox.close();
  }

  #put(source: {
    readonly channel: ChannelRecord;
    readonly kind: AlertMessageKind;
    readonly message: AlertMessage;
    readonly earlier: readonly Message[];
    /** Absent for a test. */
    readonly told?: Told;
    readonly sentAt: number;
    readonly dueAt?: number | undefined;
  }): number | undefined {
    const { channel, kind, message, earlier, told, dueAt } = source;
    const { alert } = message.data;
    const position = told?.position ?? null;
    const name = position === null ? `test_${randomBytes(12).toString('hex')}` : `${alert}_${position}_${channel.channel}`;
    // CAP: an Update is not sent before what it refers to, whatever the clocks say.
    const sentAt = Math.max(source.sentAt, earlier.at(-1)?.sentAt ?? 0);
    const put = (body: string, renewAt?: number) =>
      this.outbox.put({ channel: channel.channel, position, alert, kind, name, body, sentAt, dueAt, renewAt }, this.#now());
    if (channel.kind !== 'cap') return put(JSON.stringify(message));
    const { timeZone, logger, origin } = this.#deps;
    const about = told === undefined ? TEST_SUBJECT : this.#rules.about(told.item);
    const [documents, areas] = [earlier.map(({ body }) => body), told?.place.areas ?? []];
    const proof = told === undefined ? undefined : { leafHash: told.leafHash, origin: origin(), url: this.#proofUrl(name) };
    const written = capDocument({ kind, name, message, channel, sentAt, timeZone, earlier: documents, areas, about, proof });
    if (written.ok) return put(written.document, written.renewAt);
    logger.warn({ alert, channel: channel.channel, detail: written.detail }, 'an alert cannot be told as CAP');
    return undefined;
  }

  /** @returns absolute; undefined where our own address is not known */
  #proofUrl(name: string): string | undefined {
    const base = this.#deps.capUrl();
    return base === '' ? undefined : base + capProofPath(name);
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}
