/** The newest `sys.retention` record of each dataset: removal goes on behind it, and one that a crash interrupted is ended. */
import type { RetentionRecord } from '@airtight/protocol';

export class RetentionLog {
  readonly #last = new Map<string, RetentionRecord>();

  take(record: RetentionRecord): void {
    this.#last.set(record.dataset, record);
  }

  last(dataset: string): RetentionRecord | undefined {
    return this.#last.get(dataset);
  }

  all(): RetentionRecord[] {
    return [...this.#last.values()];
  }
}
