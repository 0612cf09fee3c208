/** Checks a proof bundle in this browser. Loaded when a reader first verifies something: it brings the cryptography. */
import {
  birthOf,
  type DecodedRecord,
  type ProofStep,
  readableRecord,
  type SparkplugBirth,
  sparkplugBirthIn,
  verifyProof,
} from '@airtight/protocol';
import { type AnchorVerdict, type Policy, PROOF_LIMITS, type ProofBundle, parseBundle, parsePolicy, verifyBundle } from '@airtight/tlog';
import { type ReadingContext, type ShownValue, valueInRecord } from './shown-value.ts';

/** Whose device it was is shown by its own signature. */
const LIMITS_OF_SIGNED = PROOF_LIMITS.filter(({ code }) => code !== 'NOT_IDENTITY_OF_DEVICE');

export type StepName = ProofStep['step'] | 'value';

export interface CheckedStep {
  readonly step: StepName;
  readonly ok: boolean;
  /** Stable code of a failure; the step `value` fails in one way only and needs none. */
  readonly code?: string;
  readonly detail: string;
  readonly hashes: readonly (readonly [name: string, hex: string])[];
}

export interface ProofLimitText {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

export interface CheckedProof {
  readonly ok: boolean;
  readonly steps: readonly CheckedStep[];
  readonly position: number;
  readonly record: DecodedRecord | null;
  readonly checkpoint: { readonly origin: string; readonly size: number } | null;
  /** The signed checkpoint that the proof stands under. */
  readonly note: string;
  /** Of a confidential record of which some fields are shown: those, as canonical JSON. */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  /** False: the policy asks for no witness, so that step passes without saying anything. */
  readonly witnessed: boolean;
  /** What a pass does not prove. */
  readonly limits: readonly ProofLimitText[];
  /** What others outside say; those that fail are steps. */
  readonly anchors: readonly AnchorVerdict[];
}

export interface ShownInContext {
  readonly value: ShownValue;
  readonly definitionOf?: ReadingContext['definitionOf'];
  /** The bundle of the Sparkplug birth that the record refers to: without it the value has no name. */
  readonly birthText?: string | undefined;
}

export type ProofCheck =
  | { readonly ok: true; readonly value: CheckedProof }
  /** The bundle or the policy cannot be read at all. */
  | { readonly ok: false; readonly what: 'bundle' | 'policy'; readonly code: string; readonly detail: string };

/**
 * @param bundleText an `*.airtight-proof.json`
 * @param policyText c2sp.org/tlog-policy
 * @param shown a value on the screen that the record must hold, and what it takes to find it there
 */
export function checkProof(bundleText: string, policyText: string, shown?: ShownInContext): ProofCheck {
  const bundle = parseBundle(bundleText);
  if (!bundle.ok) return { ok: false, what: 'bundle', code: bundle.code, detail: bundle.detail };
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const verdict = verifyProof(bundle.value, policy.value);
  const steps = verdict.steps.map(toStep);
  if (shown !== undefined) {
    const birth = provenBirth(bundle.value, policy.value, shown.birthText);
    steps.unshift(valueStep(bundle.value, shown.value, { birth, definitionOf: shown.definitionOf }));
  }
  const record = readableRecord(bundle.value.record, bundle.value.disclosure);
  return {
    ok: true,
    value: {
      ok: steps.every((step) => step.ok),
      steps,
      position: bundle.value.position,
      record: record.ok ? record.value : null,
      checkpoint: verdict.checkpoint ? { origin: verdict.checkpoint.origin, size: verdict.checkpoint.size } : null,
      note: bundle.value.checkpoint,
      fields: record.ok ? [] : (bundle.value.disclosure?.fields.map(({ name, value }) => ({ name, value })) ?? []),
      witnessed: policy.value.quorum !== null,
      anchors: verdict.anchors,
      limits: steps.some(({ step, ok }) => step === 'signature' && ok) ? LIMITS_OF_SIGNED : PROOF_LIMITS,
    },
  };
}

function toStep({ step, ok, code, detail, hashes }: ProofStep): CheckedStep {
  const named = Object.entries(hashes).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { step, ok, detail, hashes: named, ...(code === undefined ? {} : { code }) };
}

/** Position of the birth record whose bundle is needed to name the record's values. */
export function birthNeeded(bundleText: string): number | undefined {
  const bundle = parseBundle(bundleText);
  return bundle.ok ? birthOf(bundle.value.record) : undefined;
}

/** The birth counts when it is proven as the record is. */
function provenBirth({ record }: ProofBundle, policy: Policy, birthText: string | undefined): SparkplugBirth | undefined {
  const bundle = birthText === undefined ? undefined : parseBundle(birthText);
  if (bundle === undefined || !bundle.ok || bundle.value.position !== birthOf(record)) return undefined;
  const isProven = verifyBundle(bundle.value, policy).steps.every(({ ok }) => ok);
  return isProven ? sparkplugBirthIn(bundle.value.record, bundle.value.position) : undefined;
}

function valueStep(bundle: ProofBundle, shown: ShownValue, context: ReadingContext): CheckedStep {
  const found = valueInRecord(bundle, shown, context);
  const ok = found !== undefined && Object.is(found, shown.result);
  const detail = `${shown.observedProperty} = ${String(found ?? '–')}`;
  return { step: 'value', ok, detail, hashes: [] };
}
