/**
 * A device of the fault tests, on mqtt.js: publishes numbered readings with QoS 1, a bounded number in flight, over as many
 * broken connections as it takes, and notes which ones were acknowledged.
 */
import mqtt, { type MqttClient } from 'mqtt';
import type { Device } from './product.ts';
import { until } from './waiting.ts';

/** Where a device connects: the product, or any broker on loopback. */
export interface MqttServer {
  readonly mqttPort: number;
}

const IN_FLIGHT_MAX = 8;
const RECONNECT_MS = 50;

/** The reading with a number: its value is the number, its time a second each, so that every one is told from the others. */
export function numberedReading(
  seq: number,
  startMs: number,
): { readonly seq: number; readonly t: number; readonly m: { readonly pm25: number } } {
  return { seq, t: startMs + seq * 1000, m: { pm25: seq } };
}

export class Publisher {
  readonly device: Device;
  /** Numbers whose publish was acknowledged. */
  readonly acknowledged = new Set<number>();
  readonly #startMs: number;
  readonly #client: MqttClient;
  readonly #pauseMs: number;
  #next = 0;
  #stopping = false;

  /** @param pauseMs after each acknowledgement, for a server that acknowledges faster than the test can look through */
  constructor(server: MqttServer, device: Device, startMs: number, pauseMs = 0) {
    this.device = device;
    this.#startMs = startMs;
    this.#pauseMs = pauseMs;
    this.#client = mqtt.connect({
      host: '127.0.0.1',
      port: server.mqttPort,
      username: device.username,
      password: device.secret,
      clientId: device.producer,
      clean: false,
      reconnectPeriod: RECONNECT_MS,
    });
    // Broken connections are what these tests make.
    this.#client.on('error', () => {});
  }

  /**
   * Publishes until it is told to finish: the next reading goes out the moment one is acknowledged. Begins when the connection
   * stands: what mqtt.js has to queue it sends one by one, and nothing would be in flight together.
   */
  async start(): Promise<void> {
    await until(`${this.device.producer} connects`, () => this.#client.connected);
    this.#fill();
  }

  #fill(): void {
    while (!this.#stopping && this.#next - this.acknowledged.size < IN_FLIGHT_MAX) this.#publish(this.#next++);
  }

  #publish(seq: number): void {
    // mqtt.js calls back when the PUBACK is there; what a broken connection had in flight it sends again.
    this.#client.publish(this.device.topic, JSON.stringify(numberedReading(seq, this.#startMs)), { qos: 1 }, (error) => {
      if (error) return;
      this.acknowledged.add(seq);
      if (this.#pauseMs === 0) this.#fill();
      else setTimeout(() => this.#fill(), this.#pauseMs);
    });
  }

  /** Begins nothing new, waits until all that was begun is acknowledged, and leaves. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await until(`all publishes of ${this.device.producer} are acknowledged`, () => this.acknowledged.size === this.#next);
    await this.#client.endAsync();
  }

  /** Leaves at once: after a test that failed nothing may keep its process alive. */
  close(): void {
    this.#stopping = true;
    this.#client.end(true);
  }
}

/** Publishes payloads one after the other over one connection; returns when each has been acknowledged. */
export async function publishAll(server: MqttServer, device: Device, payloads: readonly object[]): Promise<void> {
  const client = await mqtt.connectAsync({
    host: '127.0.0.1',
    port: server.mqttPort,
    username: device.username,
    password: device.secret,
    clientId: `${device.producer}-once`,
  });
  for (const payload of payloads) await client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 });
  await client.endAsync();
}
