/** What one service writes to its stdout and stderr, kept in `logs/` within bounds. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Days of ordinary running; a service that complains without end fills no disk. The file before it is kept as `.1`. */
const LOG_FILE_MAX_BYTES = 8 * 1024 * 1024;

export class LogFile {
  readonly path: string;
  #fd: number;
  #sizeBytes: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#fd).size;
  }

  write(chunk: Buffer): void {
    if (this.#sizeBytes + chunk.length > LOG_FILE_MAX_BYTES) this.#rotate();
    this.#sizeBytes += writeSync(this.#fd, chunk);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.path, `${this.path}.1`);
    this.#fd = openSync(this.path, 'a', 0o600);
    this.#sizeBytes = 0;
  }
}
