/** An authenticated device at an MQTT door: decides which of its messages go where, for every QoS alike. */
import { contentTypeOf, type DeviceRecord, JSON_TYPE, refuse, SPARKPLUG_MEDIA_TYPE, splitSignature } from '@airtight/protocol';
import { SPARKPLUG_NAMESPACE } from '@airtight/standards/sparkplug-b.ts';
import { RecordRoute } from '../admit/record-route.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { publishTarget, sparkplugTarget } from '../identity/grants.ts';
import type { Intake, Taken } from '../intake.ts';
import type { SparkplugSessions } from './sparkplug-session.ts';

/** Topics remembered per device: its own few, and whatever it gets wrong. */
const ROUTES_MAX = 64;
const TOPIC_DETAIL_LENGTH = 256;
const SPARKPLUG_PREFIX = `${SPARKPLUG_NAMESPACE}/`;

/** Told of every message that was taken; `route` is absent for a topic the device may not publish to. */
export type OnTaken = (taken: Taken, route: RecordRoute | undefined, payload: Buffer) => void;

export class DevicePublisher {
  readonly #device: DeviceRecord;
  readonly #registry: DeviceRegistry;
  readonly #intake: Intake;
  readonly #sparkplug: SparkplugSessions;
  readonly #onTaken: OnTaken;
  readonly #routes = new Map<string, RecordRoute | undefined>();
  /** Of the registry, when the routes were looked up. */
  #version: number;

  constructor(device: DeviceRecord, registry: DeviceRegistry, intake: Intake, sparkplug: SparkplugSessions, onTaken: OnTaken) {
    this.#device = device;
    this.#version = registry.version;
    this.#registry = registry;
    this.#intake = intake;
    this.#sparkplug = sparkplug;
    this.#onTaken = onTaken;
  }

  /** As it is on record now. */
  get device(): DeviceRecord {
    return this.#registry.get(this.#device.producer) ?? this.#device;
  }

  /** Takes a message; the caller joins the group commit before it acknowledges. */
  publish(topic: string, message: Buffer, retain: boolean, receivedAt: number): void {
    const isSparkplug = topic.startsWith(SPARKPLUG_PREFIX);
    const route = this.#routeOf(topic, isSparkplug ? SPARKPLUG_MEDIA_TYPE : contentTypeOf(message));
    if (route !== undefined && !retain) {
      const { payload, signature } = splitSignature(message);
      if (isSparkplug) this.#sparkplug.publish(route, payload, receivedAt, signature, this.#onTaken);
      else this.#onTaken(this.#intake.take(route, payload, receivedAt, { signature }), route, payload);
      return;
    }
    // A retained reading would be shown to every later subscriber as if it were new.
    const refusal =
      route === undefined
        ? refuse('TOPIC_NOT_ALLOWED', `${this.#device.producer} may not publish to ${topic.slice(0, TOPIC_DETAIL_LENGTH)}`)
        : refuse('RETAIN_NOT_ALLOWED', topic);
    const origin = { door: 'mqtt', topic, producer: this.#device.producer, receivedAt };
    this.#onTaken(this.#intake.refuse(origin, refusal, message), route, message);
  }

  #routeOf(topic: string, contentType: string): RecordRoute | undefined {
    if (this.#version !== this.#registry.version) {
      // Some device has changed: this one's rights, or those of one behind it, may be others now.
      this.#routes.clear();
      this.#version = this.#registry.version;
    }
    const key = contentType === JSON_TYPE ? topic : `${topic} ${contentType}`;
    const known = this.#routes.get(key);
    if (known !== undefined || this.#routes.has(key)) return known;
    const target =
      contentType === SPARKPLUG_MEDIA_TYPE
        ? sparkplugTarget(this.device, topic, this.#registry)
        : publishTarget(this.device, topic, this.#registry, this.#intake.datasets);
    const route = target === null ? undefined : new RecordRoute({ ...target, door: 'mqtt', topic, contentType });
    if (this.#routes.size < ROUTES_MAX) this.#routes.set(key, route);
    return route;
  }
}
