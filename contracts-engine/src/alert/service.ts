/** Rules that people have taken out of service, whole or for one subject, until they return them or a time has come. */
import type { OutOfService, ReturnedToService } from '@airtight/protocol';
import type { Turn } from '../turn.ts';
import { reviewSuppression } from './suppression.ts';

/** Kept at the same time; beyond it the oldest ends. */
const ENTRIES_MAX = 10_000;

/** Takes a person's act. */
export function changeService(turn: Turn, act: OutOfService | ReturnedToService): void {
  const { services } = turn.state;
  const { alert, contract, rule, subject } = act;
  services.delete(alert);
  if (act.type === 'out-of-service') {
    if (services.size >= ENTRIES_MAX) services.delete(services.keys().next().value as string);
    services.set(alert, { contract, rule, subject, until: act.until });
  }
  reviewContract(turn, contract);
}

/** Returns to service what was out until now. */
export function endServiceBreaks(turn: Turn, at: number): void {
  if (turn.state.services.size === 0) return;
  for (const [id, entry] of turn.state.services) {
    if (entry.until === null || entry.until > at) continue;
    turn.state.services.delete(id);
    reviewContract(turn, entry.contract);
  }
}

function reviewContract(turn: Turn, contract: string): void {
  for (const { state, episode } of turn.state.index.active.inOrder()) {
    if (state.rule.contract === contract) reviewSuppression(turn, state, episode, turn.state.tickAt ?? episode.raisedAt, [turn.position]);
  }
}
