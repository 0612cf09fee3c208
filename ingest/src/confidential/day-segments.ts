/** Where in the journal the confidential records of a day lie, by their keys alone. */
import { decodeExpired, decodeRecord, isExpiredBody, type RecordHeader, recordIn } from '@airtight/protocol';
import type { Journal } from '../journal/journal.ts';

export const DAY_MS = 86_400_000;

/**
 * First positions of the sealed segments in which records of the day can be: where their keys begin, and on as long as the day lasts.
 * @param places positions from which keys of the day are used; @param day YYYY-MM-DD; @param end records below are meant
 */
export function segmentsOfDay(
  journal: Pick<Journal, 'sealed' | 'read'>,
  places: readonly number[],
  day: string,
  end: number,
): readonly number[] {
  const dayEnd = Date.parse(day) + DAY_MS;
  const found = new Set<number>();
  for (const from of places) {
    const start = journal.sealed.findIndex(({ first, count }) => from < first + count);
    for (let at = start; at >= 0 && at < journal.sealed.length; at++) {
      const { first } = journal.sealed[at] as { first: number };
      // A record that comes when the day is over may lie in the segment after the one that its key was made for.
      if (first >= end || (at > start + 1 && receivedAt(journal, first) >= dayEnd)) break;
      found.add(first);
    }
  }
  return [...found].sort((a, b) => a - b);
}

function receivedAt(journal: Pick<Journal, 'read'>, position: number): number {
  return headerIn(journal.read(position) as Buffer)?.receivedAt ?? 0;
}

/** Header of the record in a body, whether its payload is there or not; undefined for what is no record. */
export function headerIn(body: Uint8Array): RecordHeader | undefined {
  const record = isExpiredBody(body) ? decodeExpired(body) : decodeRecord(recordIn(body));
  return record.ok ? record.value.header : undefined;
}
