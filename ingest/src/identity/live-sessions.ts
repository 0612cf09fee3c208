/**
 * What goes on in a device's name: MQTT connections, uploads. When the device is revoked, or the credential that it began
 * with is revoked or expires, it is ended: at once after a change of the record, within SWEEP_INTERVAL_MS after an expiry.
 */
import type { AuthenticatedDevice } from './authentication.ts';
import { type DeviceRegistry, validCredential } from './device-registry.ts';

/** A session outlives its credential by no more than this. */
export const SWEEP_INTERVAL_MS = 500;

interface LiveSession {
  readonly authenticated: AuthenticatedDevice;
  readonly end: () => void;
}

export class LiveSessions {
  readonly #registry: DeviceRegistry;
  readonly #byProducer = new Map<string, Set<LiveSession>>();
  /** Those with an end in time; most have none. */
  readonly #ending = new Set<LiveSession>();
  readonly #sweeping: NodeJS.Timeout;

  constructor(registry: DeviceRegistry) {
    this.#registry = registry;
    registry.onChange(({ producer }) => this.#judge(this.#byProducer.get(producer) ?? [], Date.now()));
    this.#sweeping = setInterval(() => this.#judge(this.#ending, Date.now()), SWEEP_INTERVAL_MS).unref();
  }

  /**
   * Watches over what has begun with a login.
   * @param end called at most once, when it must end; at once when the credential ended while it began
   * @returns to be called when it has ended by itself
   */
  begin(authenticated: AuthenticatedDevice, end: () => void): () => void {
    const { producer } = authenticated.device;
    const session: LiveSession = { authenticated, end };
    const own = this.#byProducer.get(producer) ?? new Set();
    this.#byProducer.set(producer, own.add(session));
    if (authenticated.until !== Number.POSITIVE_INFINITY) this.#ending.add(session);
    this.#judge([session], Date.now());
    return () => this.#forget(session);
  }

  close(): void {
    clearInterval(this.#sweeping);
  }

  #judge(sessions: Iterable<LiveSession>, now: number): void {
    for (const session of [...sessions]) {
      const { device, credentialId, until } = session.authenticated;
      const credential = validCredential(this.#registry.get(device.producer), credentialId, now);
      if (credential === undefined || now >= until) {
        this.#forget(session);
        session.end();
      } else if (credential.validTo !== undefined) this.#ending.add(session);
    }
  }

  #forget(session: LiveSession): void {
    const { producer } = session.authenticated.device;
    const own = this.#byProducer.get(producer);
    own?.delete(session);
    if (own?.size === 0) this.#byProducer.delete(producer);
    this.#ending.delete(session);
  }
}
