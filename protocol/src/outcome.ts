/**
 * The result of a step that may refuse. Expected refusals (bad payload, foreign topic) are values of this type;
 * exceptions are kept for a broken environment.
 */
import type { Code } from './codes.ts';

export interface Refusal {
  readonly ok: false;
  readonly code: Code;
  /** What exactly was wrong, for the person who mends it: names and numbers, no prose to translate. */
  readonly detail: string;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refusal;

/** Wraps an accepted value. */
export function accept<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** A refusal with its stable code (listed in docs/reference/codes.md) and the detail that helps to mend it. */
export function refuse(code: Code, detail: string): Refusal {
  return { ok: false, code, detail };
}
