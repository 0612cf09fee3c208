/** One station's file over one MQTT connection: every row is sent until it is acknowledged, at a pace or as fast as that goes. */
import { telemetryTopic } from '@airtight/protocol';
import { type OutgoingMessage, Publisher } from '../mqtt/publisher.ts';
import type { RowSource } from './row-source.ts';

/** Event time runs `factor` times as fast as the clock from `startedAt` (performance.now) on. */
export interface Pace {
  readonly factor: number;
  readonly startedAt: number;
  /** Epoch ms of the event at which the replay begins. */
  readonly firstTime: number;
}

export interface StationReplayOptions {
  readonly source: RowSource;
  readonly agency: string;
  readonly producer: string;
  readonly secret: string;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly inFlightMax: number;
  /** Undefined: as fast as it is acknowledged. */
  readonly pace: Pace | undefined;
  readonly onRefused: (producer: string) => void;
}

/** Logins refused one after the other: the credentials are wrong, it is no passing trouble. */
const REFUSALS_MAX = 3;

export class StationReplay {
  readonly #options: StationReplayOptions;
  readonly #topic: Buffer;
  readonly #publisher: Publisher;
  #waiting: { readonly time: number; readonly payload: string } | undefined;
  #isExhausted = false;
  #refusals = 0;
  /** Times the connection was lost. */
  losses = 0;
  acknowledged = 0;

  constructor(options: StationReplayOptions) {
    this.#options = options;
    const { agency, producer, secret, mqtt, inFlightMax } = options;
    this.#topic = Buffer.from(telemetryTopic({ agency, dataset: 'air', producer }), 'utf8');
    this.#publisher = new Publisher({
      ...mqtt,
      clientId: producer,
      username: producer,
      password: secret,
      inFlightMax,
      take: () => this.#take(),
      onAcknowledged: (count) => {
        this.acknowledged += count;
      },
      onConnected: () => {
        this.#refusals = 0;
      },
      onDisconnected: () => {
        this.losses++;
      },
      onRefused: () => {
        if (++this.#refusals >= REFUSALS_MAX) options.onRefused(producer);
      },
    });
  }

  get source(): RowSource {
    return this.#options.source;
  }

  get isConnected(): boolean {
    return this.#publisher.isConnected;
  }

  get isDone(): boolean {
    return this.#isExhausted && this.#publisher.inFlight === 0;
  }

  open(): void {
    this.#publisher.open();
  }

  /** Rows may have become due. */
  wake(): void {
    this.#publisher.wake();
  }

  close(): void {
    this.#publisher.close();
  }

  #take(): OutgoingMessage | undefined {
    this.#waiting ??= this.#options.source.next();
    if (this.#waiting === undefined) {
      this.#isExhausted = true;
      return undefined;
    }
    const { time, payload } = this.#waiting;
    const { pace } = this.#options;
    if (pace !== undefined && time - pace.firstTime > (performance.now() - pace.startedAt) * pace.factor) return undefined;
    this.#waiting = undefined;
    return { topic: this.#topic, payload };
  }
}
