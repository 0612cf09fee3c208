/**
 * Pre-encoded MQTT 3.1.1 PUBLISH frames of one connection (QoS 1, 200-byte JSON payload). A frame is made once; what
 * differs from message to message (sequence number, time, one value) is patched as digits in place, so that making a
 * message costs some forty byte stores and no allocation.
 */

/** `seq` has ten digits from the start, so that it never changes its length. */
export const SEQ_MIN = 1_000_000_000;
const SEQ_DIGITS = 10;
const TIME_DIGITS = 13;
const ZERO = 0x30;
const NINE = 0x39;
/** PUBLISH, DUP 0, QoS 1, RETAIN 0 (MQTT 3.1.1 §3.3.1). */
const PUBLISH_QOS1 = 0x32;

const PAYLOAD =
  '{"seq":0000000000,"t":0000000000000,"m":{"pm25":{"v":31.00,"u":"ug/m3"},"pm10":{"v":52.41,"u":"ug/m3"},' +
  '"so2":{"v":6.1,"u":"ug/m3"},"no2":{"v":41.7,"u":"ug/m3"},"co":0.812,"o3":{"v":63.5,"u":"ug/m3"}}}';
const SEQ_AT = PAYLOAD.indexOf('0000000000');
const TIME_AT = PAYLOAD.indexOf('0000000000000');
const VALUE_AT = PAYLOAD.indexOf('31.00') + 3;

export class PublishFrames {
  /** All frames behind one another: neighbouring slots are sent with one write. */
  readonly bytes: Buffer;
  readonly frameBytes: number;
  readonly #payloadAt: number;
  readonly #seq = new Uint8Array(SEQ_DIGITS);

  /**
   * @param slots frames that may be in flight at once; slot s has packet id s + 1
   * @param firstSeq sequence number of the first message, from SEQ_MIN to ten times that
   */
  constructor(topic: string, slots: number, firstSeq: number) {
    const digits = Buffer.from(String(firstSeq), 'latin1');
    if (!Number.isSafeInteger(firstSeq) || digits.length !== SEQ_DIGITS)
      throw new RangeError(`firstSeq has ${SEQ_DIGITS} digits, got ${firstSeq}`);
    const template = encodeTemplate(topic);
    this.frameBytes = template.frame.length;
    this.#payloadAt = template.payloadAt;
    this.bytes = Buffer.allocUnsafe(this.frameBytes * slots);
    for (let slot = 0; slot < slots; slot++) {
      this.bytes.set(template.frame, slot * this.frameBytes);
      this.bytes.writeUInt16BE(slot + 1, slot * this.frameBytes + template.payloadAt - 2);
    }
    this.#seq.set(digits);
  }

  /** Turns the slot's frame into the next message of this connection. */
  patch(slot: number, timeDigits: Uint8Array): void {
    const bytes = this.bytes;
    const seq = this.#seq;
    const payload = slot * this.frameBytes + this.#payloadAt;
    for (let i = 0; i < SEQ_DIGITS; i++) bytes[payload + SEQ_AT + i] = seq[i] as number;
    for (let i = 0; i < TIME_DIGITS; i++) bytes[payload + TIME_AT + i] = timeDigits[i] as number;
    bytes[payload + VALUE_AT] = seq[SEQ_DIGITS - 2] as number;
    bytes[payload + VALUE_AT + 1] = seq[SEQ_DIGITS - 1] as number;
    increment(seq);
  }
}

/** The epoch time as ASCII digits, kept up to date in place. */
export class TimeDigits {
  readonly digits = new Uint8Array(TIME_DIGITS);
  #ms = 0;

  update(epochMs: number): void {
    const ms = Math.floor(epochMs);
    if (ms === this.#ms) return;
    this.#ms = ms;
    let rest = ms;
    for (let i = TIME_DIGITS - 1; i >= 0; i--) {
      const tens = Math.floor(rest / 10);
      this.digits[i] = ZERO + (rest - tens * 10);
      rest = tens;
    }
  }
}

function increment(digits: Uint8Array): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    if (digits[i] !== NINE) {
      digits[i] = (digits[i] as number) + 1;
      return;
    }
    digits[i] = ZERO;
  }
}

function encodeTemplate(topic: string): { frame: Buffer; payloadAt: number } {
  const frame = encodePublish(topic, 0, Buffer.from(PAYLOAD, 'latin1'));
  return { frame, payloadAt: frame.length - PAYLOAD.length };
}

/** PUBLISH with QoS 1 (§3.3). */
export function encodePublish(topic: string, packetId: number, payload: Buffer): Buffer {
  const variableHeader = Buffer.concat([encodeString(topic), Buffer.from([packetId >> 8, packetId & 0xff])]);
  const fixedHeader = Buffer.from([PUBLISH_QOS1, ...encodeRemainingLength(variableHeader.length + payload.length)]);
  return Buffer.concat([fixedHeader, variableHeader, payload]);
}

/** CONNECT with clean session and no keep-alive (§3.1); credentials as user name and password. */
export function encodeConnect(clientId: string, username: string, password: string): Buffer {
  const CLEAN_SESSION = 0x02;
  const withCredentials = username !== '';
  const flags = CLEAN_SESSION | (withCredentials ? 0xc0 : 0);
  const body = Buffer.concat([
    encodeString('MQTT'),
    Buffer.from([4, flags, 0, 0]),
    encodeString(clientId),
    ...(withCredentials ? [encodeString(username), encodeString(password)] : []),
  ]);
  return Buffer.concat([Buffer.from([0x10, ...encodeRemainingLength(body.length)]), body]);
}

/** SUBSCRIBE to one filter, packet id 1 (§3.8). */
export function encodeSubscribe(filter: string, qos: 0 | 1): Buffer {
  const body = Buffer.concat([Buffer.from([0, 1]), encodeString(filter), Buffer.from([qos])]);
  return Buffer.concat([Buffer.from([0x82, ...encodeRemainingLength(body.length)]), body]);
}

function encodeString(text: string): Buffer {
  const utf8 = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(utf8.length);
  return Buffer.concat([length, utf8]);
}

function encodeRemainingLength(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  do {
    const low = rest & 0x7f;
    rest >>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}
