/** What another version of a contract would have told differently, alert by alert. */
import type { TriedAlert } from './trial.ts';

export interface AlertChange {
  readonly alert: TriedAlert;
  readonly against: TriedAlert;
  /** Raised so much later (positive) or earlier (negative) than under the other version, ms. */
  readonly shiftMs: number;
}

export interface BacktestDifference {
  /** Only under this version. */
  readonly added: readonly TriedAlert[];
  /** Only under the other. */
  readonly lost: readonly TriedAlert[];
  readonly earlier: readonly AlertChange[];
  readonly later: readonly AlertChange[];
  /** Raised at the same time, with another worst severity or another end. */
  readonly changed: readonly AlertChange[];
  /** The same in time, severity and end. */
  readonly same: number;
}

/**
 * Alerts of the same rule and subject that were active at a common time are the same alert: each is matched with the
 * earliest that is left. A rule that has another id is another rule.
 * @param alerts of this version, in order of time @param against of the other
 */
export function differenceOf(alerts: readonly TriedAlert[], against: readonly TriedAlert[]): BacktestDifference {
  const waiting = new Map<string, TriedAlert[]>();
  for (const alert of against) waiting.set(keyOf(alert), [...(waiting.get(keyOf(alert)) ?? []), alert]);
  const added: TriedAlert[] = [];
  const pairs: AlertChange[] = [];
  for (const alert of alerts) {
    const candidates = waiting.get(keyOf(alert)) ?? [];
    const at = candidates.findIndex((candidate) => overlaps(alert, candidate));
    const [other] = at < 0 ? [] : candidates.splice(at, 1);
    if (other === undefined) added.push(alert);
    else pairs.push({ alert, against: other, shiftMs: alert.raisedAt - other.raisedAt });
  }
  const level = pairs.filter(({ shiftMs }) => shiftMs === 0);
  const changed = level.filter(({ alert, against: other }) => alert.severity !== other.severity || alert.clearedAt !== other.clearedAt);
  return {
    added,
    lost: [...waiting.values()].flat().sort((a, b) => a.raisedAt - b.raisedAt || (a.alert < b.alert ? -1 : 1)),
    earlier: pairs.filter(({ shiftMs }) => shiftMs < 0),
    later: pairs.filter(({ shiftMs }) => shiftMs > 0),
    ...{ changed, same: level.length - changed.length },
  };
}

function keyOf({ rule, subject }: TriedAlert): string {
  return `${rule} ${subject}`;
}

/** They need not have been told at a common time: what holds on counts from its `since`. */
function overlaps(a: TriedAlert, b: TriedAlert): boolean {
  return a.since <= (b.clearedAt ?? Number.POSITIVE_INFINITY) && b.since <= (a.clearedAt ?? Number.POSITIVE_INFINITY);
}
