/** State of the deployment, health, metrics. */
import { SystemStatus } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';
import { joinMetrics } from '../metrics.ts';
import { systemFaults } from '../upstream/system-faults.ts';
import type { RouteContext } from './context.ts';

/** Records the store may be behind before this service counts as not ready: some 3 s at full load. */
const LAG_MAX_RECORDS = 100_000;

export function statusRoute(app: FastifyInstance, context: RouteContext): void {
  const { upstream, fold, projector, control, latest, alerts, config } = context;
  app.get('/status', { config: { access: 'viewer' }, schema: { response: { 200: SystemStatus } } }, async (): Promise<SystemStatus> => {
    const now = Date.now();
    const counters = upstream.ingest?.counters ?? {};
    const producers = [...control.producers.values()];
    return {
      now: new Date(now).toISOString(),
      timeZone: config.timeZone,
      simulated: producers.some(({ simulated }) => simulated),
      head: Math.max(fold.head, upstream.ingest?.head ?? 0),
      projected: projector.through,
      ledger: upstream.ledger(),
      counts: {
        producers: producers.length,
        reporting: latest.countReporting(now),
        openAlerts: alerts.openCount,
        quarantined: counters['quarantined'] ?? 0,
        duplicates: counters['duplicates'] ?? 0,
      },
      faults: systemFaults(upstream, alerts),
    };
  });
}

export function healthRoutes(app: FastifyInstance, context: RouteContext, metrics: Metrics): void {
  const config = { access: 'anyone' } as const;
  const schema = { hide: true } as const;
  app.get('/livez', { config, schema }, async () => ({ live: true }));
  app.get('/readyz', { config, schema }, async (_request, reply) => {
    const reasons = await unreadyReasons(context);
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons, lagRecords: lagOf(context) });
  });
  app.get('/metrics', { config, schema }, async (_request, reply) => {
    const others = await Promise.all([context.ingest.metrics().catch(() => ''), context.ledger.metrics().catch(() => '')]);
    reply.type('application/openmetrics-text; version=1.0.0; charset=utf-8');
    return joinMetrics([await metrics.text(), ...others]);
  });
}

function lagOf({ fold, upstream, projector }: RouteContext): number {
  return Math.max(0, Math.max(fold.head, upstream.ingest?.head ?? 0) - projector.through);
}

async function unreadyReasons(context: RouteContext): Promise<string[]> {
  const { upstream, store, feedFault } = context;
  const reasons: string[] = [];
  if (!upstream.ingestReachable) reasons.push('ingest cannot be reached');
  const storage = upstream.ingest?.fault ?? null;
  if (storage !== null) reasons.push(`ingest takes nothing: ${storage.code}: ${storage.detail}`);
  if (!upstream.ledgerReachable) reasons.push('the ledger cannot be reached');
  if (!upstream.ledgerKeyTrusted) reasons.push('the ledger answers with another verifier key than the trusted one');
  const fault = feedFault();
  if (fault !== undefined) reasons.push(`the feed is interrupted: ${fault}`);
  const lag = lagOf(context);
  if (lag > LAG_MAX_RECORDS) reasons.push(`the store is ${lag} records behind`);
  const storeFault = await store.query('SELECT 1').then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (storeFault !== undefined) reasons.push(`the store does not answer: ${storeFault.slice(0, 200)}`);
  return reasons;
}
