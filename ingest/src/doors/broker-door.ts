/**
 * The external broker door: this node is a client of any MQTT 5 broker and takes messages from it through a shared
 * subscription, so that several nodes divide the stream between them. A PUBACK goes to the broker when the message is
 * durable here, not before; what a node had not acknowledged when it died stays in its session and comes again.
 *
 * The broker has authenticated the devices and decided who may publish where. Here the topic names the producer, and it
 * must be one that was enrolled.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { contentTypeOf, NAME_MAX_LENGTH, parseTelemetryTopic, refuse } from '@airtight/protocol';
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { RecordRoute } from '../admit/record-route.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { brokeredTarget } from '../identity/grants.ts';
import type { CommitMember, Intake } from '../intake.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { DevicePaces } from './device-pace.ts';
import type { OnTaken } from './device-publisher.ts';
import { PACKET_MAX_BYTES } from './mqtt-connection.ts';
import { PUBACK } from './mqtt-frame.ts';

/** Messages the broker may send without having an acknowledgement for them: what one group commit can hold of them. */
const RECEIVE_MAXIMUM = 4096;
/** How long the broker keeps this node's session, and all that waits in it, while the node is away: a long weekend and repairs. */
const SESSION_EXPIRY_S = 7 * 86_400;
const KEEP_ALIVE_S = 30;
const CONNECT_TIMEOUT_MS = 10_000;
/** Pauses before another attempt double from the first to the second. */
const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 30_000;
/** A stopped node hands its last acknowledgements out within this time. */
const CLOSE_TIMEOUT_MS = 1000;
/** Not read for longer, the connection would miss the answer to its ping; a device that owes more waits again at its next message. */
const PACE_WAIT_MAX_MS = (KEEP_ALIVE_S * 1000) / 3;
/** Routes remembered: producers that are served at a time, some 1 kB each. */
const ROUTES_MAX = 10_000;
const TOPIC_DETAIL_LENGTH = 256;
/** `type/subtype` of RFC 6838 §4.2; parameters say nothing that a reader here would ask for. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;

export interface BrokerSettings {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  readonly url: string;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM; absent: the system's. */
  readonly ca: Buffer | undefined;
  /** Name of the shared subscription: nodes of one group divide the messages. */
  readonly group: string;
  /** Topic filters. */
  readonly topics: readonly string[];
}

export interface BrokerDoorOptions {
  readonly settings: BrokerSettings;
  readonly intake: Intake;
  readonly registry: DeviceRegistry;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
  readonly onTaken: OnTaken;
  /** Shared with the other doors: a device has one rate. */
  readonly paces: DevicePaces;
}

/** Packet identifiers that are acknowledged together, on the connection that brought them. */
interface Acknowledgements {
  readonly stream: Duplex;
  readonly packetIds: number[];
}

/** mqtt.js sends no PUBACK for a message whose handler answers an error: the PUBACK is ours to send, after the commit. */
const ACKNOWLEDGED_LATER = new Error('acknowledged after the commit');

export class BrokerDoor implements CommitMember {
  readonly #options: BrokerDoorOptions;
  readonly #client: MqttClient;
  readonly #filters: readonly string[];
  readonly #routes = new Map<string, RecordRoute>();
  #gathering: Acknowledgements | undefined;
  #committing: Acknowledgements | undefined;
  #joined = false;
  #closing = false;

  /** Connects, and goes on trying for as long as it takes: a broker that is away stops no other door. */
  constructor(options: BrokerDoorOptions) {
    this.#options = options;
    const { settings } = options;
    this.#filters = settings.topics.map((topic) => `$share/${settings.group}/${topic}`);
    this.#client = mqtt.connect(settings.url, clientOptions(settings));
    this.#client.handleMessage = (packet, next) => this.#onPublish(packet, next);
    this.#client.on('connect', () => void this.#subscribe());
    this.#client.on('close', () => this.#onClose());
    this.#client.on('error', (error) => this.#options.logger.warn({ url: settings.url, reason: error.message }, 'external broker: error'));
  }

