/** Which acts of people an alert allows as it stands. The API refuses the others, and the screens do not offer them. */

import type { Code } from '../codes.ts';
import type { AlertItem } from '../interfaces/http-api.ts';
import { CONTROL_PREFIX } from '../interfaces/topic.ts';
import type { AlertAct, OutOfService, ReturnedToService } from './alert.ts';

/** What people do with one alert; acts on the service of a rule have no alert. */
export type AlertActType = Exclude<AlertAct, OutOfService | ReturnedToService>['type'];

/** Longest time for which an alert is put aside: whoever comes on duty the next day looks at it again (ISA-18.2, 11.6). */
export const SHELVE_MAX_MS = 24 * 3_600_000;
/** Of a reason or comment. */
export const ACT_TEXT_MAX_LENGTH = 1000;
/** Comments and assignments on one alert: what needs more talk needs another place. */
export const ALERT_TALK_MAX = 500;

export interface ActRefusal {
  readonly code: Code;
  readonly detail: string;
}

/**
 * @param by name of the account that wants to act
 * @returns ALERT_NOT_OPEN, ALERT_STATE_UNFIT or ALERT_TALK_FULL with who or what stands against it; undefined when it is allowed
 */
export function actRefusal(item: AlertItem, type: AlertActType, by: string): ActRefusal | undefined {
  const isTalk = type === 'comment' || type === 'assign';
  if (isTalk && item.timeline.filter((entry) => entry.type === 'comment' || entry.type === 'assign').length >= ALERT_TALK_MAX)
    return { code: 'ALERT_TALK_FULL', detail: String(ALERT_TALK_MAX) };
  if (type === 'comment') return undefined;
  if (item.state === 'closed') return { code: 'ALERT_NOT_OPEN', detail: item.closedBy === null ? 'closed' : `closed by ${item.closedBy}` };
  if (type === 'acknowledge' && item.acknowledgedBy !== null)
    return { code: 'ALERT_NOT_OPEN', detail: `acknowledged by ${item.acknowledgedBy}` };
  if (fits(item, type, by)) return undefined;
  return { code: 'ALERT_STATE_UNFIT', detail: `${type}: ${item.state}` };
}

function fits(item: AlertItem, type: AlertActType, by: string): boolean {
  switch (type) {
    case 'acknowledge':
      return item.state !== 'proposed';
    case 'shelve':
      return isShelvable(item) && ['unacknowledged', 'acknowledged', 'shelved'].includes(item.state);
    case 'unshelve':
      return item.shelvedUntil !== null && item.clearedAt === null;
    case 'approve':
      return item.state === 'proposed' && !item.approvedBy.includes(by);
    case 'close':
    case 'assign':
    case 'comment':
      return true;
  }
}

/** The end of the shelf is an effect of its contract: what the platform raises itself has none. */
function isShelvable({ contract }: AlertItem): boolean {
  return !contract.startsWith(CONTROL_PREFIX);
}
