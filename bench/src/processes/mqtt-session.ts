/** A patient MQTT client, one packet at a time: for setting things up, not for measuring. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Device } from '../generator/messages.ts';
import { encodeConnect, encodePublish, encodeSubscribe } from '../generator/publish-frames.ts';

const ANSWER_TIMEOUT_MS = 30_000;
const CONNACK_BYTES = 4;
const SUBACK_BYTES = 5;
const PUBACK_BYTES = 4;
const SUBACK_FAILURE = 0x80;
const PACKET_ID = 1;

export class MqttSession implements Disposable {
  readonly #socket: Socket;
  readonly #topic: string;

  private constructor(socket: Socket, topic: string) {
    this.#socket = socket;
    this.#topic = topic;
  }

  /** @throws Error when the broker refuses */
  static async open(port: number, device: Device): Promise<MqttSession> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    // A broker may drop this connection at any time; whoever waits for an answer then runs into the timeout.
    socket.on('error', () => undefined);
    const session = new MqttSession(socket, device.topic);
    socket.write(encodeConnect(device.clientId, device.username, device.password));
    const connack = await session.#answer(CONNACK_BYTES);
    if (connack[3] !== 0) throw new Error(`${device.clientId} was refused with CONNACK ${connack[3]}`);
    return session;
  }

  /** Resolves at the PUBACK. QoS 1, to the device's own topic. */
  async publish(payload: Buffer): Promise<void> {
    this.#socket.write(encodePublish(this.#topic, PACKET_ID, payload));
    const puback = await this.#answer(PUBACK_BYTES);
    if (puback[0] !== 0x40 || puback.readUInt16BE(2) !== PACKET_ID) throw new Error(`not a PUBACK: ${puback.toString('hex')}`);
  }

  /** Subscribes with QoS 1 and never reads again: what a dashboard on a dead link looks like to the broker. */
  async subscribeAndFreeze(filter: string): Promise<void> {
    this.#socket.write(encodeSubscribe(filter, 1));
    const suback = await this.#answer(SUBACK_BYTES);
    if (suback[4] === SUBACK_FAILURE) throw new Error(`the subscription to ${filter} was refused`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** The socket is never flowing: what is not asked for here stays in its buffers. */
  async #answer(bytes: number): Promise<Buffer> {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    for (;;) {
      const chunk = this.#socket.read(bytes) as Buffer | null;
      if (chunk !== null) return chunk;
      await once(this.#socket, 'readable', { signal });
    }
  }
}
