/** One TCP connection of the HJ 212 door: frames in, one after the other; answers out, once per group commit. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { refuse } from '@airtight/protocol';
import {
  formatAnswer,
  HJ212_CN,
  type Hj212Cut,
  Hj212Cutter,
  type Hj212Segment,
  parseHj212,
  wantsAnswer,
  withoutPassword,
} from '@airtight/standards/hj212.ts';
import type { CommitMember, Intake } from '../intake.ts';
import type { DevicePaces } from './device-pace.ts';
import type { OnTaken } from './device-publisher.ts';
import type { Monitor } from './hj212-door.ts';

export interface Hj212Timeouts {
  /** A monitor sends its first frame at once. */
  readonly firstFrameMs: number;
  /** From the first byte to the last one: 1,036 bytes take a second over the slowest modem. */
  readonly frameMs: number;
  /** One that reports hourly may miss an hour; TCP keep-alive finds connections whose other end is gone. */
  readonly idleMs: number;
}
export const HJ212_TIMEOUTS: Hj212Timeouts = { firstFrameMs: 30_000, frameMs: 30_000, idleMs: 2 * 3_600_000 };
/** Wrong passwords, or unreadable frames in a row, after which the connection is closed. */
export const HJ212_TRIES_MAX = 3;
/** A data logger sends for the monitors of one site. */
const MONITORS_MAX = 64;
/** An answer has some 100 bytes: so many of them unread, nobody reads. */
const UNREAD_ANSWERS_MAX_BYTES = 64 * 1024;

export interface Hj212ConnectionHooks {
  readonly intake: Intake;
  readonly timeouts: Hj212Timeouts;
  readonly onTaken: OnTaken;
  /** Shared with the other doors: a device has one rate. */
  readonly paces: DevicePaces;
  /** Looks up a monitor by MN and password; undefined: refused. */
  readonly identify: (mn: string, password: string) => Promise<Monitor | undefined>;
  /** False once the device was enrolled anew or revoked. */
  readonly isCurrent: (monitor: Monitor) => boolean;
  readonly onMalformed: () => void;
  /** @param reason absent when the other end closed it */
  readonly onClosed: (reason: string | undefined) => void;
}

interface Known {
  readonly monitor: Monitor;
  readonly passwordDigest: Buffer;
}

