/** Tries what waits in the outbox: each channel for itself, so that a slow or dead one delays nobody else. */
import type { ChannelRecord } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { Message, Outbox } from './outbox.ts';
import { retryAfterMs } from './retry-schedule.ts';
import type { Sent } from './webhook.ts';

/** Messages of one channel under way at once; of one alert never more than one. */
export const CONCURRENCY_MAX = 4;
/** How often the clock is looked at for messages whose time has come. */
const LOOK_EVERY_MS = 500;

export type Send = (channel: ChannelRecord, message: Message) => Promise<Sent>;

interface DelivererDeps {
  readonly outbox: Outbox;
  readonly channels: () => Iterable<ChannelRecord>;
  readonly send: Send;
  /** The receiver wants nothing any more. */
  readonly onGone: (channel: ChannelRecord) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Pick<Logger, 'warn'>;
}

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #underWay = new Map<number, { readonly channel: string; readonly done: Promise<void> }>();
  #timer: NodeJS.Timeout | undefined;
  /** New attempts may begin. */
  #isOpen = false;
  /** The outbox may be gone: what ends now ends unheard. */
  #isOver = false;

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#isOpen = true;
    this.#deps.outbox.settleInterrupted(this.#deps.now());
    this.#timer = setInterval(() => this.pump(), LOOK_EVERY_MS);
    this.pump();
  }

  /** Begins every attempt whose time has come. */
  pump(): void {
    if (!this.#isOpen) return;
    const { outbox, channels, now } = this.#deps;
    for (const channel of channels()) {
      if (channel.disabled || channel.removed) continue;
      const own = [...this.#underWay.values()].filter((one) => one.channel === channel.channel);
      const room = CONCURRENCY_MAX - own.length;
      // Those under way are still `waiting` there; nothing of their alerts is due, because they come first.
      const due = room <= 0 ? [] : outbox.due(channel.channel, now(), CONCURRENCY_MAX * 2);
      const begun = due.filter(({ id }) => !this.#underWay.has(id)).slice(0, room);
      if (begun.length === 0) continue;
      outbox.began(
        begun.map(({ id }) => id),
        now(),
      );
      for (const message of begun) this.#underWay.set(message.id, { channel: channel.channel, done: this.#attempt(channel, message) });
    }
  }

  /** Waits for what is under way, `waitMs` at the most; what has not ended is tried again after the next start. */
  async close(waitMs: number): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#timer);
    const ended = Promise.allSettled([...this.#underWay.values()].map(({ done }) => done));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    await Promise.race([ended, promise]);
    clearTimeout(timer);
    this.#isOver = true;
  }

  async #attempt(channel: ChannelRecord, message: Message): Promise<void> {
    const { outbox, send, now, random, logger, onGone } = this.#deps;
    // A way that breaks counts as a failure of the attempt.
    const sent = await send(channel, message).catch((error: unknown): Sent => {
      logger.warn({ err: error, channel: channel.channel }, 'a delivery broke');
      return { ok: false, detail: 'internal' };
    });
    this.#underWay.delete(message.id);
    if (this.#isOver) return;
    const n = message.attempts + 1;
    const at = now();
    if (sent.ok) outbox.settle(message, { n, at, outcome: 'delivered', detail: sent.detail });
    else {
      const waitMs = sent.isGone === true ? undefined : retryAfterMs(message.kind, n - outbox.interruptions(message.id), random());
      const outcome = waitMs === undefined ? 'dead' : 'failed';
      const nextAt = waitMs === undefined ? undefined : at + Math.max(waitMs, sent.pauseMs ?? 0);
      outbox.settle(message, { n, at, outcome, detail: sent.detail }, nextAt);
      if (sent.isGone === true) onGone(channel);
    }
    this.pump();
  }
}
