/** RFC 3339 §5.6: date-time. */

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** @returns epoch ms, fractions of a millisecond cut off; NaN for a text that is no date-time, or has no zone */
export function parseRfc3339(text: string): number {
  return DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
}
