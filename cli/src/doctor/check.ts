/** One look at one thing: how it is, and what to do when it is not well. */
import type { Bilingual } from '@airtight/protocol';

/** `warning`: it works, and will not for long or not well. `problem`: it does not work. */
export type Health = 'ok' | 'warning' | 'problem';

export interface Check {
  /** Stable, for programs. */
  readonly name: string;
  readonly health: Health;
  readonly found: Bilingual;
  readonly advice?: Bilingual;
}

export function healthy(name: string, found: Bilingual): Check {
  return { name, health: 'ok', found };
}

export function unwell(name: string, health: 'warning' | 'problem', found: Bilingual, advice: Bilingual): Check {
  return { name, health, found, advice };
}
