/** What people do with alerts, as far as the engine must know. That they did it is on record before it comes here. */
import type { AlertAct, OutOfService, ReturnedToService } from '@airtight/protocol';
import type { ActiveAlert } from '../engine-state.ts';
import type { Transition } from '../rule/machine.ts';
import type { Turn } from '../turn.ts';
import { closeGroup } from './group.ts';
import { end, isApproved, issue } from './issue.ts';
import { changeService } from './service.ts';

/** Takes a person's act on an alert, or on the service of a rule. One on an alert that is over changes nothing. */
export function applyAct(turn: Turn, act: AlertAct): void {
  if (act.type === 'out-of-service' || act.type === 'return-to-service') changeService(turn, act);
  else applyToAlert(turn, act);
}

function applyToAlert(turn: Turn, act: Exclude<AlertAct, OutOfService | ReturnedToService>): void {
  const found = turn.state.index.active.get(act.alert);
  if (found === undefined) {
    if (act.type === 'close') for (const known of turn.state.index.rules) closeGroup(known, act.alert);
    return;
  }
  const { state: known, episode } = found;
  switch (act.type) {
    case 'acknowledge':
      episode.acknowledged = true;
      return;
    case 'shelve':
      episode.shelvedUntil = act.until;
      return;
    case 'unshelve':
      episode.shelvedUntil = null;
      return;
    case 'approve':
      if (!episode.approvedBy.includes(act.by)) episode.approvedBy = [...episode.approvedBy, act.by];
      if (isApproved(known.rule, episode)) episode.countsFrom ??= turn.state.tickAt;
      return;
    case 'close':
      return closeAlert(turn, found, act.at);
    case 'assign':
    case 'comment':
      return;
  }
}

function closeAlert(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  const silence = known.silences.get(episode.subject);
  const tracker = known.trackers.get(episode.subject);
  if (known.rule.kind === 'no-data') {
    if (silence !== undefined) Object.assign(silence, { active: false, disarmed: true });
    end(turn, known, episode, at);
    return;
  }
  const transitions: Transition[] = [];
  tracker?.close(known.rule, transitions);
  issue(turn, known, episode, transitions);
}
