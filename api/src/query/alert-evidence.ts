/**
 * Evidence of an alert: the records that give it, with their proofs. How many readings that takes cannot be told from
 * outside the engine, so it is tried: readings from a little before the alert on, then more. What is handed out has been
 * replayed and gives the alert to the byte.
 */
import {
  ALERT_EVIDENCE_FORMAT,
  type AlertEvidence,
  type Contract,
  ENGINE_VERSION,
  needsOf,
  parseContract,
  type ReplayVerdict,
  replayAlert,
  type StatedPlace,
} from '@airtight/contracts-engine';
import {
  AirtightError,
  type AlertRaised,
  type AlertTransition,
  decodeRecord,
  isEffect,
  isExpiredBody,
  TICKS_DATASET,
} from '@airtight/protocol';
import { parseProofSet } from '@airtight/tlog';
import type { ControlState } from '../control/control-state.ts';
import { framesOf } from '../feed/frames.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { quoteText, wholeLiteral } from './literal.ts';
import { buildProofSet, PROOF_SET_ASKED_MAX, type ProofSetSource } from './proof-set.ts';

/** How much further back each attempt goes, in units of what the contract reads back; the last takes all. */
const REACHES = [1, 4, 16, Number.POSITIVE_INFINITY];
/** Bytes of journal that are looked through for ticks. */
const TICK_SCAN_MAX_BYTES = 64 * 1024 * 1024;
const FEED_BYTES = 1024 * 1024;
/** The last tick before a record is looked for so many positions back, then farther. */
const LOOK_BACK_FIRST = 512;
const LOOK_BACK_GROWTH = 16;
/** Ticks up to 30 s apart are as good as all of them, but for the one that decides. */
const TICKS_KEPT_EVERY = 3;

export interface EvidenceSource extends ProofSetSource {
  readonly store: Pick<Store, 'query'>;
  readonly ingest: ProofSetSource['ingest'] & Pick<IngestClient, 'feed'>;
  readonly control: ControlState;
}

interface Alert {
  readonly raise: AlertRaised;
  readonly transitions: readonly { readonly position: number; readonly transition: AlertTransition }[];
}

/**
 * @param id of the alert
 * @returns the text of the file
 * @throws AirtightError NOT_FOUND; EVIDENCE_NOT_REPLAYABLE; what buildProofSet throws
 */
export async function buildAlertEvidence(id: string, source: EvidenceSource): Promise<string> {
  const alert = await alertOf(id, source);
  const plan = planOf(alert, source.control);
  const places = placesFor(plan, source.control);
  let reason = '';
  for (const reach of REACHES) {
    const from = Number.isFinite(reach) ? alert.raise.since - Math.max(plan.reachMs, 1) * reach : 0;
    const positions = await positionsOf(alert, plan, from, source);
    if (positions.length > PROOF_SET_ASKED_MAX) {
      reason ||= `more than ${PROOF_SET_ASKED_MAX} records`;
      break;
    }
    const proofs = await buildProofSet(positions, source);
    const head = { engine: ENGINE_VERSION, alert: alert.raise.alert, places };
    const verdict = replayed(head, proofs);
    const [fault] = verdict.faults;
    if (fault === undefined) return formatEvidence(alert, head, from, verdict, proofs);
    reason = `${fault.code} ${fault.detail}`.slice(0, 500);
  }
  throw new AirtightError('EVIDENCE_NOT_REPLAYABLE', reason);
}

async function alertOf(id: string, { store }: EvidenceSource): Promise<Alert> {
  const rows = await store.query(`SELECT position, payload FROM ${DATABASE}.alerts WHERE alert = ${quoteText(id)} ORDER BY position`);
  const transitions = rows.map((row) => {
    const [position, payload] = row as unknown as [number, string];
    return { position, transition: JSON.parse(payload) as AlertTransition };
  });
  const raise = transitions[0]?.transition;
  if (raise?.type !== 'raise') throw new AirtightError('NOT_FOUND', `alert ${id}`);
  return { raise, transitions };
}

interface Plan {
  /** Positions of contract records. */
  readonly contracts: readonly number[];
  /** The alert's own contract, and those whose alerts decide about it. */
  readonly names: readonly string[];
  readonly datasets: readonly string[];
  /** null: readings of every producer of these datasets. */
  readonly producer: string | null;
  readonly reachMs: number;
  readonly ticks: boolean;
  /** Last position that is needed. */
  readonly end: number;
}

