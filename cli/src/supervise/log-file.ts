/** What one service writes to its stdout and stderr, kept in `logs/` within bounds. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Days of ordinary running; a service that complains without end fills no disk. The file before it is kept as `.1`. */
const LOG_FILE_MAX_BYTES = 8 * 1024 * 1024;

export class LogFile {
  readonly path: string;
  #fd: number;
  #sizeBytes: number;
  #lostBytes = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#fd).size;
  }

  /** Keeps what it can: a full disk must not end those whose log this is. What was lost is told when there is room. */
  write(chunk: Buffer): void {
    try {
      if (this.#sizeBytes + chunk.length > LOG_FILE_MAX_BYTES) this.#rotate();
      if (this.#lostBytes > 0)
        this.#append(Buffer.from(`\n${JSON.stringify({ level: 40, msg: `${this.#lostBytes} bytes of log were lost` })}\n`));
      this.#lostBytes = 0;
      this.#append(chunk);
    } catch {
      this.#lostBytes += chunk.length;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #append(bytes: Buffer): void {
    this.#sizeBytes += writeSync(this.#fd, bytes);
  }

  #rotate(): void {
    renameSync(this.path, `${this.path}.1`);
    const fd = openSync(this.path, 'a', 0o600);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#sizeBytes = 0;
  }
}
