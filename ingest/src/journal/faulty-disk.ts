/** A disk for tests: the real one, whose writes fail when they are told to. */
import { type Disk, nodeDisk } from './disk.ts';

export class FaultyDisk implements Disk {
  /** Errno of every write from now on; undefined: the disk works. */
  errno: string | undefined;
  /** A failing write leaves so much of what it was given. */
  leavesBytes = 0;
  failed = 0;
  readonly opened: string[] = [];

  open(path: string, flags: number | string, mode?: number): number {
    this.opened.push(path);
    return nodeDisk.open(path, flags, mode);
  }

  close(fd: number): void {
    nodeDisk.close(fd);
  }

  read(path: string): Buffer {
    return nodeDisk.read(path);
  }

  writeNow(fd: number, buffer: Buffer, from: number, length: number, position: number): number {
    if (this.errno === undefined) return nodeDisk.writeNow(fd, buffer, from, length, position);
    this.failed++;
    nodeDisk.writeNow(fd, buffer, from, Math.min(length, this.leavesBytes), position);
    throw Object.assign(new Error(`${this.errno}: write`), { code: this.errno });
  }

  async write(fd: number, buffer: Buffer, from: number, length: number, position: number): Promise<number> {
    return this.errno === undefined
      ? nodeDisk.write(fd, buffer, from, length, position)
      : this.writeNow(fd, buffer, from, length, position);
  }

  truncate(fd: number, sizeBytes: number): void {
    nodeDisk.truncate(fd, sizeBytes);
  }

  sync(fd: number): void {
    nodeDisk.sync(fd);
  }
}
