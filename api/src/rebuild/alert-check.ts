/** Holds recomputed alerts against the recorded ones, byte for byte in canonical form. */
import { type AlertEffect, LEDGER_FORK_ALERT, transitionMessageId } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { AlertEvent } from '../decode/decoder.ts';

export interface AlertDifference {
  /** Position of the record; for an alert that was computed alone, of the record that caused it. */
  readonly position: number;
  readonly alert: string;
  readonly detail: string;
}

export interface AlertReport {
  readonly recomputed: number;
  readonly recorded: number;
  /** Recomputed, but not on record yet: the running service writes them when it comes to their cause. */
  readonly unrecorded: number;
  /** The first DIFFERENCES_MAX of them. */
  readonly differences: readonly AlertDifference[];
}

const DIFFERENCES_MAX = 20;

export class AlertCheck {
  readonly #waiting = new Map<string, string>();
  /** What was on record already: a record that was written twice is no second alert. */
  readonly #matched = new Map<string, string>();
  readonly #differences: AlertDifference[] = [];
  #recomputed = 0;
  #recorded = 0;

  /** An effect of the fresh engine. */
  computed(effect: AlertEffect): void {
    this.#recomputed++;
    this.#waiting.set(transitionMessageId(effect), canonicalJson(effect));
  }

  /** A raise or clear as the journal has it. Its cause stands before it, so it was recomputed already. */
  recorded({ position, transition }: AlertEvent): void {
    if (transition.type === 'acknowledge') return;
    // Raised from evidence that lies with the ledger, not from the journal: there is nothing to recompute it from.
    if (transition.type === 'raise' && transition.contract === LEDGER_FORK_ALERT) return;
    this.#recorded++;
    const key = transitionMessageId(transition);
    const text = canonicalJson(transition);
    const expected = this.#waiting.get(key) ?? this.#matched.get(key);
    if (expected === undefined)
      this.#differ({ position, alert: transition.alert, detail: `${transition.type}: recorded, but not recomputed` });
    else if (expected !== text) {
      this.#differ({ position, alert: transition.alert, detail: `${transition.type}: recorded ${text}, recomputed ${expected}` });
    }
    this.#waiting.delete(key);
    this.#matched.set(key, expected ?? text);
  }

  report(): AlertReport {
    return { recomputed: this.#recomputed, recorded: this.#recorded, unrecorded: this.#waiting.size, differences: this.#differences };
  }

  #differ(difference: AlertDifference): void {
    if (this.#differences.length < DIFFERENCES_MAX) this.#differences.push(difference);
  }
}
