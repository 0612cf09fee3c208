import type { Duplex } from 'node:stream';

/** What MQTT flows over: a TCP or TLS socket, or the messages of a WebSocket as one stream of bytes. */
export interface ByteStream extends Duplex {
  /** Closes once everything written has gone out. */
  destroySoon(): void;
}
