/** The file `*.airtight-alert.json`: everything it takes to come to an alert again without asking anybody. */
import { type Bilingual, type Outcome, refuse } from '@airtight/protocol';
import type { Explanation } from './explain.ts';
import type { InputsDigest } from './inputs-digest.ts';

export const ALERT_EVIDENCE_FORMAT = 'airtight-alert@1';
/** A set of 20,000 records and its explanations. */
export const ALERT_EVIDENCE_MAX_CHARACTERS = 110_000_000;
const PLACES_MAX = 20_000;

/** Where a producer stands, as the platform says: its own record may hold hashes of secrets, so it is not proven here. */
export interface StatedPlace {
  readonly producer: string;
  readonly agency: string;
  readonly datasets: readonly string[];
  readonly region?: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
}

export interface AlertEvidence {
  readonly format: typeof ALERT_EVIDENCE_FORMAT;
  /** The engine that raised it. */
  readonly engine: string;
  readonly alert: string;
  readonly contract: string;
  readonly rule: string;
  readonly subject: string;
  /** Which records it was made of. */
  readonly inputs: InputsDigest;
  /** Readings from this event time on are there, epoch ms. */
  readonly readingsFrom: number;
  readonly places: readonly StatedPlace[];
  readonly explanations: readonly Explanation[];
  /** The `airtight-proof-set@1`: readings, contract, definitions, ticks, transitions, deliveries, answers of other regions, all as records. */
  readonly proofs: object;
}

/** True for a text that says it is of this format. */
export function isAlertEvidence(text: string): boolean {
  return /"format"\s*:\s*"airtight-alert@/.test(text.slice(0, 200));
}

/** @returns BUNDLE_MALFORMED for anything else than the format; the proofs are read by tlog */
export function parseAlertEvidence(text: string): Outcome<AlertEvidence> {
  if (text.length > ALERT_EVIDENCE_MAX_CHARACTERS)
    return refuse('BUNDLE_MALFORMED', `longer than ${ALERT_EVIDENCE_MAX_CHARACTERS} characters`);
  let json: Partial<AlertEvidence> | null;
  try {
    json = JSON.parse(text) as Partial<AlertEvidence> | null;
  } catch {
    return refuse('BUNDLE_MALFORMED', 'not JSON');
  }
  if (json === null || typeof json !== 'object' || json.format !== ALERT_EVIDENCE_FORMAT)
    return refuse('BUNDLE_MALFORMED', `not ${ALERT_EVIDENCE_FORMAT}`);
  for (const name of ['engine', 'alert', 'contract', 'rule', 'subject'] as const)
    if (typeof json[name] !== 'string') return refuse('BUNDLE_MALFORMED', `${name} is not a text`);
  if (typeof json.inputs?.records !== 'number' || typeof json.inputs.sha256 !== 'string')
    return refuse('BUNDLE_MALFORMED', 'inputs is not a count and a hash');
  if (typeof json.readingsFrom !== 'number') return refuse('BUNDLE_MALFORMED', 'readingsFrom is not a number');
  if (!Array.isArray(json.places) || json.places.length > PLACES_MAX || !json.places.every(isPlace))
    return refuse('BUNDLE_MALFORMED', 'places is not a list of places');
  if (!Array.isArray(json.explanations)) return refuse('BUNDLE_MALFORMED', 'explanations is not a list');
  if (json.proofs === null || typeof json.proofs !== 'object') return refuse('BUNDLE_MALFORMED', 'proofs is not an object');
  return { ok: true, value: json as AlertEvidence };
}

function isPlace(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const { producer, agency, datasets, region, location } = value as { [name: string]: unknown };
  if (typeof producer !== 'string' || typeof agency !== 'string' || !Array.isArray(datasets)) return false;
  const isBilingual = (text: unknown) =>
    typeof (text as Bilingual | null)?.zh === 'string' && typeof (text as Bilingual | null)?.en === 'string';
  const isPoint = (point: unknown) =>
    typeof (point as { lat?: unknown } | null)?.lat === 'number' && typeof (point as { lon?: unknown } | null)?.lon === 'number';
  return (region === undefined || isBilingual(region)) && (location === undefined || isPoint(location));
}
