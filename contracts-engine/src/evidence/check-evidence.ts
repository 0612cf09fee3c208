/**
 * Evidence of an alert, checked step by step: its records are proven, they are those it was made of, this is
 * the engine, the contract is the one of that version, from the records follows the alert, and what the file tells beside
 * them follows too; what other regions answered is signed by them. The same in the command, on the page and in the file that carries its own verifier.
 */
import { type Code, isEffect, type ProofsVerdict } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { ENGINE_VERSION } from '../contract.ts';
import { contractVersion } from '../contract-version.ts';
import type { AlertEvidence } from './alert-evidence.ts';
import { inputsDigest } from './inputs-digest.ts';
import { type ReplayVerdict, replayAlert } from './replay-alert.ts';

/** In the order in which they are told. */
export const EVIDENCE_STEPS = ['records', 'inputs', 'engine', 'contract', 'replay', 'explanations', 'answers'] as const;
export type EvidenceStepName = (typeof EVIDENCE_STEPS)[number];

export interface EvidenceFault {
  readonly step: EvidenceStepName;
  readonly code: Code;
  /** Of the record concerned; null: of the file. */
  readonly position: number | null;
  readonly detail: string;
}

export interface EvidenceVerdict {
  readonly ok: boolean;
  /** In the order of the steps. */
  readonly faults: readonly EvidenceFault[];
  readonly replay: ReplayVerdict;
}

/** @param proofs what the verifier's policy makes of the file's proof set */
export function checkAlertEvidence(evidence: AlertEvidence, proofs: ProofsVerdict): EvidenceVerdict {
  const replay = replayAlert(evidence, proofs.records);
  const faults: readonly EvidenceFault[] = [
    ...recordFaults(proofs),
    ...inputFaults(evidence, proofs),
    ...engineFaults(evidence),
    ...contractFaults(evidence, replay),
    ...replay.faults.map((fault) => ({ step: 'replay' as const, ...fault })),
    ...toldFaults(evidence, replay),
    ...replay.answers.flatMap(({ position, fault }) => (fault === null ? [] : [{ step: 'answers' as const, position, ...fault }])),
  ];
  return { ok: proofs.ok && faults.length === 0, faults, replay };
}

function recordFaults({ shared, records }: ProofsVerdict): EvidenceFault[] {
  const ofAll = shared.flatMap(({ step, code, detail }) =>
    code === undefined ? [] : [{ step: 'records' as const, code, position: null, detail: `${step}: ${detail}` }],
  );
  const ofOne = records.flatMap(({ position, faults }) =>
    faults.map(({ step, code, detail }) => ({ step: 'records' as const, code, position, detail: `${step}: ${detail}` })),
  );
  return [...ofAll, ...ofOne];
}

function inputFaults({ inputs }: AlertEvidence, { records }: ProofsVerdict): EvidenceFault[] {
  const { records: count, sha256 } = inputsDigest(records);
  if (count === inputs.records && sha256 === inputs.sha256) return [];
  const detail = `made of ${inputs.records} records, ${inputs.sha256}; there are ${count}, ${sha256}`;
  return [{ step: 'inputs', code: 'EVIDENCE_INPUTS_DIFFER', position: null, detail }];
}

function engineFaults({ engine }: AlertEvidence): EvidenceFault[] {
  if (engine === ENGINE_VERSION) return [];
  return [{ step: 'engine', code: 'ENGINE_DIFFERS', position: null, detail: `raised by ${engine}, this is ${ENGINE_VERSION}` }];
}

/** The text on record must be that of the version under which the alert was raised. */
function contractFaults({ contract: named, rule, subject }: AlertEvidence, { transitions, contract }: ReplayVerdict): EvidenceFault[] {
  const raised = transitions.find(({ transition }) => transition.type === 'raise');
  if (raised?.transition.type !== 'raise') return [];
  const { position, transition } = raised;
  const faults: EvidenceFault[] = [];
  for (const [name, told, recorded] of [
    ['contract', named, transition.contract],
    ['rule', rule, transition.rule],
    ['subject', subject, transition.subject],
  ] as const)
    if (told !== recorded)
      faults.push({
        step: 'contract',
        code: 'ALERTS_MISMATCH',
        position,
        detail: `${name}: the file says ${told}, the record ${recorded}`,
      });
  const detail = `version ${transition.version}`;
  if (contract === null)
    return [...faults, { step: 'contract', code: 'CONTRACT_INVALID', position: null, detail: `${detail} is not there` }];
  const computed = versionOf(contract.record.text);
  if (computed !== transition.version)
    faults.push({
      step: 'contract',
      code: 'CONTRACT_INVALID',
      position: contract.position,
      detail: `${detail}, but the text has ${computed}`,
    });
  return faults;
}

function versionOf(text: string): string {
  try {
    return contractVersion(text);
  } catch {
    return 'none: it cannot be read';
  }
}

function toldFaults({ explanations }: AlertEvidence, { explanations: made, transitions }: ReplayVerdict): EvidenceFault[] {
  if (!transitions.some(({ transition }) => isEffect(transition)) || canonicalJson(explanations) === canonicalJson(made)) return [];
  const detail = 'the file says other values than the expressions give';
  return [{ step: 'explanations', code: 'ALERTS_MISMATCH', position: null, detail }];
}
