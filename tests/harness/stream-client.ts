/** A client of the live stream as somebody else would write it: a cursor, and a new connection wherever the last one broke. */
import type { FrameMessage, StreamEvent, StreamMessage } from '@airtight/protocol';
import type { Product } from './product.ts';
import { Hopeless, until } from './waiting.ts';

export class StreamClient {
  /** Every event taken, in the order taken. */
  readonly events: StreamEvent[] = [];
  /** Frames that did not begin at the cursor, and gaps the server announced. */
  readonly holes: string[] = [];
  readonly #product: Product;
  #socket: WebSocket | undefined;
  #cursor: number;
  connections = 0;

  /** @param since journal position of the first record it wants */
  constructor(product: Product, since: number) {
    this.#product = product;
    this.#cursor = since;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Opens a connection that continues at the cursor, and waits for the server's hello. */
  async connect(): Promise<void> {
    const url = `${this.#product.httpUrl.replace(/^http/, 'ws')}/api/v1/stream?since=${this.#cursor}`;
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${await this.#product.apiToken()}` } });
    this.#socket = socket;
    let greeted = false;
    socket.addEventListener('message', ({ data }) => {
      // What still arrives on a connection that was dropped is lost to the client, as on a broken line.
      if (this.#socket !== socket) return;
      const message = JSON.parse(String(data)) as StreamMessage;
      if (message.type === 'hello') {
        greeted = true;
        if (message.from !== this.#cursor) this.holes.push(`hello at ${message.from}, cursor ${this.#cursor}`);
      } else this.#take(message);
    });
    await until('the stream says hello', () => {
      if (socket.readyState === WebSocket.CLOSED) throw new Hopeless(`the stream closed at once, since=${this.#cursor}`);
      return greeted;
    });
    this.connections++;
  }

  #take(message: StreamMessage): void {
    if (message.type === 'gap') this.holes.push(`gap ${message.from} to ${message.next}`);
    if (message.type === 'frame') this.#takeFrame(message);
  }

  #takeFrame({ from, next, events }: FrameMessage): void {
    if (from !== this.#cursor) this.holes.push(`frame at ${from}, cursor ${this.#cursor}`);
    this.events.push(...events);
    this.#cursor = next;
  }

  /** The line breaks: from here on nothing of this connection reaches the client. */
  drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}
