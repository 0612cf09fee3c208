/**
 * How many may be connected: from one address, as one device, and before they have said who they are; and how fast one
 * address may connect. Who is beyond a limit is closed at once, counted, and shown in the log; it can come again.
 */
import type { Socket } from 'node:net';
import type { IngestMetrics } from '../metrics.ts';
import { TokenBucket } from './token-bucket.ts';

export interface ConnectionLimitSettings {
  readonly connectionsPerAddressMax: number;
  readonly connectionsPerDeviceMax: number;
  /** Connections per second of one address, with one second of burst; 0: no limit. */
  readonly connectRateMax: number;
  /** Connections without an accepted CONNECT. */
  readonly unauthenticatedMax: number;
}

export type ConnectionLimit = 'total' | 'address' | 'device' | 'rate' | 'unauthenticated';

/** Addresses whose rate is remembered; a forgotten one begins with a full second of burst. */
const ADDRESSES_MAX = 100_000;

export class ConnectionLimits {
  readonly #settings: ConnectionLimitSettings;
  readonly #metrics: Pick<IngestMetrics, 'refusedConnections'>;
  readonly #onRefused: (limit: ConnectionLimit, fields: object) => void;
  readonly #byAddress = new Map<string, number>();
  readonly #rates = new Map<string, TokenBucket>();
  readonly #unauthenticated = new Set<Socket>();
  /** Client ids under which a producer is connected. */
  readonly #clientIds = new Map<string, Map<string, number>>();

  constructor(
    settings: ConnectionLimitSettings,
    metrics: Pick<IngestMetrics, 'refusedConnections'>,
    onRefused: (limit: ConnectionLimit, fields: object) => void,
  ) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#onRefused = onRefused;
  }

  /** Takes a new connection, or closes it. @returns false when it was closed */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const limit = this.#exceeded(address);
    if (limit !== undefined) {
      this.refused(limit, { peer: address });
      socket.destroy();
      return false;
    }
    add(this.#byAddress, address, 1);
    this.#unauthenticated.add(socket);
    socket.once('close', () => {
      add(this.#byAddress, address, -1);
      this.#unauthenticated.delete(socket);
    });
    return true;
  }

  /**
   * The device of a connection is known. A connection under the same client id takes the place of the one before
   * [MQTT-3.1.4-2], so it is never one too many.
   * @returns false when the device has as many connections as it may: the caller refuses it
   */
  identify(socket: Socket, producer: string, clientId: string): boolean {
    const ids = this.#clientIds.get(producer) ?? new Map<string, number>();
    if (!ids.has(clientId) && ids.size >= this.#settings.connectionsPerDeviceMax) {
      this.refused('device', { producer });
      return false;
    }
    this.#unauthenticated.delete(socket);
    this.#clientIds.set(producer, ids);
    add(ids, clientId, 1);
    socket.once('close', () => {
      add(ids, clientId, -1);
      if (ids.size === 0 && this.#clientIds.get(producer) === ids) this.#clientIds.delete(producer);
    });
    return true;
  }

  refused(limit: ConnectionLimit, fields: object): void {
    this.#metrics.refusedConnections.inc({ limit });
    this.#onRefused(limit, fields);
  }

  #exceeded(address: string): ConnectionLimit | undefined {
    const { connectionsPerAddressMax, unauthenticatedMax } = this.#settings;
    if ((this.#byAddress.get(address) ?? 0) >= connectionsPerAddressMax) return 'address';
    if (this.#unauthenticated.size >= unauthenticatedMax) return 'unauthenticated';
    return this.#rateOf(address).tryTake(performance.now()) ? undefined : 'rate';
  }

  #rateOf(address: string): TokenBucket {
    let rate = this.#rates.get(address);
    if (rate === undefined) {
      if (this.#rates.size >= ADDRESSES_MAX) this.#rates.delete(this.#rates.keys().next().value as string);
      rate = new TokenBucket(this.#settings.connectRateMax, performance.now());
      this.#rates.set(address, rate);
    }
    return rate;
  }
}

/** Adds to a count; one of 0 is no entry. */
function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
