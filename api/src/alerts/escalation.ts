/** When an alert goes further up if nobody acknowledges it: what the contract says, counted as the engine counts. */
import { parseContract } from '@airtight/contracts-engine';
import { type AlertItem, type EscalationItem, SEVERITIES, type Severity } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from '../query/literal.ts';

interface EscalationSource {
  readonly control: Pick<ControlState, 'contractHistory' | 'datasets'>;
  readonly store: Pick<Store, 'query'>;
}

export async function escalationOf(item: AlertItem, { control, store }: EscalationSource): Promise<EscalationItem> {
  const steps = stepsOf(item, control);
  const { record, taken } = countOf(item);
  const step = steps[taken];
  // People are told of a member through its group, which escalates for it.
  if (step === undefined || item.state !== 'unacknowledged' || item.group !== null) return { steps, taken, next: null };
  const [row] = await store.query(
    `SELECT receivedAt FROM ${DATABASE}.alerts WHERE alert = ${quoteText(item.alert)} AND position = ${wholeLiteral(Number(record))}`,
  );
  // It was written a moment ago.
  const [countsFrom] = (row as [number] | undefined) ?? [Date.now()];
  return { steps, taken, next: { step: taken + 1, at: new Date(countsFrom + step.afterMs).toISOString() } };
}

function stepsOf({ contract, rule }: AlertItem, { contractHistory, datasets }: EscalationSource['control']): EscalationItem['steps'] {
  const inForce = contractHistory.inForce(contract, Date.now());
  if (inForce === undefined) return [];
  const definitions = new Map(datasets.newest().map(({ definition }) => [definition.dataset, definition]));
  const outcome = parseContract(inForce.record.text, definitions);
  const found = outcome.ok ? outcome.contract.rules.find(({ id }) => id === rule) : undefined;
  return (found?.escalation ?? []).map(({ afterMs, severity, notify }) => ({ afterMs, severity, notify: [...notify] }));
}

/**
 * From which record the time counts, and how many steps were taken since: the raise, the approval that was still missing, or
 * the update by which it last became worse.
 */
export function countOf({ timeline, approvals }: AlertItem): { readonly record: string; readonly taken: number } {
  let [record, taken, rank] = [timeline[0]?.record ?? '0', 0, -1];
  const approvedBy = new Set<string>();
  for (const entry of timeline) {
    if (entry.type === 'escalate') taken++;
    if (entry.type === 'approve' && approvedBy.size < approvals) {
      approvedBy.add(entry.by ?? '');
      if (approvedBy.size === approvals) record = entry.record;
    }
    if (entry.type === 'escalate' || entry.severity === undefined) continue;
    const now = SEVERITIES.indexOf(entry.severity as Severity);
    if (now > rank && entry.type === 'update') [record, taken] = [entry.record, 0];
    rank = now;
  }
  return { record, taken };
}
