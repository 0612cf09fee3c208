/**
 * The alerts that an alert's evidence speaks of: itself, its group with all members, what suppressed it, what its rule
 * judges. Each follows from readings of its own.
 */
import {
  type AlertSource,
  type Contract,
  inScope,
  type Places,
  parseContract,
  type RuleNeeds,
  ruleNeeds,
} from '@airtight/contracts-engine';
import { AirtightError, type AlertRaised, type AlertTransition, isEffect, isGroupSubject } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from './literal.ts';

/** Alerts that one file may need beside its own: a group or a region with more is told of by its members. */
const OTHERS_MAX = 1000;
const ALERT_ID = /^[0-9a-f]{32}$/;

export interface RecordedTransition {
  readonly position: number;
  readonly transition: AlertTransition;
}

export interface EvidenceAlert {
  readonly raise: AlertRaised;
  readonly transitions: readonly RecordedTransition[];
  readonly contract: Contract;
  /** null: a group's, which follows from its members. */
  readonly needs: RuleNeeds | null;
}

export interface EvidenceAlertsSource {
  readonly store: Pick<Store, 'query'>;
  readonly control: ControlState;
  readonly places: Places;
}

/**
 * @returns the alert asked for first, then those it depends on
 * @throws AirtightError NOT_FOUND, EVIDENCE_TOO_LARGE, EVIDENCE_NOT_REPLAYABLE
 */
export async function evidenceAlerts(id: string, source: EvidenceAlertsSource): Promise<readonly EvidenceAlert[]> {
  const target = await readAlert(id, source);
  if (target === undefined) throw new AirtightError('NOT_FOUND', `alert ${id}`);
  const end = Math.max(...target.transitions.map(({ position }) => position));
  const found = new Map([[id, target]]);
  const waiting = await dependsOn(target, end, source);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (found.has(next)) continue;
    if (found.size > OTHERS_MAX) throw new AirtightError('EVIDENCE_TOO_LARGE', `it depends on more than ${OTHERS_MAX} other alerts`);
    const other = await readAlert(next, source, end);
    if (other === undefined) continue;
    found.set(next, other);
    waiting.push(...(await dependsOn(other, end, source)));
  }
  return [...found.values()];
}

async function readAlert(id: string, source: EvidenceAlertsSource, end = Number.MAX_SAFE_INTEGER): Promise<EvidenceAlert | undefined> {
  const rows = await source.store.query(
    `SELECT position, payload FROM ${DATABASE}.alerts WHERE alert = ${quoteText(id)} AND position <= ${wholeLiteral(end)} ORDER BY position`,
  );
  const transitions = rows.map((row): RecordedTransition => {
    const [position, payload] = row as unknown as [number, string];
    return { position, transition: JSON.parse(payload) as AlertTransition };
  });
  const raise = transitions[0]?.transition;
  if (raise?.type !== 'raise') return undefined;
  const contract = contractOf(raise, source.control);
  const needs = isGroupSubject(raise.subject) ? null : contract && ruleNeeds(contract, raise.rule, raise.subject, source.places);
  if (contract !== undefined && needs !== undefined) return { raise, transitions, contract, needs };
  throw new AirtightError('EVIDENCE_NOT_REPLAYABLE', `contract ${raise.contract} of version ${raise.version} cannot be read`);
}

function contractOf({ contract, version }: AlertRaised, control: ControlState): Contract | undefined {
  const known = control.contractRecords(contract).find(({ record }) => record.type === 'contract' && record.version === version);
  if (known?.record.type !== 'contract') return undefined;
  const outcome = parseContract(known.record.text, new Map(control.datasets.all().map((definition) => [definition.dataset, definition])));
  return outcome.ok ? outcome.contract : undefined;
}

/** Ids of the alerts without which this one would be another. */
async function dependsOn(alert: EvidenceAlert, end: number, source: EvidenceAlertsSource): Promise<string[]> {
  const { raise, transitions, needs } = alert;
  const named = transitions.flatMap(({ transition }) => {
    if (transition.type === 'suppress' || transition.type === 'unsuppress') return [transition.by];
    return transition.type === 'raise'
      ? [...(transition.suppressedBy ?? []), ...(transition.group === undefined ? [] : [transition.group])]
      : [];
  });
  const members = needs === null ? await membersOf(raise.alert, end, source) : [];
  const judged: string[] = [];
  for (const judgedRule of needs?.alerts ?? []) judged.push(...(await activeOf(judgedRule, raise, end, source)));
  return [...named, ...members, ...judged].filter((id) => ALERT_ID.test(id));
}

async function membersOf(group: string, end: number, { store }: EvidenceAlertsSource): Promise<string[]> {
  const rows = await store.query(
    `SELECT alert FROM ${DATABASE}.alerts WHERE type = 'raise' AND JSONExtractString(payload, 'group') = ${quoteText(group)}
       AND position <= ${wholeLiteral(end)} ORDER BY position LIMIT ${wholeLiteral(OTHERS_MAX + 1)}`,
  );
  return rows.map((row) => String((row as unknown as [string])[0]));
}

/** Alerts of a rule that were not over before the records that began an alert. */
async function activeOf(
  { contract, rule, of }: AlertSource,
  raise: AlertRaised,
  end: number,
  source: EvidenceAlertsSource,
): Promise<string[]> {
  const began = Math.min(...raise.evidence, end);
  const rows = await source.store.query(
    `SELECT alert, anyIf(payload, type = 'raise') FROM ${DATABASE}.alerts
     WHERE producer = ${quoteText(contract)} AND position <= ${wholeLiteral(end)}
     GROUP BY alert
     HAVING anyIf(JSONExtractString(payload, 'rule'), type = 'raise') = ${quoteText(rule)}
       AND (max(position) >= ${wholeLiteral(began)} OR countIf(type IN ('clear', 'close')) = 0)
     ORDER BY min(position)`,
  );
  return rows.flatMap((row) => {
    const [alert, payload] = row as unknown as [string, string];
    const other = JSON.parse(payload) as AlertRaised;
    return !isGroupSubject(other.subject) && inScope(of, other, raise, source.places) ? [alert] : [];
  });
}

/** Positions that tell when a transition was caused: the newest record it names, or itself. */
export function marksOf({ position, transition }: RecordedTransition): readonly number[] {
  return isEffect(transition) && transition.evidence.length > 0 ? [...transition.evidence, position] : [position];
}
