/** An authenticated device at an MQTT door: decides which of its messages go where, for every QoS alike. */
import { contentTypeOf, type DeviceRecord, JSON_TYPE, refuse } from '@airtight/protocol';
import { RecordRoute } from '../admit/record-route.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { publishTarget } from '../identity/grants.ts';
import type { Intake, Taken } from '../intake.ts';

/** Topics remembered per device: its own few, and whatever it gets wrong. */
const ROUTES_MAX = 64;
const TOPIC_DETAIL_LENGTH = 256;

/** Told of every message that was taken; `route` is absent for a topic the device may not publish to. */
export type OnTaken = (taken: Taken, route: RecordRoute | undefined, payload: Buffer) => void;

export class DevicePublisher {
  readonly device: DeviceRecord;
  readonly #registry: DeviceRegistry;
  readonly #intake: Intake;
  readonly #onTaken: OnTaken;
  readonly #routes = new Map<string, RecordRoute | undefined>();

  constructor(device: DeviceRecord, registry: DeviceRegistry, intake: Intake, onTaken: OnTaken) {
    this.device = device;
    this.#registry = registry;
    this.#intake = intake;
    this.#onTaken = onTaken;
  }

  /** Takes a message; the caller joins the group commit before it acknowledges. */
  publish(topic: string, payload: Buffer, retain: boolean, receivedAt: number): void {
    const route = this.#routeOf(topic, contentTypeOf(payload));
    if (route !== undefined && !retain) {
      this.#onTaken(this.#intake.take(route, payload, receivedAt), route, payload);
      return;
    }
    // A retained reading would be shown to every later subscriber as if it were new.
    const refusal =
      route === undefined
        ? refuse('TOPIC_NOT_ALLOWED', `${this.device.producer} may not publish to ${topic.slice(0, TOPIC_DETAIL_LENGTH)}`)
        : refuse('RETAIN_NOT_ALLOWED', topic);
    const origin = { door: 'mqtt', topic, producer: this.device.producer, receivedAt };
    this.#onTaken(this.#intake.refuse(origin, refusal, payload), route, payload);
  }

  #routeOf(topic: string, contentType: string): RecordRoute | undefined {
    const key = contentType === JSON_TYPE ? topic : `${topic} ${contentType}`;
    const known = this.#routes.get(key);
    if (known !== undefined || this.#routes.has(key)) return known;
    const target = publishTarget(this.device, topic, this.#registry, this.#intake.datasets);
    const route = target === null ? undefined : new RecordRoute({ ...target, door: 'mqtt', topic, contentType });
    if (this.#routes.size < ROUTES_MAX) this.#routes.set(key, route);
    return route;
  }
}
