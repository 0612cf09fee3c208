/**
 * A QoS 1 publisher that gives nothing up: what is not acknowledged when the connection breaks is sent again on the
 * next one, in the same order, for as long as it takes. One connection, a bounded number of messages in flight.
 *
 * Messages are pulled (`take`) when there is room for them, so that a slow server slows the source down instead of
 * filling the memory. A general MQTT client spends some 25 µs on a message; a replay of years of data needs the few
 * that are necessary: frames are encoded once into one buffer per write and acknowledgements only counted.
 */
import { connect, type Socket } from 'node:net';
import {
  connectPacket,
  DISCONNECT_PACKET,
  type Login,
  type PacketHandlers,
  PINGREQ_PACKET,
  publishSize,
  readPackets,
  writePublish,
} from './packets.ts';

export interface OutgoingMessage {
  /** UTF-8 topic name. */
  readonly topic: Buffer;
  readonly payload: string;
}

export interface PublisherOptions extends Login {
  readonly host: string;
  readonly port: number;
  /** Messages sent and not acknowledged, at most. */
  readonly inFlightMax: number;
  /** The next message to send; undefined: none now, `wake()` will tell. */
  take(): OutgoingMessage | undefined;
  /** `count` more messages are acknowledged. */
  onAcknowledged(count: number): void;
  /** The server refused the login (CONNACK return code 4 or 5): trying again as it is will not help. */
  onRefused?(returnCode: number): void;
  onConnected?(): void;
  onDisconnected?(): void;
}

export const IN_FLIGHT_MAX_LIMIT = 32_767;
const KEEP_ALIVE_S = 30;
/** A server under load checks a memory-hard hash per login: wait for it rather than add another login. */
const CONNACK_TIMEOUT_MS = 30_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 3000;
/** Bytes encoded before they are handed to the socket: large enough to spare system calls, small enough to start early. */
const WRITE_CHUNK_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const BAD_LOGIN_CODES: readonly number[] = [4, 5];

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #handlers: PacketHandlers;
  /** Encoded PUBLISH packets by packet id, in the order they were first sent. */
  readonly #inFlight = new Map<number, Buffer>();
  #socket: Socket | undefined;
  #connected = false;
  #closed = false;
  #unread: Buffer = NOTHING;
  #lastPacketId = 0;
  #acknowledged = 0;
  #retryMs = RETRY_FIRST_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  #keepAliveTimer: NodeJS.Timeout | undefined;
  #heard = false;

  constructor(options: PublisherOptions) {
    if (options.inFlightMax < 1 || options.inFlightMax > IN_FLIGHT_MAX_LIMIT) throw new RangeError('inFlightMax');
    this.#options = options;
    this.#handlers = {
      onConnack: (returnCode) => this.#onConnack(returnCode),
      onPuback: (packetId) => {
        if (this.#inFlight.delete(packetId)) this.#acknowledged++;
      },
      onPingresp: () => {},
    };
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Connects, and stays connected until `close`. */
  open(): void {
    this.#closed = false;
    if (this.#socket === undefined && this.#retryTimer === undefined) this.#connect();
  }

  /** There may be something to take again. */
  wake(): void {
    this.#pump();
  }

  /** Says good-bye. Messages in flight stay with this object and are sent again when it is opened again. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    const socket = this.#socket;
    if (socket === undefined) return;
    if (this.#connected) socket.write(DISCONNECT_PACKET);
    this.#drop();
    socket.end();
  }

  #connect(): void {
    const { host, port } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    this.#unread = NOTHING;
    socket.setTimeout(CONNACK_TIMEOUT_MS, () => {
      if (!this.#connected) socket.destroy();
    });
    socket.on('connect', () => socket.write(connectPacket(this.#options, KEEP_ALIVE_S)));
    socket.on('data', (chunk: Buffer) => this.#onData(socket, chunk));
    socket.on('drain', () => this.#pump());
    // 'close' follows and decides what comes next.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#drop();
      if (!this.#closed) this.#retryLater();
    });
  }

  #retryLater(): void {
    // Half fixed, half random: clients that lost the same server do not come back in step.
    const delayMs = this.#retryMs / 2 + Math.random() * (this.#retryMs / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#connect();
    }, delayMs);
  }

  #drop(): void {
    clearInterval(this.#keepAliveTimer);
    this.#socket = undefined;
    if (!this.#connected) return;
    this.#connected = false;
    this.#options.onDisconnected?.();
  }

  #onData(socket: Socket, chunk: Buffer): void {
    if (this.#socket !== socket) return;
    this.#heard = true;
    const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    try {
      this.#unread = readPackets(bytes, this.#handlers);
    } catch {
      socket.destroy();
      return;
    }
    const count = this.#acknowledged;
    this.#acknowledged = 0;
    if (count > 0) this.#options.onAcknowledged(count);
    this.#pump();
  }

  #onConnack(returnCode: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (returnCode !== 0) {
      if (BAD_LOGIN_CODES.includes(returnCode)) this.#options.onRefused?.(returnCode);
      socket.destroy();
      return;
    }
    socket.setTimeout(0);
    this.#connected = true;
    this.#retryMs = RETRY_FIRST_MS;
    this.#keepAliveTimer = setInterval(() => this.#keepAlive(), (KEEP_ALIVE_S * 1000) / 2);
    this.#options.onConnected?.();
    // A clean session knows nothing of the last one: these are new publishes of the same messages (DUP unset), and the
    // message's own id tells the server that they are repeats.
    if (this.#inFlight.size > 0) socket.write(Buffer.concat([...this.#inFlight.values()]));
  }

  /** §3.1.2.10: something must be sent within the keep-alive time; a server that answers nothing is gone. */
  #keepAlive(): void {
    if (!this.#heard) {
      this.#socket?.destroy();
      return;
    }
    this.#heard = false;
    this.#socket?.write(PINGREQ_PACKET);
  }

  #pump(): void {
    const { inFlightMax } = this.#options;
    while (this.#connected && this.#socket?.writableNeedDrain === false && this.#inFlight.size < inFlightMax) {
      const chunk = this.#encodeChunk();
      if (chunk === undefined) return;
      this.#socket.write(chunk);
    }
  }

  /** Encodes as many messages as there are and as fit into one write; undefined when there is none. */
  #encodeChunk(): Buffer | undefined {
    let buffer: Buffer | undefined;
    let end = 0;
    while (this.#inFlight.size < this.#options.inFlightMax) {
      const message = this.#options.take();
      if (message === undefined) break;
      const payloadBytes = Buffer.byteLength(message.payload, 'utf8');
      const size = publishSize(message.topic, payloadBytes);
      if (buffer !== undefined && end + size > buffer.length) {
        // Does not fit any more: send what there is, this one goes first into the next chunk.
        this.#socket?.write(buffer.subarray(0, end));
        buffer = undefined;
      }
      if (buffer === undefined) {
        buffer = Buffer.allocUnsafe(Math.max(WRITE_CHUNK_BYTES, size));
        end = 0;
      }
      const packetId = this.#nextPacketId();
      const start = end;
      end = writePublish(buffer, start, message.topic, packetId, message.payload, payloadBytes);
      this.#inFlight.set(packetId, buffer.subarray(start, end));
    }
    return buffer?.subarray(0, end);
  }

  /** 1 to 65,535, none that is in flight [MQTT-2.3.1-2]. */
  #nextPacketId(): number {
    do {
      this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    } while (this.#inFlight.has(this.#lastPacketId));
    return this.#lastPacketId;
  }
}
