/**
 * One simulated device on its own MQTT connection: hands in its history when it first connects, then publishes a
 * reading per interval; keeps what it measures while its link is down, and hands it in late.
 */
import { telemetryTopic } from '@airtight/protocol';
import { Publisher } from '../mqtt/publisher.ts';
import { stateOf } from './faults.ts';
import type { SimulatedDevice } from './network.ts';
import { hash32 } from './noise.ts';
import { historyTimes, readingPayload } from './reading.ts';
import type { Scenario } from './scenario.ts';

/** A real device has some flash for what it could not send: two days of one reading per 20 s. */
const KEPT_MAX = 8640;
/** A device of this kind rarely has more than one message under way; history goes faster with a few. */
const IN_FLIGHT_MAX = 16;

export interface SessionOptions {
  readonly scenario: Scenario;
  readonly device: SimulatedDevice;
  readonly secret: string;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly intervalMs: number;
  readonly onAcknowledged: (count: number) => void;
  readonly onRefused: (producer: string) => void;
}

export class DeviceSession {
  readonly #options: SessionOptions;
  readonly #publisher: Publisher;
  readonly #topic: Buffer;
  /** Moments measured and not yet sent, oldest first. */
  #kept: number[] = [];
  #lastTick = Number.NEGATIVE_INFINITY;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { device, secret, mqtt } = options;
    this.#topic = Buffer.from(telemetryTopic(device), 'utf8');
    this.#publisher = new Publisher({
      ...mqtt,
      clientId: device.producer,
      username: device.producer,
      password: secret,
      inFlightMax: IN_FLIGHT_MAX,
      take: () => this.#take(),
      onAcknowledged: options.onAcknowledged,
      onRefused: () => options.onRefused(device.producer),
    });
  }

  get isConnected(): boolean {
    return this.#publisher.isConnected;
  }

  /** Everything measured so far is acknowledged. */
  get isIdle(): boolean {
    return this.#kept.length === 0 && this.#publisher.inFlight === 0;
  }

  /** Takes the history of before `now`; the first `tick` connects. */
  start(now: number): void {
    const { scenario, device } = this.#options;
    this.#kept = historyTimes(scenario, device, now);
  }

  /** To be called often: does what the device does at `now`. */
  tick(now: number): void {
    const { scenario, device, intervalMs } = this.#options;
    const state = stateOf(scenario, device, now);
    // Devices are not in step: each has its own moment within the interval.
    const phaseMs = hash32(scenario.seed, device.index, device.dataset.length) % intervalMs;
    const moment = Math.floor((now - phaseMs) / intervalMs) * intervalMs;
    if (moment > this.#lastTick) {
      this.#lastTick = moment;
      if (state !== 'off') this.#keep(moment);
    }
    // A device that was never heard still connects once, to hand in what it has.
    if (state === 'up' || (this.#kept.length > 0 && !this.#publisher.isConnected && state !== 'link')) this.#publisher.open();
    else if (state === 'link' || this.isIdle) this.#publisher.close();
    this.#publisher.wake();
  }

  close(): void {
    this.#publisher.close();
  }

  #keep(moment: number): void {
    if (this.#kept.length >= KEPT_MAX) this.#kept.shift();
    this.#kept.push(moment);
  }

  #take() {
    const moment = this.#kept.shift();
    if (moment === undefined) return undefined;
    const { scenario, device, intervalMs } = this.#options;
    return { topic: this.#topic, payload: readingPayload(scenario, device, moment, intervalMs) };
  }
}