export class Hj212Connection implements CommitMember {
  readonly #socket: Socket;
  readonly #hooks: Hj212ConnectionHooks;
  readonly #cutter = new Hj212Cutter();
  readonly #known = new Map<string, Known>();
  /** Whose frame was read last: damaged bytes that follow are taken for its own. */
  #last: Monitor | undefined;
  #answers: Uint8Array[] = [];
  #committing: Uint8Array[] = [];
  #wrong = 0;
  #malformed = 0;
  #reason: string | undefined;
  #frameTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, hooks: Hj212ConnectionHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    socket.setTimeout(hooks.timeouts.firstFrameMs, () => this.close('idle'));
    socket.on('data', (chunk: Buffer) => void this.#onData(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#endFrameTimer();
      hooks.onClosed(this.#reason);
    });
  }

  close(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  onCommitStart(): void {
    this.#committing = this.#answers;
    this.#answers = [];
  }

  onCommitted(): void {
    if (!this.#socket.writable || this.#committing.length === 0) return;
    this.#socket.write(Buffer.concat(this.#committing));
    if (this.#socket.writableLength > UNREAD_ANSWERS_MAX_BYTES) this.close('it does not read its answers');
  }

  /** Nothing more is read while a chunk is in work, so at most one chunk waits for a password check or for the disk. */
  async #onData(chunk: Buffer): Promise<void> {
    const { intake, timeouts } = this.#hooks;
    this.#socket.pause();
    const cuts = this.#cutter.push(chunk);
    if (cuts.length > 0 || this.#cutter.pendingBytes === 0) this.#endFrameTimer();
    for (const cut of cuts) {
      if (this.#socket.destroyed) return;
      await this.#takeCut(cut);
      while (intake.full) await new Promise<void>((resolve) => intake.whenRoom(resolve));
    }
    if (this.#socket.destroyed) return;
    if (this.#cutter.pendingBytes > 0) this.#frameTimer ??= setTimeout(() => this.close('slow frame'), timeouts.frameMs);
    this.#socket.resume();
  }

  #endFrameTimer(): void {
    clearTimeout(this.#frameTimer);
    this.#frameTimer = undefined;
  }

  async #takeCut(cut: Hj212Cut): Promise<void> {
    // What the CRC should be would give the password away, as would the CRC itself.
    if (!cut.ok) return this.#onMalformed(cut.bytes, cut.fault === 'crc' ? 'the CRC is another' : `${cut.fault}: ${cut.detail}`);
    const parsed = parseHj212(Buffer.from(cut.segment).toString('latin1'));
    if (!parsed.ok) return this.#onMalformed(cut.segment, parsed.detail);
    const monitor = await this.#monitorOf(parsed.value);
    if (this.#socket.destroyed) return;
    if (monitor === undefined) {
      this.#wrong++;
      if (this.#wrong >= HJ212_TRIES_MAX) this.close('wrong MN or PW');
      return;
    }
    this.#wrong = 0;
    this.#malformed = 0;
    this.#last = monitor;
    this.#socket.setTimeout(this.#hooks.timeouts.idleMs);
    this.#takeSegment(parsed.value, cut.segment, monitor);
    // Too fast is read later; answers go out meanwhile.
    const waitMs = this.#hooks.paces.of(monitor.device.producer).spend(1, cut.segment.length, performance.now());
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
  }

  #takeSegment(segment: Hj212Segment, bytes: Uint8Array, { route }: Monitor): void {
    const { intake, onTaken } = this.#hooks;
    // An answer to a request: the platform makes none.
    if (segment.cn.startsWith('90') && segment.cn !== HJ212_CN.heartbeat) return;
    const isHeartbeat = segment.cn === HJ212_CN.heartbeat;
    if (!isHeartbeat) {
      const payload = Buffer.from(withoutPassword(bytes));
      onTaken(intake.take(route, payload, Date.now()), route, payload);
    }
    if (!wantsAnswer(segment)) return;
    if (this.#answers.length === 0) intake.join(this);
    this.#answers.push(formatAnswer(segment, isHeartbeat ? HJ212_CN.noticeAnswer : HJ212_CN.dataAnswer));
  }

  /** The password is hashed slowly once, and compared by its digest with each later frame. */
  async #monitorOf({ mn, pw }: Hj212Segment): Promise<Monitor | undefined> {
    if (pw === undefined) return undefined;
    const passwordDigest = createHash('sha256').update(pw).digest();
    const known = this.#known.get(mn);
    if (known !== undefined && this.#hooks.isCurrent(known.monitor) && timingSafeEqual(known.passwordDigest, passwordDigest))
      return known.monitor;
    const monitor = await this.#hooks.identify(mn, pw);
    if (monitor === undefined) return undefined;
    this.#known.delete(mn);
    if (this.#known.size >= MONITORS_MAX) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(mn, { monitor, passwordDigest });
    return monitor;
  }

  /** No answer: the monitor sends the frame again. Of a stranger nothing is kept, or anybody could fill the disk. */
  #onMalformed(bytes: Uint8Array, detail: string): void {
    const { intake, onTaken, onMalformed, isCurrent } = this.#hooks;
    onMalformed();
    this.#malformed++;
    const sender = this.#last;
    if (sender !== undefined && isCurrent(sender)) {
      const payload = Buffer.from(withoutPassword(bytes));
      const origin = { door: 'hj212', topic: '', producer: sender.device.producer, receivedAt: Date.now() };
      onTaken(intake.refuse(origin, refuse('HJ212_MALFORMED', detail), payload), sender.route, payload);
    }
    if (this.#malformed >= HJ212_TRIES_MAX) this.close('no HJ 212 frames');
  }
}
