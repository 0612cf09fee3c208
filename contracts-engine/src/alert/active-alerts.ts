/** Alerts that are active. */
import type { RuleState } from '../engine-state.ts';
import type { Episode } from './episode.ts';

export interface ActiveAlert {
  readonly state: RuleState;
  readonly episode: Episode;
}

export class ActiveAlerts {
  readonly #byId = new Map<string, ActiveAlert>();
  /** null: to be put in order again. */
  #ordered: readonly ActiveAlert[] | null = [];

  get(alert: string): ActiveAlert | undefined {
    return this.#byId.get(alert);
  }

  add(active: ActiveAlert): void {
    this.#byId.set(active.episode.alert, active);
    this.#ordered = null;
  }

  delete(alert: string): void {
    if (this.#byId.delete(alert)) this.#ordered = null;
  }

  clear(): void {
    this.#byId.clear();
    this.#ordered = [];
  }

  /** By id, an order that a restart does not change; as they are now: who goes through them may end some. */
  inOrder(): readonly ActiveAlert[] {
    this.#ordered ??= [...this.#byId.values()].sort((a, b) => (a.episode.alert < b.episode.alert ? -1 : 1));
    return this.#ordered;
  }
}
