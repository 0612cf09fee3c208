/** The stage of the fold that tells others: what an alert's record means for each channel goes into the outbox, and out. */
import { randomBytes } from 'node:crypto';
import { type AlertItem, type AlertMessage, CHANNELS_DATASET, type ChannelRecord, CONTROL_AGENCY } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { ControlState } from '../control/control-state.ts';
import type { AlertEvent, ControlEvent } from '../decode/decoder.ts';
import { replyMessage } from '../regions/reply-message.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { type AlertMessageKind, alertMessage, placeNames, type Told, testMessage } from './alert-message.ts';
import { capDocument } from './cap-message.ts';
import { HISTORY_AGE_MS, isHistory, messageKindFor, namedIn } from './channel-choice.ts';
import { Deliverer, type Send } from './deliverer.ts';
import { DeliveryRecords } from './delivery-records.ts';
import type { Message, Outbox } from './outbox.ts';

/** Deliveries under way when the service stops. */
const CLOSE_WAIT_MS = 1500;

interface HostDeps {
  readonly outbox: Outbox;
  readonly control: ControlState;
  readonly ingest: Pick<IngestClient, 'writeRecords'>;
  readonly send: Send;
  /** Channels by which answers go back to other regions. */
  readonly replies: () => readonly ChannelRecord[];
  readonly publicUrl: string;
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
  #isStarted = false;

  constructor(deps: HostDeps) {
    this.#deps = deps;
    this.outbox = deps.outbox;
    this.#now = deps.now ?? Date.now;
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

  /** Takes the next record of an alert; one at or before the last is known already. @param item the alert after it */
  take({ position, header, transition }: AlertEvent, item: AlertItem | undefined): void {
    if (position <= this.outbox.through) return;
    const { control } = this.#deps;
    if (control.channels.size === 0) return;
    this.outbox.begin();
    this.outbox.passed(position);
    this.outbox.nameChannels(transition.alert, namedIn(transition), this.#now());
    if (item === undefined || isHistory(transition, header.receivedAt, this.#now())) return;
    const told: Told = { position, receivedAt: header.receivedAt, transition, item };
    const places = placeNames(item, control);
    const isConfidential = control.datasets.confidential().includes(item.dataset);
    for (const channel of control.channels.values()) {
      if (position < (control.channelsSince.get(channel.channel) ?? 0)) continue;
      const earlier = this.outbox.ofAlert(item.alert, channel.channel);
      const history = { last: earlier.at(-1)?.kind, isNamed: this.outbox.isNamed(item.alert, channel.channel) };
      const kind = messageKindFor(channel, transition, item, history, { places, isConfidential });
      if (kind === undefined) continue;
      const message = alertMessage(kind, told, channel, control, this.#deps.publicUrl);
      this.#put({ channel, kind, message, earlier, places, position, receivedAt: header.receivedAt });
    }
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
  }

  pump(): void {
    this.#deliverer.pump();
  }

  /** The test button. @returns id of the message */
  test(channel: ChannelRecord): number {
    const now = this.#now();
    const [message, source] = [testMessage(channel, now), { channel, kind: 'test', earlier: [], places: [], position: null } as const];
    const id = this.#put({ ...source, message, receivedAt: now });
    if (id === undefined) throw new Error('a test has a name of its own');
    this.#deliverer.pump();
    return id;
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
    await this.#deliverer.close(CLOSE_WAIT_MS);
    await this.#records.close();
    this.outbox.close();
  }

  #put(source: {
    readonly channel: ChannelRecord;
    readonly kind: AlertMessageKind;
    readonly message: AlertMessage;
    readonly earlier: readonly Message[];
    readonly places: readonly string[];
    readonly position: number | null;
    readonly receivedAt: number;
  }): number | undefined {
    const { channel, kind, message, earlier, places, position, receivedAt } = source;
    const alert = message.data.alert;
    const name = position === null ? `test_${randomBytes(12).toString('hex')}` : `${alert}_${position}_${channel.channel}`;
    // CAP: an Update is not sent before what it refers to, whatever the clocks say.
    const sentAt = Math.max(receivedAt, earlier.at(-1)?.sentAt ?? 0);
    const put = (body: string) => this.outbox.put({ channel: channel.channel, position, alert, kind, name, body, sentAt }, this.#now());
    if (channel.kind !== 'cap') return put(JSON.stringify(message));
    const { timeZone, logger } = this.#deps;
    const documents = earlier.map(({ body }) => body);
    const written = capDocument({ kind, name, message, channel, sentAt, timeZone, earlier: documents, places });
    if (written.ok) return put(written.document);
    logger.warn({ alert, channel: channel.channel, detail: written.detail }, 'an alert cannot be told as CAP');
    return undefined;
  }
}
