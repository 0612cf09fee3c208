/** What people do with alerts, as far as the engine must know. That they did it is on record before it comes here. */
import type { AlertAct, OutOfService, ReturnedToService } from '@airtight/protocol';
import type { RuleState } from '../engine-state.ts';
import type { Transition } from '../rule/machine.ts';
import { lookAgain } from '../rule/silence.ts';
import type { Turn } from '../turn.ts';
import type { ActiveAlert } from './active-alerts.ts';
import { type Attention, approve } from './attention.ts';
import { effectBase } from './effect-base.ts';
import { isActive } from './episode.ts';
import { findGroup, forgetGroup, type GroupAlert } from './group.ts';
import { end, issue } from './issue.ts';
import { changeService } from './service.ts';

type OnAlert = Exclude<AlertAct, OutOfService | ReturnedToService>;

/** Takes a person's act on an alert, or on the service of a rule. One on an alert that is over changes nothing. */
export function applyAct(turn: Turn, act: AlertAct): void {
  if (act.type === 'out-of-service' || act.type === 'return-to-service') return changeService(turn, act);
  const active = turn.state.index.active.get(act.alert);
  if (active !== undefined) {
    if (act.type === 'close') closeAlert(turn, active, act.at);
    else attend(turn, active.state.rule, active.episode, act);
    return;
  }
  const found = findGroup(turn, act.alert);
  if (found === undefined) return;
  if (act.type === 'close') closeGroup(turn, found.known, found.group, act.at);
  else attend(turn, found.known.rule, found.group, act);
}

function attend(turn: Turn, rule: ActiveAlert['state']['rule'], attention: Attention, act: Exclude<OnAlert, { type: 'close' }>): void {
  switch (act.type) {
    case 'acknowledge':
      attention.acknowledged = true;
      return;
    case 'shelve':
      attention.shelvedUntil = act.until;
      return;
    case 'unshelve':
      attention.shelvedUntil = null;
      return;
    case 'approve':
      return approve(rule, attention, act.by, turn.state.tickAt);
    case 'assign':
    case 'comment':
      return;
  }
}

function closeAlert(turn: Turn, { state: known, episode }: ActiveAlert, at: number): void {
  if (known.rule.kind === 'no-data') {
    const silence = known.silences.get(episode.subject);
    if (silence !== undefined) Object.assign(silence, { active: false, disarmed: true });
    lookAgain(known.quiet);
    end(turn, known, episode, at);
    return;
  }
  const transitions: Transition[] = [];
  known.trackers.get(episode.subject)?.close(known.rule, transitions);
  issue(turn, known, episode, transitions);
}

/** Its members are closed with it: nobody is told of them but through it, so left open they would be forgotten. */
function closeGroup(turn: Turn, known: RuleState, { alert, members }: GroupAlert, at: number): void {
  forgetGroup(known, alert);
  for (const member of members) {
    const active = turn.state.index.active.get(member);
    if (active === undefined) continue;
    const { episode } = active;
    closeAlert(turn, active, at);
    if (isActive(episode)) continue;
    const told = { at: episode.clearedAt ?? at, values: {}, evidence: [turn.position], reason: 'group-closed' } as const;
    turn.effects.push({ type: 'clear', ...effectBase(known.rule, episode), ...told });
  }
}
