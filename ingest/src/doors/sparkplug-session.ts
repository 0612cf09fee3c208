/**
 * Sessions of Sparkplug edge nodes (Sparkplug 3.0.0 chapter 5): which births are in force, so that what comes next can
 * refer to them by alias; whether a message was lost; and whose death is meant. The state is in memory alone: after a
 * restart an edge node connects again, which begins with a birth, and one that does not is asked for it.
 *
 * One NDEATH speaks of the edge node and of every device behind it, so it becomes a record of each of them.
 */
import { type DeviceSignature, PAYLOAD_MAX_BYTES, type SparkplugBirth, toSparkplugBirth } from '@airtight/protocol';
import {
  decodeSparkplug,
  encodeSparkplug,
  parseSparkplugTopic,
  SPARKPLUG_TYPE,
  type SparkplugTopic,
  sparkplugTopic,
} from '@airtight/standards/sparkplug-b.ts';
import { RecordRoute } from '../admit/record-route.ts';
import type { Intake, Taken } from '../intake.ts';
import type { OnTaken } from './device-publisher.ts';

/** An edge node with many devices needs seconds for a rebirth; asking more often would only make it begin anew. */
export const REBIRTH_INTERVAL_MS = 10_000;
/** §6.4.5: seq goes from 0 to 255 and begins anew. */
const SEQ_COUNT = 256;

interface DeviceSession {
  readonly route: RecordRoute;
  readonly birth: SparkplugBirth;
}

interface EdgeSession {
  /** Undefined before the first birth and after a death. */
  birth: SparkplugBirth | undefined;
  /** By device id. */
  readonly devices: Map<string, DeviceSession>;
  nextSeq: number | undefined;
  /** Epoch ms. */
  rebirthAskedAt: number | undefined;
}

interface Sent {
  readonly route: RecordRoute;
  readonly payload: Buffer;
  readonly receivedAt: number;
  readonly signature: DeviceSignature | undefined;
}

export interface SparkplugSessionsOptions {
  readonly intake: Intake;
  /** Sends a command to an edge node, QoS 0, not retained (§5.10). */
  readonly command: (topic: string, payload: Buffer) => void;
  readonly onGap: () => void;
}

export class SparkplugSessions {
  readonly #options: SparkplugSessionsOptions;
  /** By group and edge node; only those of enrolled edge nodes come here. */
  readonly #edges = new Map<string, EdgeSession>();

  constructor(options: SparkplugSessionsOptions) {
    this.#options = options;
  }

  /** Takes a message of an edge node or of a device behind it. @param route of the one it speaks of, with its topic */
  publish(route: RecordRoute, payload: Buffer, receivedAt: number, signature: DeviceSignature | undefined, onTaken: OnTaken): void {
    const topic = parseSparkplugTopic(route.fields.topic ?? '');
    if (topic === null) throw new Error(`${route.fields.topic} is no Sparkplug topic`);
    const session = this.#sessionOf(topic);
    const isLost = topic.message !== 'NDEATH' && this.#isGap(session, topic, payload);
    const taken = this.#take(session, topic, { route, payload, receivedAt, signature }, onTaken);
    const isUndefined = taken.kind === 'quarantined' && taken.refusal.code === 'SPARKPLUG_BIRTH_MISSING';
    // Data with names is taken without a birth; its edge node is still asked for one.
    const isUnborn = session.birth === undefined && taken.kind !== 'quarantined' && !topic.message.endsWith('DEATH');
    if (isLost) this.#options.onGap();
    if (isLost || isUnborn || (isUndefined && topic.message !== 'NDEATH')) this.#askForRebirth(session, topic, receivedAt);
  }

  #take(session: EdgeSession, topic: SparkplugTopic, { route, payload, receivedAt, signature }: Sent, onTaken: OnTaken): Taken {
    const { intake } = this.#options;
    const { message, device = '' } = topic;
    const birth = message === 'NDATA' || message === 'NDEATH' ? session.birth : session.devices.get(device)?.birth;
    const taken = intake.take(route, payload, receivedAt, { birth: message.endsWith('BIRTH') ? undefined : birth, signature });
    onTaken(taken, route, payload);
    if (message === 'NBIRTH') {
      session.birth = birthOf(taken, payload);
      session.devices.clear();
    } else if (message === 'DBIRTH') {
      const own = birthOf(taken, payload);
      if (own === undefined) session.devices.delete(device);
      else session.devices.set(device, { route, birth: own });
    } else if (message === 'DDEATH' && taken.kind !== 'quarantined') session.devices.delete(device);
    else if (message === 'NDEATH' && taken.kind !== 'quarantined') this.#bury(session, route, payload, receivedAt, onTaken);
    return taken;
  }

  /** With the edge node all devices behind it are out of reach (§5.6). */
  #bury(session: EdgeSession, { fields }: RecordRoute, payload: Buffer, receivedAt: number, onTaken: OnTaken): void {
    for (const { route } of session.devices.values()) {
      const own = new RecordRoute({ ...route.fields, topic: fields.topic as string });
      onTaken(this.#options.intake.take(own, payload, receivedAt, { birth: session.birth }), own, payload);
    }
    session.birth = undefined;
    session.nextSeq = undefined;
    session.devices.clear();
  }

  /** One TCP connection reorders nothing, so a number that is passed over is a lost message at once. */
  #isGap(session: EdgeSession, { message }: SparkplugTopic, payload: Buffer): boolean {
    if (payload.length > PAYLOAD_MAX_BYTES) return false;
    const decoded = decodeSparkplug(payload);
    if (!decoded.ok || decoded.payload.seq === undefined) return false;
    const expected = session.nextSeq;
    session.nextSeq = (decoded.payload.seq + 1) % SEQ_COUNT;
    return message !== 'NBIRTH' && expected !== undefined && decoded.payload.seq !== expected;
  }

  #askForRebirth(session: EdgeSession, { group, edge }: SparkplugTopic, nowMs: number): void {
    const { rebirthAskedAt } = session;
    // A clock that was set back must not silence it for long, so the distance counts both ways.
    if (rebirthAskedAt !== undefined && Math.abs(nowMs - rebirthAskedAt) < REBIRTH_INTERVAL_MS) return;
    session.rebirthAskedAt = nowMs;
    const metric = { name: 'Node Control/Rebirth', timestamp: nowMs, datatype: SPARKPLUG_TYPE.Boolean } as const;
    const payload = encodeSparkplug({ timestamp: nowMs, metrics: [{ ...metric, value: { field: 'boolean', value: true } }] });
    this.#options.command(sparkplugTopic({ group, message: 'NCMD', edge }), Buffer.from(payload));
  }

  #sessionOf({ group, edge }: SparkplugTopic): EdgeSession {
    const key = `${group}/${edge}`;
    let session = this.#edges.get(key);
    if (session === undefined) {
      session = { birth: undefined, devices: new Map(), nextSeq: undefined, rebirthAskedAt: undefined };
      this.#edges.set(key, session);
    }
    return session;
  }
}

/** What a birth defines, once it was taken; a repeat stands where the first one does. */
function birthOf(taken: Taken, payload: Buffer): SparkplugBirth | undefined {
  if (taken.kind === 'quarantined') return undefined;
  const birth = toSparkplugBirth(payload, taken.position);
  return birth.ok ? birth.value : undefined;
}
