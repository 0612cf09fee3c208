/** Which records an alert's evidence holds: readings that its rules see, what people said of them and did, contracts, definitions, ticks. */
import { needsOf } from '@airtight/contracts-engine';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import type { EvidenceAlert } from './evidence-alerts.ts';
import { evidenceTicks } from './evidence-ticks.ts';
import { quoteText, wholeLiteral } from './literal.ts';
import { PROOF_SET_ASKED_MAX } from './proof-set.ts';

/** How much of the past an attempt takes. */
export interface Attempt {
  /** In units of what each rule reads back; infinite: all. */
  readonly reach: number;
  /** Other contracts on the same datasets too: what they made the engine keep, a window of a newer contract may see. */
  readonly others: boolean;
  /** Readings of all producers. */
  readonly everyone: boolean;
}

export interface EvidenceInputs {
  /** Ascending. */
  readonly positions: readonly number[];
  /** Event time from which on readings are there. */
  readonly from: number;
}

interface InputsSource {
  readonly store: Pick<Store, 'query'>;
  readonly control: ControlState;
}

/** One question to the table of observations. */
interface Stretch {
  readonly datasets: readonly string[];
  readonly producers: Set<string> | null;
  from: number;
  /** Readings of other producers by which event time went on are wanted too. */
  clock: boolean;
}

/** @throws AirtightError EVIDENCE_TOO_LARGE */
export async function evidenceInputs(alerts: readonly EvidenceAlert[], attempt: Attempt, source: InputsSource): Promise<EvidenceInputs> {
  const [target] = alerts as readonly [EvidenceAlert, ...EvidenceAlert[]];
  const own = target.transitions.map(({ position }) => position);
  const end = Math.max(...own);
  const stretches = stretchesOf(alerts, attempt);
  const from = Math.min(target.raise.since, ...stretches.map((stretch) => stretch.from));
  const readings = new Set<number>();
  for (const stretch of stretches) for (const position of await readingsOf(stretch, end, source.store)) readings.add(position);
  const firstPosition = Math.min(end, ...readings);
  const contracts = contractsOf(alerts, attempt, source.control).filter(({ position }) => position <= end);
  const effective = contracts.flatMap(({ position, record }) =>
    record.type === 'contract' && record.effectiveFrom !== undefined ? [[position, record.effectiveFrom] as const] : [],
  );
  const ticks = await evidenceTicks(alerts, { from, firstPosition, end, effective }, source.store);
  const acts = await actsOf(alerts, firstPosition, end, source.store);
  const words = stretches.flatMap(({ datasets, producers }) =>
    producers === null
      ? source.control.flags.positions(datasets, null)
      : [...producers].flatMap((producer) => source.control.flags.positions(datasets, producer)),
  );
  const beside = [
    ...words.filter((position) => position <= end),
    ...contracts.map(({ position }) => position),
    ...definitionsOf(alerts, end, source.control),
  ];
  const positions = [...new Set([...readings, ...ticks, ...acts, ...beside, ...own])].sort((a, b) => a - b);
  return { positions, from };
}

function stretchesOf(alerts: readonly EvidenceAlert[], { reach, everyone }: Attempt): Stretch[] {
  const stretches = new Map<string, Stretch>();
  for (const { raise, needs } of alerts) {
    if (needs === null || needs.kind === 'alerts') continue;
    const producers = everyone ? null : needs.producers;
    const from = Number.isFinite(reach) ? Math.max(0, raise.since - Math.max(needs.reachMs, 1) * reach) : 0;
    const key = JSON.stringify([needs.datasets, producers === null]);
    const known = stretches.get(key) ?? { datasets: needs.datasets, producers: producers === null ? null : new Set(), from, clock: false };
    stretches.set(key, known);
    for (const producer of producers ?? []) known.producers?.add(producer);
    known.from = Math.min(known.from, from);
    known.clock ||= needs.grid !== null && producers !== null;
  }
  return [...stretches.values()];
}

async function readingsOf({ datasets, producers, from, clock }: Stretch, end: number, store: Pick<Store, 'query'>): Promise<number[]> {
  const where = `dataset IN (${datasets.map(quoteText).join(', ')}) AND phenomenonTime >= ${wholeLiteral(Math.floor(from))} AND position <= ${wholeLiteral(end)}`;
  const limit = `LIMIT ${wholeLiteral(PROOF_SET_ASKED_MAX + 1)}`;
  const whose = producers === null ? '' : `AND producer IN (${[...producers].map(quoteText).join(', ') || "''"})`;
  const seen = await store.query(
    `SELECT DISTINCT position FROM ${DATABASE}.observations WHERE ${where} ${whose} ORDER BY position ${limit}`,
  );
  // Each reading that is newer than all before it moves the watermark of a rule over stations, whosever it is.
  const newer = clock
    ? await store.query(
        `SELECT position FROM (
           SELECT position, newest, max(newest) OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
           FROM (SELECT position, max(phenomenonTime) AS newest FROM ${DATABASE}.observations
                 WHERE ${where} AND position(flags, 'future') = 0 GROUP BY position)
         ) WHERE newest > before ORDER BY position ${limit}`,
      )
    : [];
  return [...seen, ...newer].map((row) => (row as unknown as [number])[0]);
}

function contractsOf(alerts: readonly EvidenceAlert[], { others }: Attempt, control: ControlState) {
  const names = new Set(alerts.map(({ raise }) => raise.contract));
  if (others) for (const name of control.contractHistory.names()) names.add(name);
  return [...names].flatMap((name) => control.contractRecords(name));
}

/** Definitions without which the contracts would wait: as they stood at each version, and last. */
function definitionsOf(alerts: readonly EvidenceAlert[], end: number, { datasets, contractHistory }: ControlState): number[] {
  return alerts.flatMap(({ raise, contract }) => {
    const times = [...contractHistory.of(raise.contract).map(({ position }) => position), end + 1].filter((at) => at <= end + 1);
    return needsOf(contract).datasets.flatMap((dataset) => times.flatMap((at) => datasets.versionAt(dataset, at)?.position ?? []));
  });
}

/** What people did about these alerts and others of the same subjects, and about the service of the rules. */
async function actsOf(alerts: readonly EvidenceAlert[], from: number, end: number, store: Pick<Store, 'query'>): Promise<number[]> {
  const subjects = new Set(
    alerts.map(({ raise: { contract, rule, subject } }) => `(${[contract, rule, subject].map(quoteText).join(', ')})`),
  );
  const contracts = new Set(alerts.map(({ raise }) => quoteText(raise.contract)));
  const rows = await store.query(
    `SELECT position FROM ${DATABASE}.alerts WHERE position <= ${wholeLiteral(end)} AND (
       (type IN ('out-of-service', 'return-to-service') AND producer IN (${[...contracts].join(', ')}))
       OR (type IN ('acknowledge', 'shelve', 'unshelve', 'close', 'approve') AND position >= ${wholeLiteral(from)} AND alert IN (
         SELECT alert FROM ${DATABASE}.alerts WHERE type = 'raise'
           AND (producer, JSONExtractString(payload, 'rule'), JSONExtractString(payload, 'subject')) IN (${[...subjects].join(', ')}))))
     ORDER BY position LIMIT ${wholeLiteral(PROOF_SET_ASKED_MAX + 1)}`,
  );
  return rows.map((row) => (row as unknown as [number])[0]);
}
