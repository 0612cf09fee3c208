/**
 * The MQTT 3.1.1 control packets a QoS 1 publisher needs, and no other: it writes CONNECT, PUBLISH, PINGREQ and
 * DISCONNECT, and reads CONNACK, PUBACK and PINGRESP.
 */

/** Remaining Length takes at most four bytes (MQTT 3.1.1 §2.2.3). */
const REMAINING_LENGTH_MAX = 268_435_455;
const CONNACK = 2;
const PUBACK = 4;
const PINGRESP = 13;
const PUBLISH_QOS1 = 0x32;
/** User name, password, clean session (§3.1.2.3). */
const CONNECT_FLAGS = 0xc2;

export const PINGREQ_PACKET: Buffer = Buffer.from([0xc0, 0]);
export const DISCONNECT_PACKET: Buffer = Buffer.from([0xe0, 0]);

export interface Login {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** CONNECT with clean session (§3.1). */
export function connectPacket(login: Login, keepAliveS: number): Buffer {
  const body = Buffer.concat([
    prefixed('MQTT'),
    Buffer.from([4, CONNECT_FLAGS, keepAliveS >> 8, keepAliveS & 0xff]),
    prefixed(login.clientId),
    prefixed(login.username),
    prefixed(login.password),
  ]);
  const packet = Buffer.allocUnsafe(1 + lengthBytes(body.length) + body.length);
  packet[0] = 0x10;
  body.copy(packet, writeRemainingLength(packet, 1, body.length));
  return packet;
}

/** Bytes of the PUBLISH packet that `writePublish` will write. */
export function publishSize(topic: Buffer, payloadBytes: number): number {
  const remaining = 2 + topic.length + 2 + payloadBytes;
  if (remaining > REMAINING_LENGTH_MAX) throw new RangeError(`${payloadBytes} bytes do not fit into a PUBLISH packet`);
  return 1 + lengthBytes(remaining) + remaining;
}

/**
 * Writes a QoS 1 PUBLISH (§3.3) at `offset`, DUP and RETAIN unset.
 * @param payloadBytes UTF-8 length of `payload`
 * @returns the offset after it
 */
export function writePublish(into: Buffer, offset: number, topic: Buffer, packetId: number, payload: string, payloadBytes: number): number {
  into[offset] = PUBLISH_QOS1;
  let at = writeRemainingLength(into, offset + 1, 2 + topic.length + 2 + payloadBytes);
  at = into.writeUInt16BE(topic.length, at);
  at += topic.copy(into, at);
  at = into.writeUInt16BE(packetId, at);
  return at + into.write(payload, at, payloadBytes, 'utf8');
}

export interface PacketHandlers {
  /** §3.2: 0 = accepted, 1 to 5 = refused. */
  onConnack(returnCode: number): void;
  onPuback(packetId: number): void;
  onPingresp(): void;
}

/**
 * Reads the whole packets at the front of `bytes`.
 * @returns the bytes of the packet that is not whole yet
 * @throws RangeError on a packet a server may not send to this client
 */
export function readPackets(bytes: Buffer, handlers: PacketHandlers): Buffer {
  let at = 0;
  while (at + 2 <= bytes.length) {
    const type = (bytes[at] ?? 0) >> 4;
    const length = bytes[at + 1] ?? 0;
    const end = at + 2 + length;
    if (length > 2 || (type !== CONNACK && type !== PUBACK && type !== PINGRESP)) {
      throw new RangeError(`packet type ${type} of ${length} bytes is none a publisher is sent`);
    }
    if (end > bytes.length) break;
    if (type === CONNACK) handlers.onConnack(bytes[at + 3] ?? 0);
    else if (type === PUBACK) handlers.onPuback(bytes.readUInt16BE(at + 2));
    else handlers.onPingresp();
    at = end;
  }
  return bytes.subarray(at);
}

/** A UTF-8 string with its length before it (§1.5.3). */
function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const out = Buffer.allocUnsafe(2 + bytes.length);
  out.writeUInt16BE(bytes.length, 0);
  bytes.copy(out, 2);
  return out;
}

function lengthBytes(length: number): number {
  if (length < 128) return 1;
  if (length < 16_384) return 2;
  return length < 2_097_152 ? 3 : 4;
}

function writeRemainingLength(into: Buffer, offset: number, length: number): number {
  let rest = length;
  let at = offset;
  do {
    const digit = rest & 0x7f;
    rest >>>= 7;
    into[at++] = rest > 0 ? digit | 0x80 : digit;
  } while (rest > 0);
  return at;
}
