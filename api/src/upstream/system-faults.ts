/**
 * What a person at a screen must know at once: readings are not taken, or not proven. It is told from what ingest and
 * the ledger answer, because it cannot be a record while nothing can be stored.
 */
import { AUDIT_ALERT, CODES, type Code, type SystemFault } from '@airtight/protocol';
import type { AlertBook } from '../project/alert-book.ts';
import type { UpstreamStatus } from './upstream-status.ts';

/** @param alerts what the audit has found is told until a later audit finds it mended, or a person closes it */
export function systemFaults(upstream: UpstreamStatus, alerts: Pick<AlertBook, 'open'>): SystemFault[] {
  const faults: SystemFault[] = [];
  const add = (service: string, code: Code, detail: string, since: number | null): void => {
    const { zh, en } = CODES[code];
    faults.push({ service, code, title: { zh, en }, detail, since: since === null ? null : new Date(since).toISOString() });
  };
  const fault = upstream.ingest?.fault ?? null;
  if (!upstream.ingestReachable) add('ingest', 'SERVICE_UNAVAILABLE', 'ingest cannot be reached', null);
  else if (fault !== null) add('ingest', fault.code, fault.detail, fault.since);
  if (!upstream.ledgerReachable) add('ledger', 'SERVICE_UNAVAILABLE', 'the ledger cannot be reached', null);
  for (const { contract, rule, clearedAt, raisedAt, subject } of alerts.open()) {
    if (contract === AUDIT_ALERT && clearedAt === null) add('audit', rule as Code, subject, Date.parse(raisedAt));
  }
  return faults;
}