  /** Takes nothing more, and acknowledges what is durable. The session stays with the broker. */
  async close(): Promise<void> {
    this.#closing = true;
    // Where the storage is broken nothing is committed any more, and was never acknowledged.
    await Promise.race([this.#options.intake.committed(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    // Not forced, `end` waits for what is in flight outwards, which a broker that is away never answers.
    const timer = setTimeout(() => this.#client.end(true), CLOSE_TIMEOUT_MS);
    await this.#client.endAsync(!this.#client.connected);
    clearTimeout(timer);
  }

  onCommitStart(): void {
    this.#joined = false;
    this.#committing = this.#gathering;
    this.#gathering = undefined;
  }

  onCommitted(): void {
    const group = this.#committing;
    this.#committing = undefined;
    // Of another connection than the one that stands: the broker sends those again, and they are recognised.
    if (group === undefined || group.stream !== this.#client.stream || group.stream.destroyed) return;
    const bytes = Buffer.allocUnsafe(4 * group.packetIds.length);
    for (const [i, packetId] of group.packetIds.entries()) {
      // [MQTT 5 §3.4.2.1] without a reason code: success.
      bytes.writeUInt16BE((PUBACK << 12) | 2, 4 * i);
      bytes.writeUInt16BE(packetId, 4 * i + 2);
    }
    group.stream.write(bytes);
    this.#options.metrics.brokerAcknowledged.inc(group.packetIds.length);
  }

  /** At every connection: a broker that lost its sessions has lost the subscription too. */
  async #subscribe(): Promise<void> {
    const { settings, logger, metrics } = this.#options;
    try {
      // QoS 1 at most: the broker downgrades QoS 2, and our own identities take the place of its exactly-once.
      await this.#client.subscribeAsync([...this.#filters], { qos: 1 });
    } catch (error) {
      logger.error({ url: settings.url, filters: this.#filters, reason: (error as Error).message }, 'external broker: not subscribed');
      this.#client.stream.destroy();
      return;
    }
    this.#client.options.reconnectPeriod = RECONNECT_MIN_MS;
    metrics.brokerConnected.set(1);
    logger.info({ url: settings.url, filters: this.#filters }, 'external broker: subscribed');
  }

  #onClose(): void {
    const { metrics, logger, settings } = this.#options;
    const { options } = this.#client;
    if (!this.#closing) logger.warn({ url: settings.url, retryMs: options.reconnectPeriod }, 'external broker: not connected');
    metrics.brokerConnected.set(0);
    options.reconnectPeriod = Math.min(2 * (options.reconnectPeriod ?? RECONNECT_MIN_MS), RECONNECT_MAX_MS);
  }

  /** @param next takes the next message; the socket is not read while it is held back */
  #onPublish(packet: IPublishPacket, next: (error?: Error) => void): void {
    if (this.#closing) return;
    const { intake, metrics } = this.#options;
    metrics.brokerReceived.inc();
    const waitMs = this.#take(packet.topic, Buffer.from(packet.payload), packet.properties?.contentType);
    if (packet.qos > 0) this.#acknowledge(packet.messageId as number);
    const proceed = (): void => {
      if (intake.full) intake.whenRoom(proceed);
      else next(packet.qos > 0 ? ACKNOWLEDGED_LATER : undefined);
    };
    if (waitMs > 0) setTimeout(proceed, waitMs).unref();
    else proceed();
  }

  /**
   * All devices share the connection, and PUBACKs keep the order of messages [MQTT-4.6.0-2]: who is too fast holds up the
   * others behind the same node.
   * @returns how long to read nothing more, ms
   */
  #take(topic: string, payload: Buffer, contentType: string | undefined): number {
    const { intake, onTaken, paces } = this.#options;
    const receivedAt = Date.now();
    const route = this.#routeOf(topic, mediaTypeOf(contentType, payload));
    if (route !== undefined) {
      onTaken(intake.take(route, payload, receivedAt), route, payload);
      const waitMs = paces.of(route.fields.producer).spend(1, payload.length, performance.now());
      return Math.min(waitMs, PACE_WAIT_MAX_MS);
    }
    const refusal = refuse('TOPIC_NOT_ALLOWED', `no enrolled producer publishes to ${topic.slice(0, TOPIC_DETAIL_LENGTH)}`);
    const producer = parseTelemetryTopic(topic)?.producer ?? '';
    const origin = { door: 'broker', topic, producer: producer.slice(0, NAME_MAX_LENGTH), receivedAt };
    onTaken(intake.refuse(origin, refusal, payload), undefined, payload);
    return 0;
  }

  /** Asked anew for every message: a device may have been revoked since the last one. */
  #routeOf(topic: string, contentType: string): RecordRoute | undefined {
    const target = brokeredTarget(topic, this.#options.registry, this.#options.intake.datasets);
    if (target === null) return undefined;
    const key = `${contentType} ${topic}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = new RecordRoute({ ...target, door: 'broker', topic, contentType });
      if (this.#routes.size < ROUTES_MAX) this.#routes.set(key, route);
    }
    return route;
  }

  #acknowledge(packetId: number): void {
    const { stream } = this.#client;
    if (this.#gathering?.stream === stream) this.#gathering.packetIds.push(packetId);
    else this.#gathering = { stream, packetIds: [packetId] };
    if (this.#joined) return;
    this.#joined = true;
    this.#options.intake.join(this);
  }
}

function clientOptions({ clientId, username, password, ca }: BrokerSettings): IClientOptions {
  return {
    protocolVersion: 5,
    clientId,
    clean: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    keepalive: KEEP_ALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: RECONNECT_MIN_MS,
    // A broker that refuses now may be told of us later; it is asked again, less and less often.
    reconnectOnConnackError: true,
    resubscribe: false,
    properties: { sessionExpiryInterval: SESSION_EXPIRY_S, receiveMaximum: RECEIVE_MAXIMUM, maximumPacketSize: PACKET_MAX_BYTES },
  };
}

/** [MQTT 5 §3.3.2.3.9] the publisher's Content Type where it names one, else what the content looks like. */
function mediaTypeOf(contentType: string | undefined, payload: Buffer): string {
  const named = contentType?.split(';')[0]?.trim().toLowerCase();
  return named !== undefined && MEDIA_TYPE.test(named) ? named : contentTypeOf(payload);
}
