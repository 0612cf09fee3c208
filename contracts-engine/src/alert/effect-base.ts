/** What all effects of an alert have in common; each takes the alert's next number. */
import type { Rule } from '../contract.ts';

/** An alert, or a group's. */
export interface Numbered {
  readonly alert: string;
  readonly agency: string;
  /** Number of the next effect. */
  n: number;
}

export interface EffectBase {
  readonly v: 1;
  readonly alert: string;
  readonly n: number;
  readonly contract: string;
  readonly agency: string;
}

export function effectBase({ contract }: Rule, numbered: Numbered): EffectBase {
  const { alert, agency } = numbered;
  return { v: 1, alert, n: numbered.n++, contract, agency };
}
