/** What the passing of time does to alerts: judged at ticks, which are on record. */
import type { Transition } from '../rule/machine.ts';
import type { Turn } from '../turn.ts';
import type { ActiveAlert } from './active-alerts.ts';
import { endShelf, escalate } from './attention.ts';
import { isActive } from './episode.ts';
import { settleGroups } from './group.ts';
import { issue } from './issue.ts';
import { levelOf } from './level.ts';
import { endServiceBreaks } from './service.ts';

/** Ends service breaks, shelves and what nothing confirms any more, escalates what nobody acknowledges, tells of groups. */
export function passTime(turn: Turn, at: number): void {
  endServiceBreaks(turn, at);
  for (const alert of turn.state.index.active.inOrder()) {
    const { episode } = alert;
    const { rule } = alert.state;
    endShelf(turn, rule, episode, at);
    expire(turn, alert, at);
    const isTold = isActive(episode) && episode.suppressedBy.length === 0 && episode.group === null;
    if (isTold) escalate(turn, rule, episode, levelOf(rule, episode.steps.at(-1)?.level ?? 0).severity, at);
  }
  for (const known of turn.state.index.rules) if (known.groups.size > 0) settleGroups(turn, known, at);
}

/**
 * Only what was reported live is watched by the clock: readings of long ago expire by those that follow. A reading that is as
 * late as the contract allows may still confirm it: until then nothing is said, so that a replay without ticks says the same.
 */
function expire(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  const { rule } = known;
  const tracker = known.trackers.get(episode.subject);
  if (rule.kind === 'no-data' || rule.expiresMs === null || tracker === undefined || !tracker.live) return;
  const transitions: Transition[] = [];
  tracker.expireBefore(rule, at - rule.latenessMs, transitions);
  issue(turn, known, episode, transitions);
}
