/**
 * What a person at a screen must know at once: readings are not taken, or not proven. It is told from what ingest and
 * the ledger answer, because it cannot be a record while nothing can be stored.
 */
import { CODES, type Code, type SystemFault } from '@airtight/protocol';
import type { UpstreamStatus } from './upstream-status.ts';

export function systemFaults(upstream: UpstreamStatus): SystemFault[] {
  const faults: SystemFault[] = [];
  const add = (service: string, code: Code, detail: string, since: number | null): void => {
    const { zh, en } = CODES[code];
    faults.push({ service, code, title: { zh, en }, detail, since: since === null ? null : new Date(since).toISOString() });
  };
  const fault = upstream.ingest?.fault ?? null;
  if (!upstream.ingestReachable) add('ingest', 'SERVICE_UNAVAILABLE', 'ingest cannot be reached', null);
  else if (fault !== null) add('ingest', fault.code, fault.detail, fault.since);
  if (!upstream.ledgerReachable) add('ledger', 'SERVICE_UNAVAILABLE', 'the ledger cannot be reached', null);
  return faults;
}