function planOf({ raise, transitions }: Alert, control: ControlState): Plan {
  const end = Math.max(...transitions.map(({ position, transition }) => causeOf(transition, position)));
  const own = control.contractRecords(raise.contract).filter(({ position }) => position <= end);
  const version = own.find(({ record }) => record.type === 'contract' && record.version === raise.version)?.record;
  const contract = version?.type === 'contract' ? parsed(version.text, control) : null;
  if (contract === null)
    throw new AirtightError('EVIDENCE_NOT_REPLAYABLE', `contract ${raise.contract} of version ${raise.version} cannot be read`);
  const names = [raise.contract, ...needsOf(contract).contracts];
  const records = names.flatMap((name) => control.contractRecords(name)).filter(({ position }) => position <= end);
  const scheduled = records.some(({ record }) => record.type === 'contract' && record.effectiveFrom !== undefined);
  const others = records.flatMap(({ record }) =>
    record.type === 'contract' && record.contract !== raise.contract ? (parsed(record.text, control) ?? []) : [],
  );
  const needs = [contract, ...others].map(needsOf);
  const timed = transitions.some(({ transition: { type } }) => ['escalate', 'shelf-end', 'suppress', 'unsuppress'].includes(type));
  const expired = transitions.some(({ transition }) => transition.type === 'clear' && transition.reason === 'expired');
  const hasTicks = needs.some(({ ticks }) => ticks) || scheduled || timed || expired || hasEscalation(contract, raise.rule);
  return {
    ...{ contracts: records.map(({ position }) => position), names, datasets: [...new Set(needs.flatMap(({ datasets }) => datasets))] },
    producer: isAboutOne(contract, raise.rule, others) ? raise.subject : null,
    ...{ reachMs: Math.max(...needs.map(({ warmUpMs }) => warmUpMs)), ticks: hasTicks, end },
  };
}

function parsed(text: string, control: ControlState): Contract | null {
  const outcome = parseContract(text, new Map(control.datasets.all().map((definition) => [definition.dataset, definition])));
  return outcome.ok ? outcome.contract : null;
}

/** Where its cause stands, for what names it; a person's act is its own cause. */
function causeOf(transition: AlertTransition, position: number): number {
  if (!isEffect(transition)) return position;
  return transition.evidence.length > 0 ? Math.max(...transition.evidence) : position - 1;
}

/** The readings of the subject alone decide about it, and about the alerts that explain it. */
function isAboutOne(contract: Contract, id: string, others: readonly Contract[]): boolean {
  const rule = contract.rules.find((candidate) => candidate.id === id);
  if (rule === undefined || !isJudgedAlone(rule) || rule.group !== null) return false;
  const sources = rule.inhibitedBy.flatMap((inhibition) => {
    const from = [contract, ...others].filter((one) => one.contract === inhibition.contract);
    return from.flatMap(({ rules }) => rules.filter((source) => source.id === inhibition.rule));
  });
  return rule.inhibitedBy.every(({ of }) => of === 'subject') && sources.every(isJudgedAlone);
}

function isJudgedAlone({ kind }: Contract['rules'][number]): boolean {
  return kind === 'series' || kind === 'no-data';
}

function hasEscalation({ rules }: Contract, id: string): boolean {
  return (rules.find((candidate) => candidate.id === id)?.escalation.length ?? 0) > 0;
}

async function positionsOf(alert: Alert, plan: Plan, from: number, source: EvidenceSource): Promise<number[]> {
  const { contracts, names, datasets, producer, end } = plan;
  const readings = await source.store.query(
    `SELECT DISTINCT position FROM ${DATABASE}.observations
     WHERE dataset IN (${datasets.map(quoteText).join(', ')}) ${producer === null ? '' : `AND producer = ${quoteText(producer)}`}
       AND phenomenonTime >= ${wholeLiteral(Math.floor(from))} AND position <= ${wholeLiteral(end)}
     ORDER BY position LIMIT ${wholeLiteral(PROOF_SET_ASKED_MAX + 1)}`,
  );
  const found = readings.map((row) => (row as unknown as [number])[0]);
  const acts = await source.store.query(
    `SELECT position FROM ${DATABASE}.alerts WHERE producer IN (${names.map(quoteText).join(', ')}) AND position <= ${wholeLiteral(end)}
       AND type IN ('acknowledge', 'shelve', 'unshelve', 'close', 'approve', 'out-of-service', 'return-to-service')
     ORDER BY position DESC LIMIT ${wholeLiteral(PROOF_SET_ASKED_MAX)}`,
  );
  const own = alert.transitions.map(({ position }) => position);
  const definitions = datasets.flatMap((dataset) => source.control.datasets.versionAt(dataset, end + 1)?.position ?? []);
  const ticks = plan.ticks ? await tickPositions(alert, found[0] ?? end, plan, source) : [];
  const flags = source.control.flags.positions(datasets, producer).filter((position) => position <= end);
  const all = new Set([
    ...contracts,
    ...definitions,
    ...flags,
    ...found,
    ...acts.map((row) => (row as unknown as [number])[0]),
    ...own,
    ...ticks,
  ]);
  return [...all].sort((a, b) => a - b);
}

