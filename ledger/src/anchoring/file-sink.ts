/**
 * Anchoring in a file that only grows, one line a checkpoint: on a disk of someone else's, a WORM medium, or something
 * that is printed. It is not rotated; who wants less of it chooses a longer interval.
 *
 *   <RFC 3339> <origin> <size> <root, base64> <SHA-256 of the body, hex>
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AnchorSink, AnchorTarget, ReceiptReading, Submission } from './anchor-sink.ts';
import { formatPlace, readPlace } from './place-receipt.ts';

/** What is looked through for the last line of this log: others may write to the same file. */
const TAIL_BYTES = 256 * 1024;

export interface FileSinkOptions {
  readonly path: string;
  readonly intervalMs: number;
  readonly nowMs: () => number;
  /** Length that the file had after the last line of ours; it must not be shorter. */
  readonly lengthBytes: number;
}

export class FileSink implements AnchorSink {
  readonly id = 'file';
  readonly kind = 'file';
  readonly intervalMs: number;
  readonly #options: FileSinkOptions;
  #lengthBytes: number;

  constructor(options: FileSinkOptions) {
    this.intervalMs = options.intervalMs;
    this.#options = options;
    this.#lengthBytes = options.lengthBytes;
  }

  async submit(target: AnchorTarget): Promise<Submission> {
    const { path, nowMs } = this.#options;
    const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o644);
    try {
      const { size } = await file.stat();
      if (size < this.#lengthBytes) throw new Error(`${path} has shrunk from ${this.#lengthBytes} to ${size} bytes`);
      const tail = await readTail(file, size);
      const there = lineEndOf(tail, target);
      if (there !== undefined) return this.#receipt(target, size - tail.length + there);
      if (tail.length > 0 && tail.at(-1) !== 0x0a) throw new Error(`${path} ends in the middle of a line`);
      const { origin, root, imprint } = target;
      const line = [new Date(nowMs()).toISOString(), origin, target.size, root, Buffer.from(imprint).toString('hex')].join(' ');
      await file.appendFile(`${line}\n`);
      await file.sync();
      return this.#receipt(target, (await file.stat()).size);
    } finally {
      await file.close();
    }
  }

  poll(_pending: string, target: AnchorTarget): Promise<Submission> {
    return this.submit(target);
  }

  verify(receipt: Uint8Array, target: AnchorTarget): ReceiptReading {
    return { timeMs: null, authority: String(readPlace(receipt, target)['file']) };
  }

  #receipt(target: AnchorTarget, end: number): Submission {
    this.#lengthBytes = Math.max(this.#lengthBytes, end);
    return { kind: 'receipt', receipt: formatPlace(target, { end, file: basename(this.#options.path) }) };
  }
}

/** Length that the file must have at least, by the last receipt; 0 when that was of another file. */
export function lengthInReceipt(receipt: Uint8Array, path: string): number {
  const { end, file } = JSON.parse(Buffer.from(receipt).toString()) as { readonly end?: unknown; readonly file?: unknown };
  return file === basename(path) && Number.isSafeInteger(end) ? (end as number) : 0;
}

async function readTail(file: FileHandle, size: number): Promise<Buffer> {
  const length = Math.min(size, TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.subarray(0, bytesRead);
}

/** End of the line of this checkpoint, when a crash came between writing and remembering. */
function lineEndOf(tail: Buffer, { origin, size, root, imprint }: AnchorTarget): number | undefined {
  const at = tail.lastIndexOf(` ${origin} ${size} ${root} ${Buffer.from(imprint).toString('hex')}\n`);
  return at < 0 ? undefined : tail.indexOf(0x0a, at) + 1;
}
