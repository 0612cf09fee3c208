/** Evidence of an alert held against a policy, replayed, and told. */
import { hash } from 'node:crypto';
import {
  type AlertEvidence,
  checkAlertEvidence,
  EVIDENCE_LIMITS,
  EVIDENCE_STEP_WORDS,
  EVIDENCE_STEPS,
  type EvidenceFault,
  type EvidenceStepName,
  type Explanation,
  lastAttempts,
  type RegionAnswer,
  type ReplayVerdict,
  type ToldAttempt,
} from '@airtight/contracts-engine';
import { type Bilingual, CODES, isEffect, verifyProofs } from '@airtight/protocol';
import { type AnchorTrust, type Policy, parseProofSet, sha256FromLatin1 } from '@airtight/tlog';
import { EXIT, type ExitCode } from '../command.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
/** Faults that are told one by one; the JSON has all. */
const FAULTS_SHOWN_MAX = 20;

const OF_DELIVERIES: Bilingual = {
  zh: '没有证明有人读过：“已送达”是指接收方的系统已应答；也没有证明此后没有再发送',
  en: 'that anybody has read it: delivered means that the receiver’s system has answered; nor that nothing was sent since',
};
const OF_ANSWERS: Bilingual = {
  zh: '没有证明所列密钥确属该区域：请与该区域公布的密钥比对',
  en: 'that the keys shown are those regions’: compare them with what the regions publish',
};
const OUTCOMES: { readonly [outcome in ToldAttempt['outcome']['outcome']]: Bilingual } = {
  delivered: { zh: '已送达', en: 'delivered' },
  failed: { zh: '失败，将再试', en: 'failed, to be tried again' },
  dead: { zh: '未送达，已放弃', en: 'not delivered, given up' },
};

export interface EvidenceCheck {
  readonly policy: Policy;
  readonly anchorTrust: AnchorTrust;
  readonly asJson: boolean;
}

export function showAlertEvidence(evidence: AlertEvidence, { policy, anchorTrust, asJson }: EvidenceCheck, terminal: Terminal): ExitCode {
  const set = parseProofSet(JSON.stringify(evidence.proofs));
  if (!set.ok) {
    if (asJson) terminal.json({ ok: false, code: set.code, detail: set.detail });
    else terminal.say(`${terminal.style('red', '✗')} ${set.code} ${terminal.text(CODES[set.code])}: ${set.detail}`);
    return EXIT.found;
  }
  const proofs = verifyProofs(set.value, policy, { sha, anchorTrust });
  const { ok, faults, replay } = checkAlertEvidence(evidence, proofs);
  const { alert, contract, engine } = evidence;
  const records = proofs.records.length;
  if (asJson)
    terminal.json({
      ...{ ok, alert, contract, version: replay.contract?.record.version ?? null, engine, records, ...replay.counts },
      steps: EVIDENCE_STEPS.map((step) => ({ step, ok: faults.every((fault) => fault.step !== step) })),
      ...{
        faults,
        transitions: replay.transitions,
        explanations: replay.explanations,
        deliveries: replay.deliveries,
        answers: replay.answers,
      },
    });
  else tell(evidence, replay, { ok, faults, records }, terminal);
  return ok ? EXIT.ok : EXIT.found;
}

interface Told {
  readonly ok: boolean;
  readonly faults: readonly EvidenceFault[];
  readonly records: number;
}

