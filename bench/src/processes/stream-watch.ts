/** A client of the live stream that notes when readings of one dataset, and alerts, come to it. */
import type { StreamMessage } from '@airtight/protocol';

export class StreamWatch implements Disposable {
  /** By event time, epoch ms: when a reading of that time came, and when an alert that began then. */
  readonly readings = new Map<number, number>();
  readonly raised = new Map<number, number>();
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as StreamMessage));
  }

  /** @throws Error when the stream cannot be opened */
  static async open(apiUrl: string, dataset: string): Promise<StreamWatch> {
    // Alerts come whatever the filter.
    const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}/api/v1/stream?dataset=${dataset}`);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the stream could not be opened')));
    });
    return new StreamWatch(socket);
  }

  #take(message: StreamMessage): void {
    if (message.type !== 'frame') return;
    const now = Date.now();
    for (const event of message.events) {
      if (event.type === 'observation') this.readings.set(Date.parse(event.phenomenonTime), now);
      else if (event.type === 'alert' && event.transition.type === 'raise') this.raised.set(event.transition.since, now);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
