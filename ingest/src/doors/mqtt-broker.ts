/**
 * The MQTT door: aedes with this product's policy. MQTT 3.1 and 3.1.1; a client of another version is refused by
 * CONNACK 1. The broker never spreads raw telemetry: what subscribers get are the platform's own topics.
 */
import { AirtightError, type AlertAnnouncement, alertTopic, CODES, type Code, parseTelemetryTopic, receiptTopic } from '@airtight/protocol';
import { SPARKPLUG_NAMESPACE } from '@airtight/standards/sparkplug-b.ts';
import { Aedes, type AedesPublishPacket, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import type { RecordRoute } from '../admit/record-route.ts';
import type { Anchored } from '../batch/batch-store.ts';
import type { AuthenticatedDevice } from '../identity/authentication.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { filterCovers, isTopicFilter, maySubscribe } from '../identity/grants.ts';
import type { LiveSessions } from '../identity/live-sessions.ts';
import type { Logins } from '../identity/logins.ts';
import type { Intake, Taken } from '../intake.ts';
import { LogLimit } from '../log-limit.ts';
import type { IngestMetrics } from '../metrics.ts';
import { Announcer } from './announcer.ts';
import type { ByteStream } from './byte-stream.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { DevicePaces } from './device-pace.ts';
import { DevicePublisher } from './device-publisher.ts';
import { DEFAULT_DOOR_LIMITS, type DoorLimits } from './door-limits.ts';
import { MqttConnection } from './mqtt-connection.ts';
import type { MqttPeer } from './mqtt-listeners.ts';
import { boundSessionQueues } from './session-queue.ts';
import { SparkplugSessions } from './sparkplug-session.ts';

export interface MqttBrokerOptions {
  readonly intake: Intake;
  readonly registry: DeviceRegistry;
  readonly logins: Logins;
  readonly sessions: LiveSessions;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
  readonly connectionsMax: number;
  /** Absent: DEFAULT_DOOR_LIMITS. */
  readonly limits?: DoorLimits;
  /** Shared with the other doors; absent: its own. */
  readonly paces?: DevicePaces;
  /** Lower-case hex leaf hash of a stored record. */
  readonly leafHashOf: (position: number) => string;
  /** The batch of a record, once the ledger has it. */
  readonly anchorOf: (position: number) => Anchored | null;
  /** Under which name Sparkplug edge nodes know this host; empty: it does not show itself to them. */
  readonly sparkplugHostId: string;
}

/** A subscriber that takes nothing for this long is dropped: one frozen client must not stop the others. */
const DRAIN_TIMEOUT_MS = 2000;
/** `v1/agency/dataset/producer` and a little more; deeper topics are nobody's. */
const TOPIC_LEVELS_MAX = 16;
/** CONNACK return codes [MQTT 3.1.1 §3.2.2.3]. */
const UNACCEPTABLE_PROTOCOL = 1;
const IDENTIFIER_REJECTED = 2;
const SERVER_UNAVAILABLE = 3;
const BAD_USERNAME_OR_PASSWORD = 4;

const NOTHING = Buffer.alloc(0);

/** SUBACK return code of a refused subscription [MQTT 3.1.1 §3.9.3]; aedes shows it as the subscription's QoS. */
const SUBSCRIPTION_REFUSED = 128;

const OUR_TOPICS = /^(?:v1|spBv1\.0)\//;

/** System errors have a `code`; a refused CONNECT has its return code as `errorCode`. */
type BrokerError = Error & { readonly code?: string; readonly errorCode?: number };

/** aedes keeps its keep-alive timer to itself; publishes that it does not see must count as life [MQTT-3.1.2-24]. */
interface KeepAlive {
  readonly _keepaliveTimer: NodeJS.Timeout | null;
}

export class MqttBroker {
  readonly #options: MqttBrokerOptions;
  readonly #aedes: Aedes;
  readonly #publishers = new WeakMap<Client, DevicePublisher>();
  readonly #authenticated = new WeakMap<Client, AuthenticatedDevice>();
  /** Clients that gave no client id but want their session kept [MQTT-3.1.3-8]. */
  readonly #namelessSessions = new WeakSet<Client>();
  /** Those with a grant for the live topics. */
  readonly #subscribers = new Set<Client>();
  /** Producers that listen to their own receipts. */
  readonly #receiptReaders = new WeakSet<Client>();
  readonly #announcer: Announcer;
  readonly #sparkplug: SparkplugSessions;
  readonly #violators = new WeakSet<Client>();
  readonly #connections = new Set<MqttConnection>();
  readonly #paces: DevicePaces;
  readonly #limits: ConnectionLimits;
  readonly #log: LogLimit;

  private constructor(options: MqttBrokerOptions, aedes: Aedes) {
    this.#options = options;
    this.#aedes = aedes;
    this.#announcer = new Announcer({
      ...options,
      // QoS 0: for a subscriber that is away nothing may pile up in memory.
      publish: (topic, payload, done) => aedes.publish({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }, done),
      onDropped: () => options.metrics.announcementsDropped.inc(),
    });
    this.#sparkplug = new SparkplugSessions({
      intake: options.intake,
      command: (topic, payload) => {
        options.metrics.sparkplugRebirths.inc();
        aedes.publish({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }, () => undefined);
      },
      onGap: () => options.metrics.sparkplugGaps.inc(),
    });
    const limits = options.limits ?? DEFAULT_DOOR_LIMITS;
    this.#log = new LogLimit(options.logger);
    this.#paces = options.paces ?? new DevicePaces(limits, options.metrics);
    this.#limits = new ConnectionLimits(limits, options.metrics, (limit, fields) =>
      this.#log.log('warn', { code: 'CONNECTIONS_EXCEEDED', limit, ...fields }, 'connection refused: a limit on connections'),
    );
  }

  static async create(options: MqttBrokerOptions): Promise<MqttBroker> {
    const aedes = await Aedes.createBroker({
      connectTimeout: (options.limits ?? DEFAULT_DOOR_LIMITS).connectTimeoutMs,
      drainTimeout: DRAIN_TIMEOUT_MS,
      maxTopicLevels: TOPIC_LEVELS_MAX,
    });
    boundSessionQueues(aedes, () => options.metrics.announcementsDropped.inc());
    const broker = new MqttBroker(options, aedes);
    broker.#setPolicy();
    broker.#watchClients();
    await broker.#publishHostState(true);
    return broker;
  }

  async close(): Promise<void> {
    await this.#publishHostState(false);
    for (const connection of this.#connections) connection.destroy();
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
  }

  /** Sparkplug 3.0.0 §5.4: edge nodes that hold back their data while their host is away learn of it here. */
  #publishHostState(online: boolean): Promise<void> {
    const { sparkplugHostId } = this.#options;
    if (sparkplugHostId === '') return Promise.resolve();
    const topic = `${SPARKPLUG_NAMESPACE}/STATE/${sparkplugHostId}`;
    const payload = Buffer.from(JSON.stringify({ online, timestamp: Date.now() }));
    return new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error === undefined || error === null ? resolve() : reject(error));
      this.#aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: true, dup: false }, done);
    });
  }

  /**
   * Tells of an alert on its topic, with QoS 1: who subscribed so and was cut off gets it when he comes back, as long as this
   * broker runs. Not retained: at the topic of one severity it would still stand when the alert has another.
   */
  async announceAlert(message: AlertAnnouncement): Promise<void> {
    const { agency, severity, contract } = message.data;
    const topic = alertTopic(agency, severity, contract);
    const payload = Buffer.from(JSON.stringify(message));
    await new Promise<void>((resolve, reject) => {
      this.#aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** The ledger has taken more batches. @param checkpointSize size of the tree that covers them */
  onAnchored(checkpointSize: number): void {
    this.#announcer.anchored(checkpointSize);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** A connection that had no place any more was closed before it came here. */
  dropped(remoteAddress: string | undefined): void {
    this.#limits.refused('total', { peer: remoteAddress });
  }

  /** Serves a client that has connected, over whatever. */
  accept(stream: ByteStream, { socket, identity }: MqttPeer): void {
    if (this.#connections.size >= this.#options.connectionsMax) {
      this.dropped(socket.remoteAddress);
      socket.destroy();
      return;
    }
    if (!this.#limits.admit(socket)) return;
    const { intake, metrics } = this.#options;
    const connection = new MqttConnection(stream, {
      socket,
      remoteAddress: socket.remoteAddress ?? '',
      intake,
      peer: identity,
      onViolation: (reason) => {
        metrics.violations.inc();
        this.#log.log('warn', { peer: socket.remoteAddress, reason }, 'MQTT connection closed');
      },
      onShareTaken: () => metrics.throttled.inc({ limit: 'share' }),
      onActivity: () => (client as unknown as KeepAlive)._keepaliveTimer?.refresh(),
    });
    this.#connections.add(connection);
    metrics.connections.set(this.#connections.size);
    connection.once('close', () => {
      this.#connections.delete(connection);
      metrics.connections.set(this.#connections.size);
    });
    const client = this.#aedes.handle(connection);
  }

  #setPolicy(): void {
    this.#aedes.preConnect = (client, packet, done) => {
      if (!packet.clientId && packet.clean === false) this.#namelessSessions.add(client);
      done(null, true);
    };
    this.#aedes.authenticate = (client, username, password, done) => {
      const connection = client.conn as MqttConnection;
      const { peer, remoteAddress } = connection;
      const { logins, registry, intake } = this.#options;
      const refuse = (code: Code): void => {
        logins.refused(code, username, remoteAddress);
        done(refusal(code), null);
      };
      // [MQTT-3.1.3-8]
      if (this.#namelessSessions.has(client)) return refuse('CLIENT_ID_REQUIRED');
      logins.authenticate({ username, secret: password?.toString('utf8'), peer }, remoteAddress).then(
        (authenticated) => {
          if (!this.#limits.identify(connection.socket, authenticated.device.producer, client.id)) return refuse('CONNECTIONS_EXCEEDED');
          // A client id is the device's own: another one's session is neither ended [MQTT-3.1.4-2] nor inherited by naming it.
          client.id = `${authenticated.device.producer}/${client.id}`;
          this.#authenticated.set(client, authenticated);
          this.#publishers.set(
            client,
            new DevicePublisher(authenticated.device, registry, intake, this.#sparkplug, (...taken) => this.#onTaken(client, ...taken)),
          );
          done(null, true);
        },
        (error: Error) => done(error instanceof AirtightError ? refusal(error.code) : (error as AuthenticateError), null),
      );
    };
    this.#aedes.authorizePublish = (client, packet, done) => this.#takeFromBroker(client, packet, done);
    this.#aedes.authorizeSubscribe = (client, subscription, done) => {
      // [MQTT-4.8.0-1] ends the connection.
      if (!isTopicFilter(subscription.topic)) return done(new Error('malformed topic filter'), null);
      const device = this.#publishers.get(client)?.device;
      // Null answers SUBACK 0x80, failure [MQTT-3.8.4-3].
      done(null, device !== undefined && maySubscribe(device, subscription.topic) ? subscription : null);
    };
    this.#aedes.authorizeForward = (client, packet) => this.#forwardable(client, packet);
  }

  #watchClients(): void {
    const { logger, metrics } = this.#options;
    this.#aedes.on('clientReady', (client) => {
      const publisher = this.#publishers.get(client);
      if (publisher === undefined) return;
      if (publisher.device.subscribe.length > 0) this.#subscribers.add(client);
      const connection = client.conn as MqttConnection;
      this.#watchSession(client, connection);
      connection.open(publisher, this.#paces.of(publisher.device.producer));
    });
    this.#aedes.on('subscribe', (subscriptions, client) => {
      const device = this.#publishers.get(client)?.device;
      const own = device?.datasets.map((dataset) => receiptTopic({ ...device, dataset })) ?? [];
      if (subscriptions.some(({ topic, qos }) => qos < SUBSCRIPTION_REFUSED && own.some((receipts) => filterCovers(topic, receipts)))) {
        this.#receiptReaders.add(client);
      }
    });
    this.#aedes.on('clientDisconnect', (client) => this.#subscribers.delete(client));
    this.#aedes.on('clientError', (client, error) => {
      const producer = this.#publishers.get(client)?.device.producer;
      if (error.message !== 'drain timeout') return this.#onBrokerError(client, error);
      // aedes reports the error once for each message that was under way to the client.
      if (!this.#subscribers.delete(client)) return;
      metrics.slowSubscribers.inc();
      logger.warn({ producer, client: client.id, drainTimeoutMs: DRAIN_TIMEOUT_MS }, 'subscriber dropped: it does not read');
    });
    this.#aedes.on('connectionError', (client, error) => this.#onBrokerError(client, error));
  }

  /** Cuts the connection when the device or its credential is revoked, or the credential expires. */
  #watchSession(client: Client, connection: MqttConnection): void {
    const authenticated = this.#authenticated.get(client);
    if (authenticated === undefined) return;
    const leave = this.#options.sessions.begin(authenticated, () => {
      this.#options.metrics.endedSessions.inc();
      this.#options.logger.info({ code: 'CREDENTIALS_ENDED', producer: authenticated.device.producer }, 'MQTT connection closed');
      connection.destroy();
    });
    connection.once('close', leave);
  }

  /** What the broker itself found wrong with a connection; counted once for each. */
  #onBrokerError(client: Client, error: BrokerError): void {
    // A connection that broke (`code`) violates nothing, and a refused login (CONNACK 2 to 5) is counted as such.
    const isRefusal = error.errorCode !== undefined && error.errorCode !== UNACCEPTABLE_PROTOCOL;
    if (error.code !== undefined || isRefusal || this.#violators.has(client)) return;
    this.#violators.add(client);
    this.#options.metrics.violations.inc();
    const producer = this.#publishers.get(client)?.device.producer;
    this.#log.log('warn', { producer, reason: error.message }, 'MQTT connection closed');
  }

  /**
   * QoS 2 publishes and wills come here from aedes. This is the one hook that runs before PUBREC, so the commit is
   * waited for in it; it never answers an error, because what is not admissible is quarantined and acknowledged.
   */
  #takeFromBroker(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const publisher = client === null ? undefined : this.#publishers.get(client);
    if (publisher === undefined) return done(new Error('nobody is known to have published this'));
    publisher.publish(packet.topic, Buffer.from(packet.payload), packet.retain, Date.now());
    packet.retain = false;
    // aedes keeps the packet until PUBREL, to publish it then to nobody: its identifier is all that is needed.
    packet.payload = NOTHING;
    this.#options.intake.join({ onCommitStart: () => undefined, onCommitted: () => done(null) });
  }

  /** Platform topics go to who may hear them; raw telemetry goes to nobody. */
  #forwardable(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    const device = this.#publishers.get(client)?.device;
    // Those of a client bear its id; what it publishes with QoS 2, or as a will, passes here too.
    const isOurs = !Object.hasOwn(packet, 'clientId') && OUR_TOPICS.test(packet.topic) && parseTelemetryTopic(packet.topic) === null;
    return device !== undefined && isOurs && maySubscribe(device, packet.topic) ? packet : null;
  }

  /** A message of an MQTT client: counted, shown, and answered with a receipt where the client listens to them. */
  #onTaken(client: Client, taken: Taken, route: RecordRoute | undefined, payload: Buffer): void {
    this.onTaken(taken, route, payload);
    if (route !== undefined && this.#receiptReaders.has(client)) this.#announcer.receipt(route, taken);
  }

  /** Counts what a door has taken, and shows subscribers what is new. */
  onTaken(taken: Taken, route: RecordRoute | undefined, payload: Buffer): void {
    const { metrics } = this.#options;
    if (taken.kind === 'quarantined') metrics.quarantined.inc({ code: taken.refusal.code });
    else if (taken.kind === 'repeat') metrics.repeats.inc();
    else metrics.accepted.inc();
    if (taken.kind === 'revision') metrics.revisions.inc();
    const isNew = taken.kind === 'accepted' || taken.kind === 'revision';
    if (isNew && route !== undefined && this.#subscribers.size > 0) this.#announcer.live(route, payload);
  }
}

/** The CONNACK return code of a refusal: MQTT 3.1.1 has no place for the code itself. */
function returnCodeOf(code: Code): number {
  if (code === 'CLIENT_ID_REQUIRED') return IDENTIFIER_REJECTED;
  return code === 'RATE_LIMITED' || code === 'OVERLOADED' || code === 'CONNECTIONS_EXCEEDED'
    ? SERVER_UNAVAILABLE
    : BAD_USERNAME_OR_PASSWORD;
}

function refusal(code: Code): AuthenticateError {
  return Object.assign(new Error(CODES[code].en), { returnCode: returnCodeOf(code) });
}
