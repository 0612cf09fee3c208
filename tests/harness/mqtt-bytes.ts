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

export interface ConnectFields {
  readonly clientId: string;
  readonly clean: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly protocolLevel?: number;
}

/** CONNECT, §3.1. */
export function connectPacket({ clientId, clean, username, password, protocolLevel = 4 }: ConnectFields): Buffer {
  const flags = (clean ? 0x02 : 0) | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const keepAliveSeconds = Buffer.from([0, 60]);
  const fields = [text('MQTT'), Buffer.from([protocolLevel, flags]), keepAliveSeconds, text(clientId)];
  if (username !== undefined) fields.push(text(username));
  if (password !== undefined) fields.push(text(password));
  return packet(0x10, Buffer.concat(fields));
}

/** PUBLISH with QoS 1, §3.3. */
export function publishPacket(topic: string, packetId: number, payload: Uint8Array, retain = false): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff]);
  return packet(0x32 | (retain ? 1 : 0), Buffer.concat([text(topic), id, payload]));
}

/** A bare connection: sends bytes as they are, keeps what comes back. */
export class ByteClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
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

  async untilClosed(): Promise<void> {
    await until('the broker closes the connection', () => this.closed);
  }

  end(): void {
    this.#socket.destroy();
  }
}
