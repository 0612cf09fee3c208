/** What the dialogs of the acts offer and send. */
import { SHELVE_MAX_MS } from '@airtight/protocol';

export type DialogAct = 'shelve' | 'close' | 'assign' | 'comment' | 'approve';

const MINUTE_MS = 60_000;
/** Half an hour, two hours, a shift, and as long as it may be. */
export const SHELVE_CHOICES_MS: readonly number[] = [30 * MINUTE_MS, 120 * MINUTE_MS, 480 * MINUTE_MS, SHELVE_MAX_MS];
/** Between the reader's clock and the server's, and for the request to arrive. */
const CLOCK_MARGIN_MS = 30_000;

export interface ActForm {
  readonly text: string;
  readonly forMs: number;
  /** Empty: nobody. */
  readonly to: string;
}

/** @param now epoch ms by the server's clock @returns when the shelf ends, epoch ms: never later than the server takes */
export function shelfEnd(now: number, forMs: number): number {
  return now + Math.min(forMs, SHELVE_MAX_MS - CLOCK_MARGIN_MS);
}

/** Body of the request. @param until end of the shelf, epoch ms */
export function bodyOf(act: DialogAct, { text, to }: ActForm, until: number): object {
  const said = text.trim();
  if (act === 'shelve') return { until: new Date(until).toISOString(), reason: said };
  if (act === 'close') return { reason: said };
  if (act === 'assign') return { to: to === '' ? null : to };
  return act === 'comment' ? { text: said } : {};
}

/** True when nothing is missing. */
export function isComplete(act: DialogAct, { text }: ActForm): boolean {
  return act === 'assign' || act === 'approve' || text.trim() !== '';
}