function tell(evidence: AlertEvidence, replay: ReplayVerdict, { ok, faults, records }: Told, terminal: Terminal): void {
  const { contract, transitions, counts, explanations } = replay;
  const told = lastAttempts(replay.deliveries);
  terminal.say(`${evidence.alert}  ${evidence.contract}/${evidence.rule}  ${evidence.subject}`);
  if (contract !== null)
    terminal.say({
      zh: `合约版本 ${contract.record.version}（记录 ${contract.position}，作者 ${contract.record.author}，批准 ${contract.record.approver}），${evidence.engine}`,
      en: `Contract version ${contract.record.version} (record ${contract.position}, by ${contract.record.author}, approved by ${contract.record.approver}), ${evidence.engine}`,
    });
  for (const { position, transition } of transitions) {
    const who = isEffect(transition) ? '' : `  ${transition.by}`;
    terminal.say(`  #${position}  ${new Date(transition.at).toISOString()}  ${transition.type}${who}`);
    const explained = isEffect(transition) ? explanations.find(({ n }) => n === transition.n) : undefined;
    if (explained !== undefined) tellExplanation(explained, terminal);
    for (const one of told.filter(({ outcome }) => outcome.record === position)) tellDelivery(one, terminal);
    for (const one of replay.answers.filter((answer) => answer.told === position)) tellAnswer(one, terminal);
  }
  for (const step of EVIDENCE_STEPS) tellStep(step, faults, terminal);
  if (evidence.places.length > 0)
    terminal.say({
      zh: `– ${grouped(evidence.places.length)} 台设备的位置和所属由平台陈述，未经证明。`,
      en: `– Where ${grouped(evidence.places.length)} devices stand and whose they are is what the platform says; it is not proven.`,
    });
  if (!ok) {
    terminal.say({ zh: '该告警未能证明。', en: 'The alert is not proven.' });
    return;
  }
  terminal.say({
    zh: `${terminal.style('green', '✓')} ${grouped(records)} 条记录均已证；引擎由 ${grouped(counts.readings)} 条读数重放出同一告警，逐字节一致。`,
    en: `${terminal.style('green', '✓')} All ${grouped(records)} records are proven, and from ${grouped(counts.readings)} readings the engine comes to the same alert, byte for byte.`,
  });
  terminal.say({ zh: '这不证明的是：', en: 'What this does not prove:' });
  const limits = [...EVIDENCE_LIMITS, ...(told.length === 0 ? [] : [OF_DELIVERIES]), ...(replay.answers.length === 0 ? [] : [OF_ANSWERS])];
  for (const limit of limits) terminal.say(`  – ${terminal.text(limit)}`);
}

function tellStep(step: EvidenceStepName, faults: readonly EvidenceFault[], terminal: Terminal): void {
  const own = faults.filter((fault) => fault.step === step);
  terminal.say(
    `${own.length === 0 ? terminal.style('green', '✓') : terminal.style('red', '✗')} ${terminal.text(EVIDENCE_STEP_WORDS[step])}`,
  );
  for (const { code, position, detail } of own.slice(0, FAULTS_SHOWN_MAX))
    terminal.say(`    ${position === null ? '' : `#${position} `}${code} ${terminal.text(CODES[code])}: ${detail}`);
  const more = own.length - FAULTS_SHOWN_MAX;
  if (more > 0) terminal.say({ zh: `    另有 ${grouped(more)} 处`, en: `    and ${grouped(more)} more` });
}

function tellDelivery({ position, outcome: { channel, at, attempt, outcome, detail } }: ToldAttempt, terminal: Terminal): void {
  terminal.say({
    zh: `      → ${channel}  ${new Date(at).toISOString()}  ${OUTCOMES[outcome].zh}（第 ${attempt} 次尝试，${detail}）  #${position}`,
    en: `      → ${channel}  ${new Date(at).toISOString()}  ${OUTCOMES[outcome].en} (attempt ${attempt}, ${detail})  #${position}`,
  });
}

function tellAnswer({ position, region, vkey, receipt, act, fault }: RegionAnswer, terminal: Terminal): void {
  if (fault !== null) return;
  if (receipt !== null)
    terminal.say({
      zh: `      ← ${region}  ${receipt.receivedAt}  已收到；${receipt.proof === 'verified' ? '对方已核验我方证据' : `对方未能核验我方证据（${receipt.proof}）`}；签名密钥 ${vkey}  #${position}`,
      en: `      ← ${region}  ${receipt.receivedAt}  received; ${receipt.proof === 'verified' ? 'it verified our proof' : `our proof did not hold there (${receipt.proof})`}; signed by ${vkey}  #${position}`,
    });
  if (act !== null)
    terminal.say({
      zh: `      ← ${region}  ${act.at}  由 ${oneLine(act.by)}（${act.role}）确认${act.comment === '' ? '' : `：${oneLine(act.comment)}`}；签名密钥 ${vkey}  #${position}`,
      en: `      ← ${region}  ${act.at}  acknowledged by ${oneLine(act.by)} (${act.role})${act.comment === '' ? '' : `: ${oneLine(act.comment)}`}; signed by ${vkey}  #${position}`,
    });
}

/** Words of another region: no line of theirs is to look like one of ours, and no terminal obeys them. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ');
}

function tellExplanation({ expressions }: Explanation, terminal: Terminal): void {
  for (const { name, text, steps } of expressions) {
    terminal.say(`      ${name}: ${text}`);
    for (const step of steps) terminal.say(`        ${step.text} = ${JSON.stringify(step.value)}`);
  }
}
