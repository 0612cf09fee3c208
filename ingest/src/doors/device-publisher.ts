/** An authenticated device at an MQTT door: decides which of its messages go where, for every QoS alike. */
import { contentTypeOf, type DeviceRecord, JSON_TYPE, refuse, splitSignature } from '@airtight/protocol';
import { signatureFault } from '../admit/payload-signature.ts';
import { RecordRoute } from '../admit/record-route.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import { publishTarget } from '../identity/grants.ts';
import type { Intake, Taken } from '../intake.ts';

/** Topics remembered per device: its own few, and whatever it gets wrong. */
const ROUTES_MAX = 64;
const TOPIC_DETAIL_LENGTH = 256;

/** Told of every message that was taken; `route` is absent for a topic the device may not publish to. */
export type OnTaken = (taken: Taken, route: RecordRoute | undefined, payload: Buffer) => void;

/** As what a message enters, and whose record it will be: a gateway publishes for others too. */
interface Target {
  readonly route: RecordRoute;
  readonly device: DeviceRecord;
}

export class DevicePublisher {
  readonly #device: DeviceRecord;
  readonly #registry: DeviceRegistry;
  readonly #intake: Intake;
  readonly #onTaken: OnTaken;
  readonly #targets = new Map<string, Target | undefined>();
  /** Of the registry, when the targets were looked up. */
  #version: number;

  constructor(device: DeviceRecord, registry: DeviceRegistry, intake: Intake, onTaken: OnTaken) {
    this.#device = device;
    this.#version = registry.version;
    this.#registry = registry;
    this.#intake = intake;
    this.#onTaken = onTaken;
  }

  /** As it is on record now. */
  get device(): DeviceRecord {
    return this.#registry.get(this.#device.producer) ?? this.#device;
  }

  /** Takes a message; the caller joins the group commit before it acknowledges. */
  publish(topic: string, message: Buffer, retain: boolean, receivedAt: number): void {
    const target = this.#targetOf(topic, contentTypeOf(message));
    const { payload, signature } = splitSignature(message);
    if (target !== undefined && !retain) {
      const { route, device } = target;
      const fault = signatureFault(device, route.fields, payload, signature, receivedAt);
      if (fault === undefined) {
        this.#onTaken(this.#intake.take(route, payload, receivedAt, signature), route, payload);
        return;
      }
      const origin = { door: 'mqtt', topic, producer: route.fields.producer, receivedAt };
      this.#onTaken(this.#intake.refuse(origin, fault, message), route, message);
      return;
    }
    // A retained reading would be shown to every later subscriber as if it were new.
    const refusal =
      target === undefined
        ? refuse('TOPIC_NOT_ALLOWED', `${this.#device.producer} may not publish to ${topic.slice(0, TOPIC_DETAIL_LENGTH)}`)
        : refuse('RETAIN_NOT_ALLOWED', topic);
    const origin = { door: 'mqtt', topic, producer: this.#device.producer, receivedAt };
    this.#onTaken(this.#intake.refuse(origin, refusal, message), target?.route, message);
  }

  #targetOf(topic: string, contentType: string): Target | undefined {
    if (this.#version !== this.#registry.version) {
      // Some device has changed: this one's rights, or those of one behind it, may be others now.
      this.#targets.clear();
      this.#version = this.#registry.version;
    }
    const key = contentType === JSON_TYPE ? topic : `${topic} ${contentType}`;
    const known = this.#targets.get(key);
    if (known !== undefined || this.#targets.has(key)) return known;
    const place = publishTarget(this.device, topic, this.#registry, this.#intake.datasets);
    const device = place === null ? undefined : this.#registry.get(place.producer);
    const target =
      place === null || device === undefined
        ? undefined
        : { device, route: new RecordRoute({ ...place, door: 'mqtt', topic, contentType }) };
    if (this.#targets.size < ROUTES_MAX) this.#targets.set(key, target);
    return target;
  }
}
