/** Joins the event streams of several runs of Node's test runner into one report with one set of totals. */

/** An event of node:test's stream, as reporters take it. */
export interface TestEvent {
  readonly type: string;
  readonly data: { readonly message?: string; readonly nesting?: number; readonly [key: string]: unknown };
}

/** The closing lines of a report, by their names there. */
export interface Totals {
  tests: number;
  suites: number;
  pass: number;
  fail: number;
  cancelled: number;
  skipped: number;
  todo: number;
  duration_ms: number;
}

const TOTAL_LINE = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

/** Passes the events of one run on, except its closing lines: their figures are added to `totals`. */
export async function* withoutTotals(stream: AsyncIterable<TestEvent>, totals: Totals): AsyncGenerator<TestEvent> {
  for await (const event of stream) {
    const match = event.type === 'test:diagnostic' && event.data.nesting === 0 ? TOTAL_LINE.exec(event.data.message ?? '') : null;
    if (match) totals[match[1] as keyof Totals] += Number(match[2]);
    else yield event;
  }
}
