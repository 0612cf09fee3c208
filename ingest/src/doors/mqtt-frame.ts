/** MQTT 3.1.1 control packets as far as the byte stream has to be cut: fixed header and PUBLISH. */

/** Control packet types [MQTT 3.1.1 §2.2.1], high nibble of the first byte. */
export const CONNECT = 1;
export const PUBLISH = 3;
export const PUBACK = 4;

/** Longest fixed header: one byte and four of remaining length [§2.2.3]. */
const REMAINING_LENGTH_BYTES_MAX = 4;

export interface FixedHeader {
  /** Bytes of the fixed header. */
  readonly headerBytes: number;
  /** Bytes of the whole packet. */
  readonly packetBytes: number;
}

/** @returns the fixed header at `at`; undefined when more bytes are needed; null when the remaining length is malformed */
export function readFixedHeader(bytes: Buffer, at: number): FixedHeader | undefined | null {
  let remaining = 0;
  let factor = 1;
  for (let i = 1; i <= REMAINING_LENGTH_BYTES_MAX; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * factor;
    if (byte < 0x80) return { headerBytes: 1 + i, packetBytes: 1 + i + remaining };
    factor *= 128;
  }
  return null;
}
