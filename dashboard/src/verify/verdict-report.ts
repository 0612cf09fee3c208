/** What became of a verification, in the one form in which every screen says it. */
import type { ProofLimitText } from './check-proof.ts';

export interface FailingLine {
  readonly key: string;
  /** What fails, and at which step, in the reader's language. */
  readonly text: string;
  readonly code?: string | undefined;
  /** For programs that read the screen: `data-…` attributes. */
  readonly data: { readonly [name: `data-${string}`]: string | number };
}

export interface VerdictReport {
  /** `open`: nothing fails, and nothing is proven yet. */
  readonly tone: 'good' | 'bad' | 'open';
  readonly title: string;
  readonly text: string;
  readonly failing: readonly FailingLine[];
  /** What on this screen is not checked, and why. */
  readonly notes: readonly string[];
  readonly limits: readonly ProofLimitText[];
  readonly data: { readonly [name: `data-${string}`]: string | number };
}

/** What cannot be read at all proves nothing. */
export function unreadableReport(title: string, code: string, detail: string): VerdictReport {
  return { tone: 'bad', title, text: `${detail} ${code}`, failing: [], notes: [], limits: [], data: { 'data-ok': 'false' } };
}
