/**
 * One client that appends to a ledger: a raw socket, one request under way at a time. The request is encoded once and
 * the numbers of its entries are patched in, so that the client costs little beside the ledger.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Bytes of an entry: a batch record has some 250. */
const ENTRY_BYTES = 250;
const LENGTH_BYTES = 2;
const NUMBER_DIGITS = 12;
const ENTRY_HEAD = '{"type":"measured","n":"';
const NUMBER_AT = LENGTH_BYTES + ENTRY_HEAD.length;
const ANSWER_MAX_BYTES = 64 * 1024;

export interface Answer {
  readonly status: number;
  /** Empty unless the status is 200. */
  readonly indexes: readonly number[];
}

export class EntryWriter {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #bodyAt: number;
  readonly #count: number;
  #received = '';
  #waiting: PromiseWithResolvers<Answer> | undefined;

  private constructor(socket: Socket, head: string, count: number) {
    this.#socket = socket;
    this.#count = count;
    this.#bodyAt = head.length;
    const entry = Buffer.alloc(LENGTH_BYTES + ENTRY_BYTES, ' ');
    entry.writeUInt16BE(ENTRY_BYTES);
    entry.write(`${ENTRY_HEAD}${'0'.repeat(NUMBER_DIGITS)}"`, LENGTH_BYTES, 'latin1');
    entry.write('}', entry.length - 1, 'latin1');
    this.#request = Buffer.concat([Buffer.from(head, 'latin1'), ...Array.from({ length: count }, () => entry)]);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the ledger closed the connection')));
  }

  static async open(port: number, token: string, entriesPerRequest: number): Promise<EntryWriter> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    const length = entriesPerRequest * (LENGTH_BYTES + ENTRY_BYTES);
    const head = `POST /entries HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/octet-stream\r\ncontent-length: ${length}\r\n\r\n`;
    return new EntryWriter(socket, head, entriesPerRequest);
  }

  /** Appends the entries with these numbers. */
  append(firstEntry: number): Promise<Answer> {
    for (let i = 0; i < this.#count; i++) {
      const at = this.#bodyAt + i * (LENGTH_BYTES + ENTRY_BYTES) + NUMBER_AT;
      this.#request.write(String(firstEntry + i).padStart(NUMBER_DIGITS, '0'), at, 'latin1');
    }
    this.#waiting = Promise.withResolvers<Answer>();
    this.#socket.write(this.#request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.toString('latin1');
    const headEnd = this.#received.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(this.#received)?.[1] ?? 0);
    if (this.#received.length > ANSWER_MAX_BYTES) this.#waiting?.reject(new Error('the answer is too long'));
    if (headEnd < 0 || this.#received.length < headEnd + 4 + length) return;
    const status = Number(this.#received.slice(9, 12));
    const body = this.#received.slice(headEnd + 4, headEnd + 4 + length);
    this.#received = '';
    const indexes = status === 200 ? (JSON.parse(body) as { indexes: number[] }).indexes : [];
    if (status !== 200 && status !== 503) this.#waiting?.reject(new Error(`${status}: ${body}`));
    else this.#waiting?.resolve({ status, indexes });
  }
}
