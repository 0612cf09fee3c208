/**
 * One publishing connection: a raw socket, its frames, and a parser for the two packets a publisher is ever sent,
 * CONNACK and PUBACK. Every PUBACK must name a packet id that is in flight; anything else ends the run, so that a
 * broker cannot look fast by answering nonsense.
 */
import { connect, type Socket } from 'node:net';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { Device } from './messages.ts';
import { encodeConnect, PublishFrames, type TimeDigits } from './publish-frames.ts';

/** First bytes of CONNACK and PUBACK; both have a remaining length of 2 (MQTT 3.1.1 §3.2, §3.4). */
const CONNACK = 0x20;
const PUBACK = 0x40;
/** A broker that takes longer to let one device in is broken, or hashes the password for ever. */
const CONNECT_TIMEOUT_MS = 60_000;
const READ_BUFFER = Buffer.allocUnsafe(64 * 1024);

/** What all connections of a generator share while a round runs. */
export interface RoundState {
  readonly time: TimeDigits;
  /** Latency from write to PUBACK in µs; only of the measured part. */
  readonly latency: RecordableHistogram;
  measuring: boolean;
  acked: number;
  /** Acknowledged within the measured part. */
  ackedMeasured: number;
  sent: number;
  /** Called after the PUBACKs of one read, with their number. */
  onAcked: (publisher: Publisher, count: number) => void;
}

export class Publisher {
  readonly #socket: Socket;
  readonly #frames: PublishFrames;
  readonly #round: RoundState;
  readonly #slots: number;
  /** Free slots in the order they became free: what is acknowledged in order is sent again in order, in one write. */
  readonly #free: Uint16Array;
  #freeHead = 0;
  #freeCount: number;
  /** performance.now() at which the slot was sent; 0 when it is free. */
  readonly #sentAt: Float64Array;
  /** Bytes of a packet that came in an earlier read: position in the 4-byte packet, and its packet id so far. */
  #packetAt = 0;
  #packetType = 0;
  #packetHigh = 0;
  #onConnack: (() => void) | undefined;
  #onFailure: (error: Error) => void = (error) => {
    throw error;
  };
  #closing = false;

  constructor(target: { host: string; port: number }, device: Device, slots: number, firstSeq: number, round: RoundState) {
    this.#frames = new PublishFrames(device.topic, slots, firstSeq);
    this.#round = round;
    this.#slots = slots;
    this.#free = Uint16Array.from({ length: slots }, (_, slot) => slot);
    this.#freeCount = slots;
    this.#sentAt = new Float64Array(slots);
    this.#socket = connect({
      ...target,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length, buffer) => {
          try {
            this.#read(buffer, length);
          } catch (error) {
            this.#onFailure(error as Error);
            this.close();
          }
          return true;
        },
      },
    });
    this.#socket.write(encodeConnect(device.clientId, device.username, device.password));
  }

  /** Resolves at the broker's CONNACK; later failures of the connection go to `onFailure`. */
  connected(onFailure: (error: Error) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no CONNACK within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
      this.#onFailure = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      this.#onConnack = () => {
        clearTimeout(timer);
        this.#onFailure = onFailure;
        resolve();
      };
      this.#socket.on('error', (error) => this.#onFailure(error));
      this.#socket.on('close', () => {
        if (!this.#closing) this.#onFailure(new Error('the broker closed the connection'));
      });
    });
  }

  get inFlight(): number {
    return this.#slots - this.#freeCount;
  }

  /** Sends up to `count` new messages, as many as there are free slots, with as few writes as can be. Returns how many. */
  send(count: number): number {
    const sending = Math.min(count, this.#freeCount);
    if (sending === 0) return 0;
    const now = performance.now();
    const { bytes, frameBytes } = this.#frames;
    let runStart = -1;
    let runEnd = -1;
    for (let i = 0; i < sending; i++) {
      const slot = this.#free[this.#freeHead] as number;
      this.#freeHead = this.#freeHead + 1 === this.#slots ? 0 : this.#freeHead + 1;
      // Safe to patch in place: a slot is free only after its PUBACK, so its last bytes have long been sent.
      this.#frames.patch(slot, this.#round.time.digits);
      this.#sentAt[slot] = now;
      if (slot !== runEnd) {
        if (runStart >= 0) {
          // A second run: both go out with one system call. Corking a lone write would only cost.
          if (this.#socket.writableCorked === 0) this.#socket.cork();
          this.#socket.write(bytes.subarray(runStart * frameBytes, runEnd * frameBytes));
        }
        runStart = slot;
      }
      runEnd = slot + 1;
    }
    this.#socket.write(bytes.subarray(runStart * frameBytes, runEnd * frameBytes));
    if (this.#socket.writableCorked > 0) this.#socket.uncork();
    this.#freeCount -= sending;
    this.#round.sent += sending;
    return sending;
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #read(buffer: Uint8Array, length: number): void {
    const now = performance.now();
    let acks = 0;
    for (let i = 0; i < length; i++) {
      const byte = buffer[i] as number;
      switch (this.#packetAt) {
        case 0:
          this.#packetType = byte;
          break;
        case 1:
          if (byte !== 2) throw new Error(`the broker sent a packet of type 0x${this.#packetType.toString(16)} and length ${byte}`);
          break;
        case 2:
          this.#packetHigh = byte;
          break;
        default:
          if (this.#packetType === PUBACK) {
            this.#acknowledge((this.#packetHigh << 8) | byte, now);
            acks++;
          } else if (this.#packetType === CONNACK) {
            if (byte !== 0) throw new Error(`the broker refused with CONNACK ${byte}`);
            this.#onConnack?.();
          } else throw new Error(`the broker sent a packet of type 0x${this.#packetType.toString(16)}`);
      }
      this.#packetAt = (this.#packetAt + 1) & 3;
    }
    if (acks > 0) this.#round.onAcked(this, acks);
  }

  #acknowledge(packetId: number, now: number): void {
    const slot = packetId - 1;
    const sentAt = this.#sentAt[slot] ?? 0;
    if (sentAt === 0) throw new Error(`the broker acknowledged packet id ${packetId}, which is not in flight`);
    this.#sentAt[slot] = 0;
    const tail = this.#freeHead + this.#freeCount;
    this.#free[tail >= this.#slots ? tail - this.#slots : tail] = slot;
    this.#freeCount++;
    const round = this.#round;
    round.acked++;
    if (round.measuring) {
      round.ackedMeasured++;
      round.latency.record(Math.max(1, Math.round((now - sentAt) * 1000)));
    }
  }
}
