/** The disk operations that a journal's durability rests on, as an interface: tests put faults into them. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, write, writeSync } from 'node:fs';

export interface Disk {
  open(path: string, flags: number | string, mode?: number): number;
  close(fd: number): void;
  /** The whole file. */
  read(path: string): Buffer;
  /** Writes at a place; may take fewer bytes than given. @returns how many */
  writeNow(fd: number, buffer: Buffer, from: number, length: number, position: number): number;
  /** The same on the thread pool. */
  write(fd: number, buffer: Buffer, from: number, length: number, position: number): Promise<number>;
  truncate(fd: number, sizeBytes: number): void;
  sync(fd: number): void;
}

export const nodeDisk: Disk = {
  open: openSync,
  close: closeSync,
  read: (path) => readFileSync(path),
  writeNow: writeSync,
  write: (fd, buffer, from, length, position) =>
    new Promise((resolve, reject) => {
      write(fd, buffer, from, length, position, (error, written) => (error ? reject(error) : resolve(written)));
    }),
  truncate: ftruncateSync,
  sync: fsyncSync,
};

/** No room: nothing is wrong with what is on the disk. */
const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];
/** Disk or system failed, and may work again: EROFS is what a file system answers after it has met an error of the disk. */
const FAILED: readonly string[] = ['EIO', 'EROFS', 'ENOMEM', 'EMFILE', 'ENFILE'];

/**
 * What to do about a failed write.
 * @returns `full`: cut off what it left and try again; `failed`: the same, after the file has been opened and read anew;
 *   undefined: an error that waiting does not mend
 */
export function writeFaultOf(error: unknown): 'full' | 'failed' | undefined {
  const code = errnoOf(error);
  if (FULL.includes(code)) return 'full';
  return FAILED.includes(code) ? 'failed' : undefined;
}

/** `ENOSPC`, `EIO`, …; empty for what is no error of the system. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
