/** Folds alert transitions from the stream into the alert items of the API, so that a screen needs no second fetch. */
import { type AlertItem, type AlertTransition, alertStateOf } from '@airtight/protocol';

const rfc3339 = (ms: number) => new Date(ms).toISOString();

/**
 * @param item the alert as known, undefined for a new one
 * @param position journal position of the transition's record
 * @returns the alert after it; undefined when an acknowledge or clear names an alert that is not known here
 */
export function foldTransition(item: AlertItem | undefined, transition: AlertTransition, position: number): AlertItem | undefined {
  const record = String(position);
  if (item?.timeline.some((entry) => entry.record === record)) return item;
  const at = rfc3339(transition.at);
  if (transition.type === 'raise') {
    return {
      alert: transition.alert,
      state: 'unacknowledged',
      severity: transition.severity,
      contract: transition.contract,
      version: transition.version,
      rule: transition.rule,
      agency: transition.agency,
      dataset: transition.dataset,
      subject: transition.subject,
      message: transition.message,
      since: rfc3339(transition.since),
      raisedAt: at,
      clearedAt: null,
      acknowledgedBy: null,
      values: { ...transition.values },
      evidence: transition.evidence.map(String),
      timeline: [{ type: 'raise', at, record }],
    };
  }
  if (item === undefined) return undefined;
  const entry =
    transition.type === 'acknowledge'
      ? { type: transition.type, at, record, by: transition.by, comment: transition.comment }
      : { type: transition.type, at, record };
  const timeline = [...item.timeline, entry];
  const cleared = timeline.some((step) => step.type === 'clear');
  const acknowledged = timeline.some((step) => step.type === 'acknowledge');
  return {
    ...item,
    timeline,
    state: alertStateOf({ cleared, acknowledged }),
    clearedAt: transition.type === 'clear' ? at : item.clearedAt,
    acknowledgedBy: transition.type === 'acknowledge' ? transition.by : item.acknowledgedBy,
    evidence: transition.type === 'clear' ? [...new Set([...item.evidence, ...transition.evidence.map(String)])] : item.evidence,
  };
}
