/** This service's metrics, and one page of all services' metrics. */
import type { EngineCounters } from '@airtight/contracts-engine';
import { collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import type { RouteContext } from './routes/context.ts';

export interface Metrics {
  text(): Promise<string>;
}

const PREFIX = 'airtight_api_';
/** Since the journal's beginning: they are part of the contracts' state. */
const CONTRACT_COUNTERS: readonly (readonly [keyof EngineCounters, string])[] = [
  ['late', 'Readings later than the lateness of a rule: they changed nothing for it.'],
  ['uncomputable', 'Instants at which the expression of a rule could not be computed.'],
  ['refused', 'Contract records that were not taken.'],
  ['mismatches', 'Recorded alerts that differ from what the journal makes the contracts cause.'],
  ['corrected', 'Outcomes that late or revised readings changed.'],
  ['cut', 'Readings forgotten for want of room that a window might still have read.'],
];

export function createMetrics({ fold, projector, contracts, stream, alerts, receiver }: RouteContext): Metrics {
  const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge('journal_head', 'Committed end of the journal as last heard.', () => fold.head);
  gauge('folded_position', 'All records below are folded into memory.', () => fold.next);
  gauge('projected_position', 'All records below are in the store.', () => projector.through);
  gauge('folded_records', 'Records folded since the start.', () => fold.counters.records);
  gauge('folded_observations', 'Observations folded since the start.', () => fold.counters.observations);
  gauge('expired_records', 'Records since the start whose payload had been removed by a retention policy.', () => fold.counters.expired);
  gauge('opaque_records', 'Records since the start whose content this version cannot read.', () => fold.counters.opaque);
  gauge('stream_clients', 'Clients of the live stream.', () => stream.clients);
  gauge('open_alerts', 'Alerts that are not over.', () => alerts.openCount);
  for (const [name, help] of CONTRACT_COUNTERS) gauge(`contracts_${name}`, help, () => contracts.counters[name]);
  new Gauge({
    name: `${PREFIX}region_refusals`,
    help: 'Messages of other regions that were refused since the start, by code.',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      for (const [code, count] of receiver.refusals) this.set({ code }, count);
    },
  });
  return { text: () => registry.metrics() };
}

/** Several exposition texts as one: each ends with `# EOF`, which may stand once, at the end. */
export function joinMetrics(texts: readonly string[]): string {
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '' && line !== '# EOF');
  return `${lines.join('\n')}\n# EOF\n`;
}