/**
 * Ticks from the first reading on, and the last before it, by which a version whose time had come is in force: each that
 * an effect names, the last one, and of the others as many as make no gap.
 */
async function tickPositions({ transitions }: Alert, first: number, { end }: Plan, { ingest }: EvidenceSource): Promise<number[]> {
  const named = new Set(transitions.flatMap(({ transition }) => (isEffect(transition) ? transition.evidence : [])));
  const kept = (await ticksBetween(first, end + 1, ingest)).filter(
    (position, i, all) => i % TICKS_KEPT_EVERY === 0 || i === all.length - 1 || named.has(position),
  );
  for (let reach = LOOK_BACK_FIRST, before = first; before > 0; reach *= LOOK_BACK_GROWTH) {
    const from = Math.max(0, first - reach);
    const last = (await ticksBetween(from, before, ingest)).at(-1);
    if (last !== undefined) return [last, ...kept];
    before = from;
  }
  return kept;
}

/** Positions of ticks in [from, to). */
async function ticksBetween(from: number, to: number, ingest: EvidenceSource['ingest']): Promise<number[]> {
  const ticks: number[] = [];
  let scannedBytes = 0;
  for (let next = from; next < to; ) {
    const chunk = await ingest.feed({ from: next, waitMs: 0, maxBytes: FEED_BYTES });
    if (chunk.next === next) break;
    scannedBytes += chunk.bytes.length;
    if (scannedBytes > TICK_SCAN_MAX_BYTES)
      throw new AirtightError('EVIDENCE_NOT_REPLAYABLE', `its ticks are spread over more than ${TICK_SCAN_MAX_BYTES} bytes of journal`);
    for (const { position, body } of framesOf(chunk)) {
      if (position >= to || isExpiredBody(body)) continue;
      const record = decodeRecord(body.subarray(1));
      if (record.ok && record.value.header.dataset === TICKS_DATASET) ticks.push(position);
    }
    next = chunk.next;
  }
  return ticks;
}

/** Of the producers that count for a rule over several, and of those whose region a contract asks for. */
function placesFor({ producer, datasets }: Plan, control: ControlState): StatedPlace[] {
  const known = [...control.producers.values()].filter(
    (device) => !device.revoked && device.datasets.some((dataset) => datasets.includes(dataset)),
  );
  const concerned = producer === null ? known : known.filter((device) => device.producer === producer);
  return concerned.map((device) => ({
    ...{ producer: device.producer, agency: device.agency, datasets: device.datasets },
    ...(device.region === undefined ? {} : { region: device.region }),
    ...(device.location === undefined ? {} : { location: device.location }),
  }));
}

type Head = Pick<AlertEvidence, 'engine' | 'alert' | 'places'>;

function replayed(head: Head, proofs: string): ReplayVerdict {
  const set = parseProofSet(proofs);
  if (!set.ok) throw new AirtightError(set.code, set.detail);
  return replayAlert(
    head,
    set.value.batches.flatMap(({ records }) => records),
  );
}

function formatEvidence(
  { raise }: Alert,
  { engine, alert, places }: Head,
  readingsFrom: number,
  verdict: ReplayVerdict,
  proofs: string,
): string {
  const head: Omit<AlertEvidence, 'proofs'> = {
    ...{ format: ALERT_EVIDENCE_FORMAT, engine, alert },
    ...{ contract: raise.contract, rule: raise.rule, subject: raise.subject, readingsFrom, places },
    explanations: verdict.explanations,
  };
  return `${JSON.stringify(head).slice(0, -1)},"proofs":${proofs.trim()}}\n`;
}
