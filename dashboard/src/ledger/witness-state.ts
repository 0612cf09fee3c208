/** What a witness's state comes to, for a reader. */
import type { LedgerStatus } from '@airtight/protocol';

export type AskedWitness = LedgerStatus['witnesses'][number];
export type WitnessState = 'cosigned' | 'refuses' | 'silent' | 'waiting' | 'stale';

/** A log that stands still is cosigned anew every minute; after half a minute more the last time is too long ago. */
const FRESH_MS = 90_000;
/** To the witness the checkpoint does not continue what it has cosigned, or signs for another key (c2sp.org/tlog-witness). */
const REFUSAL = /^(403|404|422)\b/;

/** @param now server clock, epoch ms */
export function witnessState({ cosignedAt, error }: AskedWitness, now: number): WitnessState {
  if (error !== null) return REFUSAL.test(error.detail) ? 'refuses' : 'silent';
  if (cosignedAt === null) return 'waiting';
  return now - Date.parse(cosignedAt) > FRESH_MS ? 'stale' : 'cosigned';
}
