/** Evidence of an alert, checked and laid out for reading. Pure: the same on the page and in a file that is opened from disk. */
import {
  type AlertEvidence,
  checkAlertEvidence,
  type EvidenceVerdict,
  type Explanation,
  parseAlertEvidence,
} from '@airtight/contracts-engine';
import {
  ALERTS_DATASET,
  type AlertTransition,
  type CheckedRecord,
  CONTROL_PREFIX,
  decodeRecord,
  isEffect,
  TICKS_DATASET,
  verifyProofs,
} from '@airtight/protocol';
import { type AnchorVerdict, parsePolicy, parseProofSet } from '@airtight/tlog';

/** A record among the inputs, as a reader sees it. */
export interface InputLine {
  readonly position: number;
  readonly kind: 'reading' | 'tick' | 'transition' | 'control';
  readonly dataset: string;
  readonly producer: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** The payload, cut off where it is long. */
  readonly text: string;
  /** None: it is proven. */
  readonly fault: CheckedRecord['faults'][number] | undefined;
}

export interface TransitionLine {
  readonly position: number;
  readonly transition: AlertTransition;
  /** Of what a condition decided. */
  readonly explanation: Explanation | undefined;
}

export interface AlertView {
  readonly evidence: AlertEvidence;
  readonly verdict: EvidenceVerdict;
  readonly transitions: readonly TransitionLine[];
  readonly inputs: readonly InputLine[];
  readonly proven: number;
  readonly checkpoint: { readonly origin: string; readonly size: number } | undefined;
  /** The signed checkpoint that the proofs stand under. */
  readonly note: string;
  readonly anchors: readonly AnchorVerdict[];
}

export type AlertCheck =
  | { readonly ok: true; readonly value: AlertView }
  | { readonly ok: false; readonly what: 'bundle' | 'policy'; readonly code: string; readonly detail: string };

const SHOWN_MAX_LENGTH = 300;
const utf8 = new TextDecoder();

/** @param text of an `*.airtight-alert.json` @param policyText c2sp.org/tlog-policy */
export function checkAlertFile(text: string, policyText: string): AlertCheck {
  const evidence = parseAlertEvidence(text);
  if (!evidence.ok) return { ok: false, what: 'bundle', code: evidence.code, detail: evidence.detail };
  const set = parseProofSet(JSON.stringify(evidence.value.proofs));
  if (!set.ok) return { ok: false, what: 'bundle', code: set.code, detail: set.detail };
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const proofs = verifyProofs(set.value, policy.value);
  const verdict = checkAlertEvidence(evidence.value, proofs);
  const { transitions, explanations } = verdict.replay;
  const value: AlertView = {
    ...{ evidence: evidence.value, verdict },
    transitions: transitions.map(({ position, transition }) => {
      const explanation = isEffect(transition) ? explanations.find(({ n }) => n === transition.n) : undefined;
      return { position, transition, explanation };
    }),
    inputs: [...proofs.records].sort((a, b) => a.position - b.position).map(lineOf),
    proven: proofs.records.filter(({ faults }) => faults.length === 0).length,
    ...{ checkpoint: proofs.checkpoint, note: set.value.checkpoint, anchors: proofs.anchors },
  };
  return { ok: true, value };
}

function lineOf({ position, record, faults: [fault] }: CheckedRecord): InputLine {
  const decoded = decodeRecord(record);
  if (!decoded.ok) return { position, kind: 'control', dataset: '', producer: '', receivedAt: Number.NaN, text: decoded.detail, fault };
  const { header, payload } = decoded.value;
  const { dataset, producer, receivedAt } = header;
  const text = utf8.decode(payload.subarray(0, SHOWN_MAX_LENGTH));
  return {
    position,
    kind: kindOf(dataset),
    dataset,
    producer,
    receivedAt,
    text: payload.length > SHOWN_MAX_LENGTH ? `${text} …` : text,
    fault,
  };
}

function kindOf(dataset: string): InputLine['kind'] {
  if (dataset === TICKS_DATASET) return 'tick';
  if (dataset === ALERTS_DATASET) return 'transition';
  return dataset.startsWith(CONTROL_PREFIX) ? 'control' : 'reading';
}
