/**
 * One device's connection, in front of the broker. The broker (aedes) owns sessions, subscriptions, wills,
 * keep-alive and QoS 2; it sees this Duplex instead of the socket. QoS 0 and 1 PUBLISH packets of a connected device
 * are cut out of the byte stream here and go to the intake directly, and their PUBACKs are written together, once per
 * group commit: one read and one write for many messages. Every other packet passes to the broker untouched.
 *
 * How much of a device is read depends on its pace (device-pace.ts) and on the storage: what has to wait stays here, and
 * the socket is not read on, so that the device's own sending stops.
 *
 * Bytes that arrive before the broker has accepted the CONNECT wait here, so that packets are cut from the first one on
 * and nothing is published by someone who is not known yet.
 */
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { PAYLOAD_MAX_BYTES } from '@airtight/protocol';
import type { PeerIdentity } from '../identity/peer-identity.ts';
import type { CommitMember, Intake } from '../intake.ts';
import type { ByteStream } from './byte-stream.ts';
import type { DevicePace } from './device-pace.ts';
import type { DevicePublisher } from './device-publisher.ts';
import { CONNECT, PUBACK, PUBLISH, readFixedHeader } from './mqtt-frame.ts';

/** The largest packet that is read at all. What is larger than a payload may be but fits here is quarantined; the rest ends the connection. */
export const PACKET_MAX_BYTES = 4 * PAYLOAD_MAX_BYTES;
/** A CONNECT carries a client id, a user name, a password and a will: more than this is no device of ours. */
const CONNECT_MAX_BYTES = 64 * 1024;
/** Publishing stops being read while this much acknowledgement waits for a device that does not read. */
const UNREAD_ACKS_MAX_BYTES = 64 * 1024;
/** How long a closed connection may take to read what was written to it. */
const LINGER_MS = 2000;
/** While a device waits for its rate, it is looked at so often that it is alive: it is us who do not read. */
const PACE_SLICE_MS = 500;
const PUBACK_BYTES = 4;
const ACKS_INITIAL_BYTES = 256;

export interface ConnectionHooks {
  /** The connection below the stream, which may be the stream itself. */
  readonly socket: Socket;
  /** By its verified client certificate, where it showed one. */
  readonly peer: PeerIdentity | undefined;
  /** IP address; empty when it is gone already. */
  readonly remoteAddress: string;
  readonly intake: Intake;
  /** The stream broke the protocol or a limit; the connection is closed. */
  readonly onViolation: (reason: string) => void;
  /** Called once per chunk with publishes in it: the client is alive [MQTT-3.1.2-24]. */
  readonly onActivity: () => void;
  /** The device has had its share of a group and is not read before the next one. */
  readonly onShareTaken: () => void;
}

type Stage = 'connect' | 'waiting' | 'open' | 'closed';

export class MqttConnection extends Duplex implements CommitMember {
  readonly #socket: ByteStream;
  readonly #hooks: ConnectionHooks;
  #publisher: DevicePublisher | undefined;
  #stage: Stage = 'connect';
  /** Bytes that are not a whole packet yet, or wait for the CONNACK. */
  #rest: Buffer | undefined;
  #restNeeded = 0;
  #held = false;
  /** Waits for the storage, or for what is pending to become less. */
  #awaitsRoom = false;
  /** Has had its share of the group that gathers, and waits for the next one. */
  #awaitsGroup = false;
  /** The broker has not taken what was passed to it. */
  #awaitsBroker = false;
  /** Sends faster than it may: read on from this moment, ms of performance.now(). */
  #readFromMs = 0;
  #paceTimer: NodeJS.Timeout | undefined;
  #pace: DevicePace | undefined;
  #topic = '';
  #topicBytes = Buffer.alloc(0);

  // PUBACKs of the group that gathers, and of the group that is being committed.
  #acks = Buffer.allocUnsafe(ACKS_INITIAL_BYTES);
  #acksBytes = 0;
  #committing = Buffer.allocUnsafe(ACKS_INITIAL_BYTES);
  #committingBytes = 0;
  #joined = false;

