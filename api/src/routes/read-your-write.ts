/** What a person wrote is in the journal when the write is answered; moments later it is folded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fold } from '../fold.ts';

/** The write is durable already: an answer that comes before the fold is right, only older. */
const WAIT_MAX_MS = 2000;
const LOOK_EVERY_MS = 10;

/** Resolves when the fold has passed `position`, or after `waitMaxMs`. */
export async function whenFolded(fold: Pick<Fold, 'next'>, position: number, waitMaxMs = WAIT_MAX_MS): Promise<void> {
  for (let waitedMs = 0; fold.next <= position && waitedMs < waitMaxMs; waitedMs += LOOK_EVERY_MS) await sleep(LOOK_EVERY_MS);
}
