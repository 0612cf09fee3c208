/** MQTT 3.1.1 packets by hand, over a bare socket: what a well-behaved client library would never send. */
import { connect as connectSocket, type Socket } from 'node:net';
import { until } from './waiting.ts';

/** A UTF-8 string with its length, MQTT 3.1.1 §1.5.3. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** Fixed header (§2.2) and body. */
export function packet(firstByte: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain?: boolean;
}

export interface ConnectFields {
  readonly clientId: string;
  readonly clean: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly protocolName?: string;
  readonly protocolLevel?: number;
  readonly keepAliveSeconds?: number;
  readonly will?: Will;
  /** Flags that are set besides those the other fields ask for. */
  readonly extraFlags?: number;
}

/** CONNECT, §3.1. */
export function connectPacket(connect: ConnectFields): Buffer {
  const { clientId, username, password, protocolName = 'MQTT', protocolLevel = 4, keepAliveSeconds = 60, will } = connect;
  const willFlags = will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
  const loginFlags = (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const flags = (connect.clean ? 0x02 : 0) | willFlags | loginFlags | (connect.extraFlags ?? 0);
  const fields = [text(protocolName), Buffer.from([protocolLevel, flags, 0, keepAliveSeconds]), text(clientId)];
  if (protocolLevel === 5) fields.splice(2, 0, Buffer.from([0]));
  if (will !== undefined) fields.push(text(will.topic), text(will.payload));
  if (username !== undefined) fields.push(text(username));
  if (password !== undefined) fields.push(text(password));
  return packet(0x10, Buffer.concat(fields));
}

/** PUBLISH with QoS 1, §3.3. */
export function publishPacket(topic: string, packetId: number, payload: Uint8Array, retain = false): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff]);
  return packet(0x32 | (retain ? 1 : 0), Buffer.concat([text(topic), id, payload]));
}

/** PUBLISH with any QoS and flags, §3.3. */
export function publishWith(
  { qos, dup = false, retain = false }: { readonly qos: number; readonly dup?: boolean; readonly retain?: boolean },
  topic: string | Buffer,
  packetId: number,
  payload: string,
): Buffer {
  const name = typeof topic === 'string' ? text(topic) : Buffer.concat([Buffer.from([0, topic.length]), topic]);
  const id = qos === 0 ? Buffer.alloc(0) : identifier(packetId);
  return packet(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), Buffer.concat([name, id, Buffer.from(payload)]));
}

function identifier(packetId: number): Buffer {
  return Buffer.from([packetId >> 8, packetId & 0xff]);
}

/** SUBSCRIBE, §3.8: filters with the QoS asked for. */
export function subscribePacket(packetId: number, ...filters: readonly (readonly [filter: string, qos: number])[]): Buffer {
  return packet(0x82, Buffer.concat([identifier(packetId), ...filters.flatMap(([filter, qos]) => [text(filter), Buffer.from([qos])])]));
}

/** UNSUBSCRIBE, §3.10. */
export function unsubscribePacket(packetId: number, ...filters: readonly string[]): Buffer {
  return packet(0xa2, Buffer.concat([identifier(packetId), ...filters.map(text)]));
}

export const PINGREQ = Buffer.from([0xc0, 0]);
export const PINGRESP = 'd000';
export const DISCONNECT = Buffer.from([0xe0, 0]);

/** A bare connection: sends bytes as they are, keeps what comes back. */
export class ByteClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #readBytes = 0;
  closed = false;

  constructor(port: number) {
    this.#socket = connectSocket(port, '127.0.0.1');
    this.#socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
    // A reset is one of the answers that are looked for.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.closed = true;
    });
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Waits until at least `count` bytes have come, and gives all of them. */
  async received(count: number): Promise<Buffer> {
    await until(`${count} bytes from the broker`, () => this.#received.length >= count);
    return this.#received;
  }

  /** CONNACK return code, §3.2.2.3. */
  async connackCode(): Promise<number> {
    const [type, length, , code] = await this.received(4);
    if (type !== 0x20 || length !== 2 || code === undefined) throw new Error(`no CONNACK: ${this.#received.toString('hex')}`);
    return code;
  }

  /** The next packet from the broker, whole, as hex. */
  async next(): Promise<string> {
    return await until('a packet from the broker', () => {
      const length = packetLength(this.#received, this.#readBytes);
      const end = this.#readBytes + (length ?? 0);
      if (length === undefined || end > this.#received.length) return this.closed ? 'closed' : undefined;
      const whole = this.#received.subarray(this.#readBytes, end);
      this.#readBytes = end;
      return whole.toString('hex');
    });
  }

  /** Sends a PINGREQ: what the broker had to say before is in front of the PINGRESP. */
  async ping(): Promise<string> {
    this.send(PINGREQ);
    return await this.next();
  }

  async untilClosed(): Promise<void> {
    await until('the broker closes the connection', () => this.closed);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** Bytes of the packet that begins at `at`; undefined while its fixed header is not whole (§2.2.3). */
function packetLength(bytes: Buffer, at: number): number | undefined {
  let remaining = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + 1 + i];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return 2 + i + remaining;
  }
  throw new Error('the broker sent a malformed remaining length');
}
