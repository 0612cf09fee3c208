/** Opaque cursors: the sort key of the last item as base64url JSON. They stay valid whatever is written meanwhile. */
import { AirtightError } from '@airtight/protocol';

const CURSOR_MAX_LENGTH = 256;

export function encodeCursor(key: readonly number[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws AirtightError CURSOR_INVALID when it is not a cursor of `length` whole numbers */
export function decodeCursor(cursor: string, length: number): number[] {
  try {
    const key: unknown = cursor.length > CURSOR_MAX_LENGTH ? null : JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(key) && key.length === length && key.every((part) => Number.isSafeInteger(part))) return key as number[];
  } catch {
    // Falls through to the refusal below.
  }
  throw new AirtightError('CURSOR_INVALID', cursor.slice(0, 64));
}
