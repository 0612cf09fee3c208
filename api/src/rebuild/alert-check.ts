/**
 * Holds recomputed alerts against the recorded ones, byte for byte in canonical form. Where payloads were removed by
 * policy, an alert that rests on one of them cannot be recomputed; it is counted, not passed over in silence.
 */
import { type AlertEffect, CONTROL_PREFIX, isEffect, transitionMessageId } from '@airtight/protocol';
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
  /** Recorded or recomputed, but not to be checked: payloads on which they may rest were removed by policy. */
  readonly uncheckable: number;
  /** The first DIFFERENCES_MAX of them. */
  readonly differences: readonly AlertDifference[];
}

const DIFFERENCES_MAX = 20;

export class AlertCheck {
  /** Canonical text and, of a raise, the dataset. */
  readonly #waiting = new Map<string, { readonly text: string; readonly effect: AlertEffect }>();
  /** What was on record already: a record that was written twice is no second alert. */
  readonly #matched = new Map<string, string>();
  readonly #differences: AlertDifference[] = [];
  /** Last position of each dataset whose payload is gone; below it nearly all are. */
  readonly #expiredThrough = new Map<string, number>();
  /** Dataset of each alert that was raised. */
  readonly #datasets = new Map<string, string>();
  /** Alerts that rest on removed payloads. */
  readonly #lost = new Set<string>();
  #uncheckable = 0;
  #recomputed = 0;
  #recorded = 0;

  /** An effect of the fresh engine. */
  computed(effect: AlertEffect): void {
    this.#recomputed++;
    if (effect.type === 'raise') this.#datasets.set(effect.alert, effect.dataset);
    this.#waiting.set(transitionMessageId(effect), { text: canonicalJson(effect), effect });
  }

  /** A record whose payload is gone. */
  expired(position: number, dataset: string): void {
    this.#expiredThrough.set(dataset, position);
  }

  /** An effect as the journal has it. Its cause stands before it, so it was recomputed already. */
  recorded({ position, transition }: AlertEvent): void {
    if (!isEffect(transition)) return;
    // Raised by the platform from what does not lie in the journal: there is nothing to recompute it from.
    if (transition.contract.startsWith(CONTROL_PREFIX)) return;
    this.#recorded++;
    const key = transitionMessageId(transition);
    const text = canonicalJson(transition);
    if (transition.type === 'raise') this.#datasets.set(transition.alert, transition.dataset);
    const expected = this.#waiting.get(key)?.text ?? this.#matched.get(key);
    if (expected !== text && this.#restsOnRemoved(transition)) this.#uncheckable++;
    else if (expected === undefined)
      this.#differ({ position, alert: transition.alert, detail: `${transition.type}: recorded, but not recomputed` });
    else if (expected !== text) {
      this.#differ({ position, alert: transition.alert, detail: `${transition.type}: recorded ${text}, recomputed ${expected}` });
    }
    this.#waiting.delete(key);
    this.#matched.set(key, expected ?? text);
  }

  report(): AlertReport {
    // Without the readings before, a condition may seem to begin later, which is another alert.
    const uncertain = [...this.#waiting.values()].filter(({ effect }) => this.#expiredThrough.has(this.#datasets.get(effect.alert) ?? ''));
    return {
      recomputed: this.#recomputed,
      recorded: this.#recorded,
      unrecorded: this.#waiting.size - uncertain.length,
      uncheckable: this.#uncheckable + uncertain.length,
      differences: this.#differences,
    };
  }

  #restsOnRemoved({ alert, evidence }: AlertEffect): boolean {
    const through = this.#expiredThrough.get(this.#datasets.get(alert) ?? '') ?? -1;
    if (evidence.some((position) => position <= through)) this.#lost.add(alert);
    return this.#lost.has(alert);
  }

  #differ(difference: AlertDifference): void {
    if (this.#differences.length < DIFFERENCES_MAX) this.#differences.push(difference);
  }
}
