/**
 * MQTT over WebSocket (MQTT 3.1.1 §6): the binary messages of a WebSocket as one stream of bytes, with back-pressure both
 * ways. Packets may be cut over messages and messages hold several packets [MQTT-6.0.0-2]; a text message ends the
 * connection [MQTT-6.0.0-1].
 */
import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { ByteStream } from './byte-stream.ts';

/** Pings are answered while less than this waits for the peer; who sends pings and reads nothing is cut off. */
const UNREAD_MAX_BYTES = 64 * 1024;
/** [RFC 6455 §7.4.1] the endpoint has received a type of data that it cannot accept. */
const UNSUPPORTED_DATA = 1003;

export class WebSocketStream extends Duplex implements ByteStream {
  readonly #webSocket: WebSocket;

  /** @param webSocket open, created with `autoPong: false` */
  constructor(webSocket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#webSocket = webSocket;
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    webSocket.on('ping', (data) => {
      if (webSocket.bufferedAmount < UNREAD_MAX_BYTES) webSocket.pong(data);
      else this.destroy(new Error('pings whose answers are not read'));
    });
    // Without a system error's code: what the peer sent was at fault, not the line.
    webSocket.on('error', (error) => this.destroy(new Error(error.message, { cause: error })));
    webSocket.on('close', () => {
      this.push(null);
      if (this.writableEnded) this.destroy();
    });
  }

  /** Closes once everything written has gone out, as a socket's `destroySoon` does. */
  destroySoon(): void {
    this.end();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.readableEnded || this.destroyed) return;
    if (!isBinary) {
      this.#webSocket.close(UNSUPPORTED_DATA);
      this.destroy(new Error('a text message on an MQTT WebSocket'));
      return;
    }
    // With the default `binaryType` a message is one Buffer.
    if (!this.push(data as Buffer)) this.#webSocket.pause();
  }

  override _read(): void {
    this.#webSocket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#webSocket.send(chunk, { binary: true }, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#webSocket.close();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#webSocket.terminate();
    callback(error);
  }
}
