/**
 * Evidence of an alert: the records that give it, with their proofs. Which those are follows from its rule and from the
 * alerts it depends on; how far back cannot be told from outside the engine, so it is tried: readings from a little before
 * the alert on, then more. What is handed out has been replayed and gives the alert to the byte.
 */
import {
  ALERT_EVIDENCE_FORMAT,
  type AlertEvidence,
  ENGINE_VERSION,
  type EvidenceRecord,
  inputsDigest,
  placesOf,
  type ReplayVerdict,
  replayAlert,
  type StatedPlace,
} from '@airtight/contracts-engine';
import { AirtightError, isRegionAnswer } from '@airtight/protocol';
import { parseProofSet } from '@airtight/tlog';
import { recordedOutcomes } from '../channels/alert-deliveries.ts';
import type { ControlState } from '../control/control-state.ts';
import type { Store } from '../project/store.ts';
import { regionRecordsOf } from '../regions/alert-answers.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { anchoredPositions } from './anchored-positions.ts';
import { type EvidenceAlert, evidenceAlerts } from './evidence-alerts.ts';
import { type Attempt, type EvidenceInputs, evidenceInputs } from './evidence-inputs.ts';
import { buildProofSet, PROOF_SET_ASKED_MAX, type ProofSetSource } from './proof-set.ts';

/** From what should do to all there is; the first that gives the alert is handed out. */
const ATTEMPTS: readonly Attempt[] = [
  { reach: 1, others: false, everyone: false },
  { reach: 4, others: true, everyone: false },
  { reach: 16, others: true, everyone: false },
  { reach: 16, others: true, everyone: true },
  { reach: Number.POSITIVE_INFINITY, others: true, everyone: true },
];

export interface EvidenceSource extends ProofSetSource {
  readonly store: Pick<Store, 'query'>;
  readonly ingest: ProofSetSource['ingest'] & Pick<IngestClient, 'status'>;
  readonly control: ControlState;
}

/**
 * @param id of the alert
 * @returns the text of the file
 * @throws AirtightError NOT_FOUND; EVIDENCE_TOO_LARGE; EVIDENCE_NOT_REPLAYABLE; what buildProofSet throws
 */
export async function buildAlertEvidence(id: string, source: EvidenceSource): Promise<string> {
  const alerts = await evidenceAlerts(id, { ...source, places: placesOf(source.control.producers.values()) });
  const places = placesFor(alerts, source.control);
  const told = await toldPositions(alerts, source);
  let reason = '';
  let tried = '';
  for (const attempt of ATTEMPTS) {
    const inputs = await evidenceInputs(alerts, attempt, source);
    if (inputs.positions.length + told.length > PROOF_SET_ASKED_MAX) {
      if (reason === '') throw new AirtightError('EVIDENCE_TOO_LARGE', `it would take more than ${PROOF_SET_ASKED_MAX} records`);
      break;
    }
    if (tried === inputs.positions.join()) continue;
    tried = inputs.positions.join();
    const made = await makeOf(id, places, ascending(inputs.positions, told), source);
    const [fault] = made.verdict.faults;
    if (fault === undefined) return formatEvidence(alerts, places, inputs, made);
    const shorter = await withoutTheRest(id, places, alerts, { positions: inputs.positions, told }, made.verdict, source);
    if (shorter?.verdict.faults.length === 0) return formatEvidence(alerts, places, inputs, shorter);
    reason = `${fault.code} ${fault.detail}`.slice(0, 500);
  }
  throw new AirtightError('EVIDENCE_NOT_REPLAYABLE', reason);
}

interface Made {
  readonly verdict: ReplayVerdict;
  readonly records: readonly EvidenceRecord[];
  /** Text of the proof set. */
  readonly proofs: string;
}

async function makeOf(alert: string, places: readonly StatedPlace[], positions: readonly number[], source: EvidenceSource): Promise<Made> {
  const proofs = await buildProofSet(positions, source);
  const set = parseProofSet(proofs);
  if (!set.ok) throw new AirtightError(set.code, set.detail);
  const records = set.value.batches.flatMap((batch) => batch.records);
  return { verdict: replayAlert({ alert, places }, records), records, proofs };
}

/** One record may tell of several deliveries, and be told before the last transition. */
function ascending(...positions: readonly (readonly number[])[]): number[] {
  return [...new Set(positions.flat())].sort((a, b) => a - b);
}

/** What came between the last cause and its record belongs to transitions that are not on record yet. */
async function withoutTheRest(
  id: string,
  places: readonly StatedPlace[],
  [target]: readonly EvidenceAlert[],
  { positions, told }: { readonly positions: readonly number[]; readonly told: readonly number[] },
  { through }: ReplayVerdict,
  source: EvidenceSource,
): Promise<Made | undefined> {
  const own = new Set(target?.transitions.map(({ position }) => position));
  const kept = positions.filter((position) => position <= through || own.has(position));
  return kept.length === positions.length ? undefined : makeOf(id, places, ascending(kept, told), source);
}

/** Of the deliveries so far, and of what other regions answered, those that can be proven already: the newest may be a second from the ledger. */
async function toldPositions([target]: readonly EvidenceAlert[], { store, ingest }: EvidenceSource): Promise<number[]> {
  if (target === undefined) return [];
  const raisedAt = target.transitions[0]?.position ?? 0;
  const outcomes = await recordedOutcomes(target.raise.alert, raisedAt, store);
  const answers = (await regionRecordsOf(target.raise.alert, raisedAt, store)).filter(({ record }) => isRegionAnswer(record));
  const positions = [...outcomes, ...answers].map(({ position }) => position);
  return anchoredPositions(positions, ingest);
}

/** Of the producers that count; for a rule over stations of all in its datasets, because each may move its time. */
function placesFor(alerts: readonly EvidenceAlert[], { producers }: ControlState): StatedPlace[] {
  const wide = new Set(alerts.flatMap(({ needs }) => (needs?.grid == null ? [] : needs.datasets)));
  const named = new Set(alerts.flatMap(({ needs }) => needs?.producers ?? []));
  const concerned = [...producers.values()].filter(
    ({ producer, datasets, revoked }) => named.has(producer) || (!revoked && datasets.some((dataset) => wide.has(dataset))),
  );
  return concerned.map(({ producer, agency, datasets, region, location }) => ({
    ...{ producer, agency, datasets },
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
  }));
}

function formatEvidence(
  [target]: readonly EvidenceAlert[],
  places: readonly StatedPlace[],
  { from }: EvidenceInputs,
  { verdict, records, proofs }: Made,
): string {
  const { alert, contract, rule, subject } = (target as EvidenceAlert).raise;
  const head: Omit<AlertEvidence, 'proofs'> = {
    ...{ format: ALERT_EVIDENCE_FORMAT, engine: ENGINE_VERSION, alert },
    ...{ contract, rule, subject, inputs: inputsDigest(records), readingsFrom: from, places },
    explanations: verdict.explanations,
  };
  return `${JSON.stringify(head).slice(0, -1)},"proofs":${proofs.trim()}}\n`;
}
