/** Devices whose readings a contract raises alerts for, one after the other at a steady pace, beside any other load. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../generator/messages.ts';
import { MqttSession } from './mqtt-session.ts';

/** Degrees: above and below the contract's limits; hundredths tell alerts apart. */
const HOT_FROM = 46;
const HOT_STEPS = 2000;
const COOL = 20;

/** A reading that must raise an alert. */
export interface Probe {
  /** Its value as text: what the alert's message names. */
  readonly value: string;
  /** When it was due to be published, which is also its event time; epoch ms. */
  readonly at: number;
  /** When the PUBACK came. */
  readonly ackedAt: number;
}

export class ProbeDevices implements Disposable {
  readonly #sessions: readonly MqttSession[];
  /** A device publishes one message after the other. */
  readonly #lanes: Promise<void>[];

  private constructor(sessions: readonly MqttSession[]) {
    this.#sessions = sessions;
    this.#lanes = sessions.map(() => Promise.resolve());
  }

  static async connect(port: number, devices: readonly Device[]): Promise<ProbeDevices> {
    const sessions: MqttSession[] = [];
    for (const device of devices) sessions.push(await MqttSession.open(port, device));
    return new ProbeDevices(sessions);
  }

  /** Publishes `count` readings over the limit, whatever the broker does; each device returns below it in between. */
  async run(count: number, perSecond: number): Promise<readonly Probe[]> {
    const probes: Promise<Probe>[] = [];
    const start = Date.now();
    const half = Math.ceil(this.#sessions.length / 2);
    for (let n = 0; n < count; n++) {
      const at = start + Math.floor((n * 1000) / perSecond);
      await sleep(Math.max(0, at - Date.now()));
      const value = (HOT_FROM + (n % HOT_STEPS) / 100).toFixed(2);
      probes.push(this.#publish(n, value, at).then((ackedAt) => ({ value, at, ackedAt })));
      if (n >= half) void this.#publish(n - half, String(COOL), at);
    }
    return Promise.all(probes);
  }

  /** @returns when it was acknowledged */
  #publish(n: number, value: string, at: number): Promise<number> {
    const place = n % this.#sessions.length;
    const payload = Buffer.from(`{"t":${at},"m":{"tamb":${value}}}`);
    const done = (this.#lanes[place] as Promise<void>).then(async () => {
      await (this.#sessions[place] as MqttSession).publish(payload);
      return Date.now();
    });
    this.#lanes[place] = done.then(() => undefined);
    return done;
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session[Symbol.dispose]();
  }
}
