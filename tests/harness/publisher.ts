/**
 * A device of the fault tests, on mqtt.js: publishes numbered readings with QoS 1, a bounded number in flight, over as many
 * broken connections as it takes, and notes which ones were acknowledged.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { Device, Product } from './product.ts';
import { until } from './waiting.ts';

const IN_FLIGHT_MAX = 20;
const RECONNECT_MS = 50;

/** The reading with a number: its value is the number, its time a minute each, so that every one is told from the others. */
export function numberedReading(
  seq: number,
  startMs: number,
): { readonly seq: number; readonly t: number; readonly m: { readonly pm25: number } } {
  return { seq, t: startMs + seq * 60_000, m: { pm25: seq } };
}

export class Publisher {
  readonly device: Device;
  /** Numbers whose publish was acknowledged. */
  readonly acknowledged = new Set<number>();
  readonly #startMs: number;
  readonly #client: MqttClient;
  #next = 0;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(product: Product, device: Device, startMs: number) {
    this.device = device;
    this.#startMs = startMs;
    this.#client = mqtt.connect({
      host: '127.0.0.1',
      port: product.mqttPort,
      username: device.username,
      password: device.secret,
      clientId: device.producer,
      clean: false,
      reconnectPeriod: RECONNECT_MS,
    });
    // Broken connections are what these tests make.
    this.#client.on('error', () => {});
  }

  get published(): number {
    return this.#next;
  }

  get startMs(): number {
    return this.#startMs;
  }

  /** Publishes until it is stopped. */
  start(): void {
    this.#running = this.#publishAll();
  }

  async #publishAll(): Promise<void> {
    await until(`${this.device.producer} connects`, () => this.#client.connected);
    while (!this.#stopping) {
      while (this.#next - this.acknowledged.size < IN_FLIGHT_MAX) this.#publish(this.#next++);
      await until('a publish is acknowledged', () => this.#stopping || this.#next - this.acknowledged.size < IN_FLIGHT_MAX);
    }
  }

  #publish(seq: number): void {
    this.#client.publish(this.device.topic, JSON.stringify(numberedReading(seq, this.#startMs)), { qos: 1 }, (error) => {
      if (!error) this.acknowledged.add(seq);
    });
  }

  /** Begins nothing new, waits until all that was begun is acknowledged, and leaves. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await until(`all publishes of ${this.device.producer} are acknowledged`, () => this.acknowledged.size === this.#next);
    await this.#client.endAsync();
  }
}

/** Publishes payloads one after the other over one connection; returns when each has been acknowledged. */
export async function publishAll(product: Product, device: Device, payloads: readonly object[]): Promise<void> {
  const client = await mqtt.connectAsync({
    host: '127.0.0.1',
    port: product.mqttPort,
    username: device.username,
    password: device.secret,
    clientId: `${device.producer}-once`,
  });
  for (const payload of payloads) await client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 });
  await client.endAsync();
}