  constructor(socket: ByteStream, hooks: ConnectionHooks) {
    super();
    this.#socket = socket;
    this.#hooks = hooks;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.push(null));
    socket.on('drain', () => this.#resumeReading());
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  get peer(): PeerIdentity | undefined {
    return this.#hooks.peer;
  }

  get remoteAddress(): string {
    return this.#hooks.remoteAddress;
  }

  /** The broker has accepted the CONNECT of this device: what it publishes from now on is taken. */
  open(publisher: DevicePublisher, pace: DevicePace): void {
    if (this.#stage !== 'waiting') return;
    this.#publisher = publisher;
    this.#pace = pace;
    this.#stage = 'open';
    this.#resumeReading();
  }

  onCommitStart(): void {
    this.#joined = false;
    [this.#acks, this.#committing] = [this.#committing, this.#acks];
    this.#committingBytes = this.#acksBytes;
    this.#acksBytes = 0;
    if (!this.#awaitsGroup) return;
    this.#awaitsGroup = false;
    // Not at once: what is taken before the write begins would still be of the group that it has had its share of.
    setImmediate(() => this.#resumeReading());
  }

  onCommitted(): void {
    if (this.#stage === 'closed' || this.#committingBytes === 0) return;
    // A copy: the buffer gathers again while the kernel may still be taking these bytes.
    this.#socket.write(Buffer.from(this.#committing.subarray(0, this.#committingBytes)));
    if (this.#socket.writableLength > UNREAD_ACKS_MAX_BYTES) this.#stopReading();
  }

  get socket(): Socket {
    return this.#hooks.socket;
  }

  override _read(): void {
    if (!this.#awaitsBroker) return;
    this.#awaitsBroker = false;
    this.#resumeReading();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  /** Whole packets at a time: the broker corks each packet, so an acknowledgement never lands inside one. */
  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stage = 'closed';
    this.#rest = undefined;
    clearTimeout(this.#paceTimer);
    if (error) this.#socket.destroy();
    else {
      // What was acknowledged last still goes out, if the peer reads it.
      this.#socket.destroySoon();
      setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    }
    callback(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#stage === 'closed') return;
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    if (this.#stage === 'waiting' || bytes.length < this.#restNeeded) {
      this.#keep(bytes, this.#restNeeded);
      return;
    }
    this.#restNeeded = 0;
    if (this.#stage === 'connect') this.#cutConnect(bytes);
    else this.#cutPackets(bytes);
  }

  /** Passes the first packet, which must be a CONNECT [MQTT-3.1.0-1], and waits for the broker's verdict. */
  #cutConnect(bytes: Buffer): void {
    if ((bytes[0] as number) >> 4 !== CONNECT) return void this.#violation('the first packet is not CONNECT');
    const header = readFixedHeader(bytes, 0);
    if (header === null || (header?.packetBytes ?? 0) > CONNECT_MAX_BYTES) return void this.#violation('malformed CONNECT');
    if (header === undefined || bytes.length < header.packetBytes) return this.#keep(bytes, header?.packetBytes ?? 0);
    this.#stage = 'waiting';
    this.#stopReading();
    if (bytes.length > header.packetBytes) this.#keep(bytes.subarray(header.packetBytes), 0);
    this.push(bytes.subarray(0, header.packetBytes));
  }

  #cutPackets(bytes: Buffer): void {
    const { intake } = this.#hooks;
    if (intake.full) {
      this.#keep(bytes, 0);
      return this.#waitForRoom();
    }
    const receivedAt = Date.now();
    const pace = this.#pace as DevicePace;
    let at = 0;
    /** Where the run of packets for the broker began. */
    let passFrom = 0;
    let messages = 0;
    let needed = 0;
    while (at < bytes.length && !pace.hasShare(intake.group)) {
      const header = readFixedHeader(bytes, at);
      if (header === null) return void this.#violation('malformed remaining length');
      needed = header?.packetBytes ?? 0;
      if (needed > PACKET_MAX_BYTES) return void this.#violation(`packet of ${needed} bytes`);
      if (header === undefined || at + needed > bytes.length) break;
      const first = bytes[at] as number;
      const end = at + needed;
      if (first >> 4 === PUBLISH) {
        messages++;
        pace.add(needed, intake.group);
        if (((first >> 1) & 3) < 2) {
          if (passFrom < at) this.#pass(bytes.subarray(passFrom, at));
          passFrom = end;
          if (!this.#takePublish(bytes, at + header.headerBytes, end, first, receivedAt)) return;
        }
      }
      at = end;
      needed = 0;
    }
    if (passFrom < at) this.#pass(bytes.subarray(passFrom, at));
    if (at < bytes.length) this.#keep(bytes.subarray(at), needed);
    if (messages > 0) this.#keepRate(messages, at);
    if (pace.hasShare(intake.group)) this.#waitForGroup();
    if (intake.full) this.#waitForRoom();
  }

  /** To the broker; when it does not keep up, nothing more is read. */
  #pass(bytes: Buffer): void {
    if (this.push(bytes)) return;
    this.#awaitsBroker = true;
    this.#stopReading();
  }

  /** The device has had its share of this group: reads on with the next one. */
  #waitForGroup(): void {
    this.#hooks.onShareTaken();
    this.#awaitsGroup = true;
    this.#stopReading();
    this.#join();
  }

  /** After messages were taken: reads on when the rate allows it. */
  #keepRate(messages: number, bytes: number): void {
    this.#hooks.onActivity();
    const nowMs = performance.now();
    const waitMs = (this.#pace as DevicePace).spend(messages, bytes, nowMs);
    if (waitMs === 0) return;
    this.#readFromMs = nowMs + waitMs;
    this.#stopReading();
    this.#waitForRate();
  }

  #waitForRate(): void {
    const leftMs = this.#readFromMs - performance.now();
    if (leftMs <= 0) return this.#resumeReading();
    this.#hooks.onActivity();
    this.#paceTimer = setTimeout(() => this.#waitForRate(), Math.min(leftMs, PACE_SLICE_MS));
  }

  /** One QoS 0 or 1 PUBLISH: topic name, packet identifier (QoS 1), payload. False when it is malformed. */
  #takePublish(bytes: Buffer, from: number, end: number, first: number, receivedAt: number): boolean {
    const topicEnd = from + 2 + (from + 2 <= end ? bytes.readUInt16BE(from) : 0);
    const qos = (first >> 1) & 3;
    const payloadFrom = topicEnd + (qos === 1 ? 2 : 0);
    if (from + 2 > end || payloadFrom > end) return this.#violation('malformed PUBLISH');
    if (!isSameRun(bytes, from + 2, topicEnd, this.#topicBytes) && !this.#readTopic(bytes.subarray(from + 2, topicEnd))) return false;
    // [MQTT-2.3.1-1]: a QoS 1 PUBLISH has a non-zero packet identifier.
    if (qos === 1 && bytes.readUInt16BE(topicEnd) === 0) return this.#violation('packet identifier 0');
    (this.#publisher as DevicePublisher).publish(this.#topic, bytes.subarray(payloadFrom, end), (first & 1) === 1, receivedAt);
    if (qos === 1) this.#acknowledge(bytes[topicEnd] as number, bytes[topicEnd + 1] as number);
    return true;
  }

  /** A device publishes to the same topic again and again, so the last one is remembered. False when it is malformed. */
  #readTopic(bytes: Buffer): boolean {
    const topic = bytes.toString('utf8');
    if (isMalformedTopic(topic, bytes)) return this.#violation('malformed topic name');
    this.#topic = topic;
    this.#topicBytes = Buffer.from(bytes);
    return true;
  }

  /** Puts a PUBACK into the group that gathers; it is sent when the group is durable. */
  #acknowledge(idHigh: number, idLow: number): void {
    if (this.#acksBytes + PUBACK_BYTES > this.#acks.length) {
      const larger = Buffer.allocUnsafe(this.#acks.length * 2);
      this.#acks.copy(larger, 0, 0, this.#acksBytes);
      this.#acks = larger;
    }
    this.#acks[this.#acksBytes++] = PUBACK << 4;
    this.#acks[this.#acksBytes++] = 2;
    this.#acks[this.#acksBytes++] = idHigh;
    this.#acks[this.#acksBytes++] = idLow;
    this.#join();
  }

  #join(): void {
    if (this.#joined) return;
    this.#joined = true;
    this.#hooks.intake.join(this);
  }

  #keep(bytes: Buffer, needed: number): void {
    this.#rest = bytes;
    this.#restNeeded = needed;
  }

  #stopReading(): void {
    this.#held = true;
    this.#socket.pause();
  }

  #waitForRoom(): void {
    this.#stopReading();
    if (this.#awaitsRoom) return;
    this.#awaitsRoom = true;
    this.#hooks.intake.whenRoom(() => {
      this.#awaitsRoom = false;
      this.#resumeReading();
    });
  }

  /** Reads on, first what is held, unless another limit still holds. */
  #resumeReading(): void {
    if (!this.#held || this.#stage !== 'open') return;
    if (this.#awaitsRoom || this.#awaitsGroup || this.#awaitsBroker || performance.now() < this.#readFromMs) return;
    if (this.#socket.writableLength > UNREAD_ACKS_MAX_BYTES) return;
    if (this.#hooks.intake.full) return this.#waitForRoom();
    this.#held = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#onData(rest);
    if (!this.#held) this.#socket.resume();
  }

  #violation(reason: string): false {
    this.#hooks.onViolation(reason);
    this.destroy();
    return false;
  }
}

/**
 * [MQTT-1.5.3-1] ill-formed UTF-8, [MQTT-1.5.3-2] the null character and [MQTT-3.3.2-2] wildcards in a topic name all end
 * the connection [MQTT-4.8.0-1].
 */
function isMalformedTopic(topic: string, bytes: Buffer): boolean {
  if (topic.includes('\0') || topic.includes('#') || topic.includes('+')) return true;
  // Decoding puts U+FFFD in place of what is no UTF-8; but a topic may contain that character honestly.
  return topic.includes('\ufffd') && !isUtf8(bytes);
}

function isSameRun(bytes: Buffer, from: number, end: number, other: Buffer): boolean {
  if (end - from !== other.length || other.length === 0) return false;
  for (let i = 0; i < other.length; i++) if (bytes[from + i] !== other[i]) return false;
  return true;
}
