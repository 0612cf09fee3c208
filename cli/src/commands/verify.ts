/** `airtight verify FILE`: checks one record or many offline, and says which step fails of which record. */

import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlertEvidence, parseAlertEvidence } from '@airtight/contracts-engine';
import {
  type Bilingual,
  type CheckedRecord,
  CODES,
  type Code,
  capDifferences,
  isCompletenessProof,
  type OpenedRecord,
  type ProofStepName,
  parseDeviceKey,
  verifyProof,
  verifyProofs,
} from '@airtight/protocol';
import { type CapAlert, parseCap } from '@airtight/standards/cap.ts';
import {
  type AnchorTrust,
  type AnchorVerdict,
  type Policy,
  PROOF_LIMITS,
  type ProofBundle,
  type ProofSet,
  parseBundle,
  parsePolicy,
  parseProofSet,
  policyFingerprint,
  proofFormatOf,
  sha256FromLatin1,
} from '@airtight/tlog';
import { vkeyFileOf } from '../audit/auditor-key.ts';
import { isReport } from '../audit/report.ts';
import { noteInPage } from '../audit/report-page.ts';
import { verifyReport } from '../audit/verify-report.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { isCapFile, showCapDifferences, wantsProof } from '../evidence/cap-file.ts';
import { proofsInHtml } from '../evidence/evidence-file.ts';
import { showAlertEvidence } from '../evidence/show-alert-evidence.ts';
import { showCompleteness } from '../evidence/show-completeness.ts';
import { shownByFiles, shownByPlatform, verifyReceipts } from '../evidence/show-receipts.ts';
import { sourceOf } from '../mirror/mirror-source.ts';
import { PLATFORM_OPTIONS, type PlatformValues, platformOf, platformUrl, tellingRefusals } from '../platform.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

const STEPS: { readonly [step in ProofStepName]: Bilingual } = {
  record: { zh: '记录完整可读', en: 'The record is well-formed' },
  batch: { zh: '记录确在该批次中', en: 'The record stands in its batch' },
  ledger: { zh: '批次确在账本中', en: 'The batch is an entry of the ledger' },
  checkpoint: { zh: '检查点由受信账本签名', en: 'The checkpoint is signed by a ledger you trust' },
  witnesses: { zh: '见证方联署满足策略', en: 'The witnesses your policy asks for have cosigned' },
  disclosure: { zh: '所示字段确属该记录，其余仍隐藏', en: 'The fields that are shown are those of the record; all others stay hidden' },
  anchor: { zh: '账本之外另有证明', en: 'Somebody outside vouches for the ledger' },
  signature: { zh: '内容由设备密钥签名', en: 'The payload is signed with the key of the device' },
  deviceKey: { zh: '该密钥在此之前已登记给该设备', en: 'That key was on record for this device before' },
};

/** Records that fail are named one by one up to this many; the counts tell the rest. */
const FAILURES_SHOWN_MAX = 20;
/** Of a disclosed field; the whole value stands in the file. */
const FIELD_SHOWN_MAX_LENGTH = 200;
const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

const ONE_FILE = new UsageError({
  zh: '请给出一个证据包文件；只有完整性证明可分为多个文件',
  en: 'name one proof bundle; only a completeness proof may come in several files',
});

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: {
    zh: '离线验证一条或多条记录的证据，逐步说明',
    en: 'verify the proof of one record or of many offline, step by step',
  },
  details: {
    zh: '文件可为 *.airtight-proof.json、*.airtight-proofs.json、*.airtight-complete.json（完整性证明，可一次给出其各个部分）、*.airtight-alert.json（告警证据，离线重放）、CAP 预警 XML（第二个文件给出其 resource 所指的证据包，逐项比对）、export evidence 写出的 HTML，或 audit --report 写出的签名报告及其页面。信任策略说明您信任哪个账本、要求哪些见证方联署；不给 --policy 时用数据目录的 keys/policy。设备签过名的记录也核验其签名；给出 --device-key 则不必信任登记的密钥。外部时间戳按 --tsa-roots（或数据目录的 keys/tsa-roots.pem）核验。给出 --receipt 则逐份核对设备保存的回执。退出码 0：成立；1：不成立。',
    en: 'The file is an *.airtight-proof.json, an *.airtight-proofs.json, an *.airtight-complete.json (that nothing is missing; of a long range all its parts), an *.airtight-alert.json (an alert, replayed offline by the engine), a CAP message (with the proof that its resource leads to as the second file: what it says is held against the record) or the HTML that export evidence writes; or a signed report of audit --report, or its page. The policy says which ledger you trust and which witnesses must have cosigned; without --policy it is keys/policy of the data directory. A record that its device signed is checked for that too; with --device-key you need not trust the key on record. Time stamps of outside anchors are checked by --tsa-roots, or keys/tsa-roots.pem of the data directory. With --receipt the receipts that a device kept are held against its records. Exit code 0: it holds; 1: it does not.',
  },
  operands: 'FILE…',
  options: {
    receipt: {
      type: 'string',
      value: 'FILE',
      doc: {
        zh: '设备保存的回执（JSON，每行一份），与平台或所给证据包文件所示的记录比对',
        en: 'receipts that a device kept (JSON, one a line): held against the records that the platform, or the bundles that are named, show',
      },
    },
    ledger: {
      type: 'string',
      value: 'URL|DIR',
      doc: {
        zh: '核对回执时所用的账本：平台地址或镜像目录（默认：平台自己的账本）',
        en: "ledger that receipts are held against: an address, or a mirror's folder (default: the platform's own)",
      },
    },
    policy: { type: 'string', value: 'FILE', doc: { zh: '信任策略（tlog-policy）', en: 'trust policy (tlog-policy)' } },
    'device-key': {
      type: 'string',
      value: 'FILE',
      doc: { zh: '设备的 Ed25519 公钥：要求记录带有其签名', en: "the device's Ed25519 public key: the record must carry its signature" },
    },
    'tsa-roots': {
      type: 'string',
      value: 'FILE',
      doc: { zh: '您信任的时间戳机构根证书（PEM）', en: 'root certificates of the time-stamping authorities that you trust (PEM)' },
    },
    auditor: {
      type: 'string',
      value: 'FILE',
      doc: {
        zh: '审计方的验证密钥（默认 keys/audit.vkey）',
        en: "the auditor's verifier key, for an audit report (default: keys/audit.vkey)",
      },
    },
    ...PLATFORM_OPTIONS,
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [file, ...more] = operands;
    const data = dataDirectory(values.data);
    if (values.receipt !== undefined) return verifyKept(values.receipt, operands, await readCheck(values, data), values, terminal);
    if (file === undefined) throw ONE_FILE;
    const text = readFileSync(file, 'utf8');
    if (isReport(text) || noteInPage(text) !== undefined) {
      const keyFile = values.auditor ?? vkeyFileOf(join(data.keys, 'audit.key'));
      return verifyReport(text, keyFile, values.json === true, terminal);
    }
    const check = await readCheck(values, data);
    if (isCapFile(text)) return verifyCap(text, more, check, terminal);
    const proofs = proofsInHtml(text) ?? text;
    if (isAlertEvidence(proofs)) {
      const evidence = parseAlertEvidence(proofs);
      return evidence.ok ? showAlertEvidence(evidence.value, check, terminal) : unreadable(evidence, check.asJson, terminal);
    }
    if (isCompletenessProof(proofs)) return showCompleteness(operands, check, terminal);
    if (more.length > 0) throw ONE_FILE;
    if (proofFormatOf(proofs) === 'set') {
      const set = parseProofSet(proofs);
      return set.ok ? verifySet(set.value, check, terminal) : unreadable(set, check.asJson, terminal);
    }
    const bundle = parseBundle(proofs);
    return bundle.ok ? verifyOne(bundle.value, check, terminal) : unreadable(bundle, check.asJson, terminal);
  },
});

interface Trusted {
  readonly policy: Policy;
}
interface Check extends Trusted {
  readonly anchorTrust: AnchorTrust;
  readonly deviceKey: Uint8Array | undefined;
  readonly asJson: boolean;
}

interface CheckValues {
  readonly policy?: string | undefined;
  readonly 'tsa-roots'?: string | undefined;
  readonly 'device-key'?: string | undefined;
  readonly json?: boolean | undefined;
}

async function readCheck(values: CheckValues, data: DataDirectory): Promise<Check> {
  const trusted = readPolicy(values.policy ?? data.policyFile);
  const anchorTrust = await readAnchorTrust(values['tsa-roots'], data.tsaRootsFile);
  return { ...trusted, anchorTrust, deviceKey: readDeviceKey(values['device-key']), asJson: values.json === true };
}

/** @param bundles proof files; none: the running platform is asked */
function verifyKept(
  receipts: string,
  bundles: readonly string[],
  check: Check,
  platform: PlatformValues & { readonly ledger?: string | undefined },
  terminal: Terminal,
): Promise<ExitCode> {
  const text = readFileSync(receipts, 'utf8');
  const act = async (): Promise<ExitCode> => {
    const copy = platform.ledger ?? (bundles.length > 0 ? undefined : platformUrl(platform));
    const ledger = copy === undefined ? undefined : sourceOf(copy, undefined).ledger;
    const shown = bundles.length > 0 ? shownByFiles(bundles, ledger) : shownByPlatform(platformOf(platform), ledger);
    return verifyReceipts(text, check, shown, terminal);
  };
  return tellingRefusals(act, terminal, check.asJson);
}

function unreadable({ code, detail }: { readonly code: Code; readonly detail: string }, asJson: boolean, terminal: Terminal): ExitCode {
  if (asJson) terminal.json({ ok: false, code, detail, steps: [] });
  else terminal.say(`${terminal.style('red', '✗')} ${code} ${terminal.text(CODES[code])}: ${detail}`);
  return EXIT.found;
}

/** A message of a CAP feed, by the proof of the record that it tells. */
function verifyCap(text: string, [proof, ...more]: readonly string[], check: Check, terminal: Terminal): ExitCode {
  const cap = parseCap(new TextEncoder().encode(text));
  if (!cap.ok) return unreadable({ code: 'CAP_MALFORMED', detail: cap.detail }, check.asJson, terminal);
  if (proof === undefined || more.length > 0) throw wantsProof(cap.alert);
  const bundle = parseBundle(readFileSync(proof, 'utf8'));
  return bundle.ok ? verifyOne(bundle.value, check, terminal, cap.alert) : unreadable(bundle, check.asJson, terminal);
}

function verifyOne(bundle: ProofBundle, { policy, deviceKey, anchorTrust, asJson }: Check, terminal: Terminal, cap?: CapAlert): ExitCode {
  const { ok: isProven, steps, cosigners, anchors, opened } = verifyProof(bundle, policy, { deviceKey, anchorTrust });
  const { position } = bundle;
  const differing = cap === undefined ? [] : capDifferences(cap, bundle);
  const ok = isProven && differing.length === 0;
  if (asJson)
    terminal.json({
      ok,
      position,
      steps,
      ...(cap === undefined ? {} : { differing }),
      fields: opened?.fields,
      cosigners: cosigners.map(({ name, time }) => ({ name, time })),
      anchors: anchors.map(anchorJson),
    });
  else {
    for (const step of steps) showStep(step, terminal);
    if (cap !== undefined) showCapDifferences(differing, terminal);
    if (ok && opened !== undefined) showFields(opened, terminal);
    showAnchors(anchors, terminal);
    showPolicy(bundle.policy, policy, terminal);
    terminal.say(
      isProven
        ? {
            zh: `记录 ${position} 已证：自封存以来未被改动。`,
            en: `Record ${position} is proven: it has not been changed since it was sealed.`,
          }
        : { zh: `记录 ${position} 未能证明。`, en: `Record ${position} is not proven.` },
    );
    if (ok) showLimits(isSigned(steps), terminal);
  }
  return ok ? EXIT.ok : EXIT.found;
}

/** What a confidential record shows. */
function showFields({ header, fields }: OpenedRecord, terminal: Terminal): void {
  terminal.say({
    zh: `机密记录：${header.dataset}，${header.producer}，接收于 ${new Date(header.receivedAt).toISOString()}。已披露 ${fields.length} 个字段，其余隐藏。`,
    en: `Confidential record: ${header.dataset}, ${header.producer}, received ${new Date(header.receivedAt).toISOString()}. Fields shown: ${fields.length}; the rest is hidden.`,
  });
  for (const { name, value } of fields) {
    const shown = JSON.stringify(value.slice(0, FIELD_SHOWN_MAX_LENGTH)).slice(1, -1);
    terminal.say(`    ${name} = ${shown}${value.length > FIELD_SHOWN_MAX_LENGTH ? ' …' : ''}`);
  }
}

function isSigned(steps: readonly { readonly step: ProofStepName; readonly ok: boolean }[]): boolean {
  return steps.some(({ step, ok }) => step === 'signature' && ok);
}

function verifySet(set: ProofSet, { policy, deviceKey, anchorTrust, asJson }: Check, terminal: Terminal): ExitCode {
  const { ok, records, shared, cosigners, signed, anchors } = verifyProofs(set, policy, { deviceKey, sha, anchorTrust });
  const failing = records.filter(({ faults }) => faults.length > 0);
  const proven = records.length - failing.length;
  if (asJson) {
    const failed = failing.map(({ position, faults }) => ({ position, faults }));
    terminal.json({
      ok,
      records: records.length,
      proven,
      signed,
      failed,
      shared,
      cosigners: cosigners.map(({ name, time }) => ({ name, time })),
      anchors: anchors.map(anchorJson),
    });
    return ok ? EXIT.ok : EXIT.found;
  }
  for (const step of shared) showStep(step, terminal);
  showAnchors(anchors, terminal);
  for (const one of failing.slice(0, FAILURES_SHOWN_MAX)) showFailing(one, terminal);
  if (failing.length > FAILURES_SHOWN_MAX) {
    const rest = grouped(failing.length - FAILURES_SHOWN_MAX);
    terminal.say({ zh: `  另有 ${rest} 条未列出`, en: `  and ${rest} more` });
  }
  const mark = ok ? terminal.style('green', '✓') : terminal.style('red', '✗');
  terminal.say(`${mark} ${terminal.text(sumOf(proven, records.length))}`);
  showPolicy(set.policy, policy, terminal);
  if (ok) showLimits(signed === records.length, terminal);
  return ok ? EXIT.ok : EXIT.found;
}

function anchorJson({ time, ...anchor }: AnchorVerdict): object {
  return time === undefined ? anchor : { ...anchor, time: new Date(time).toISOString() };
}

/** What others say: since when it exists, or what of it could not be checked. Failures stand among the steps. */
function showAnchors(anchors: readonly AnchorVerdict[], terminal: Terminal): void {
  for (const { sink, state, time, authority = '', detail } of anchors) {
    if (state === 'verified' && time !== undefined) {
      const when = new Date(time).toISOString();
      terminal.say({
        zh: `${authority}（${sink}）证明：这一检查点在 ${when} 已存在。`,
        en: `This checkpoint existed at ${when}, says ${authority} (${sink}).`,
      });
    } else if (state === 'unchecked') {
      terminal.say({
        zh: `– 外部锚定 ${sink} 未核验完：${detail}`,
        en: `– The outside anchor ${sink} was not checked to the end: ${detail}`,
      });
    }
  }
}

/** @param made fingerprint of the policy that the maker of the file publishes */
function showPolicy(made: string | undefined, policy: Policy, terminal: Terminal): void {
  if (made === undefined || made === policyFingerprint(policy)) return;
  terminal.say({
    zh: '文件是按另一份信任策略制作的；以上按您的策略核验。',
    en: 'The file was made under another trust policy; this was checked by yours.',
  });
}

function sumOf(proven: number, all: number): Bilingual {
  const n = grouped(proven);
  const of = grouped(all);
  if (proven === all)
    return {
      zh: `${of} 条记录中 ${n} 条已证：自封存以来未被改动。`,
      en: `${n} of ${of} records are proven: not changed since they were sealed.`,
    };
  return { zh: `${of} 条记录中只有 ${n} 条得到证明。`, en: `Only ${n} of ${of} records are proven.` };
}

/** A record with the first step that fails; the other ones follow from it, or stand in the JSON. */
function showFailing({ position, faults }: CheckedRecord, terminal: Terminal): void {
  const [fault] = faults;
  if (fault === undefined) return;
  terminal.say(`${terminal.style('red', '✗')} #${position}  ${terminal.text(STEPS[fault.step])}`);
  terminal.say(`    ${fault.code} ${terminal.text(CODES[fault.code])}: ${fault.detail}`);
}

function showLimits(isSigned: boolean, terminal: Terminal): void {
  terminal.say({ zh: '这不证明的是：', en: 'What this does not prove:' });
  for (const limit of PROOF_LIMITS) {
    if (!isSigned || limit.code !== 'NOT_IDENTITY_OF_DEVICE') terminal.say(`  – ${terminal.text(limit)}`);
  }
}

/** @throws EnvironmentError when there is no policy, or it has errors: without trust nothing is proven */
function readPolicy(file: string): Trusted {
  if (!existsSync(file)) {
    throw new EnvironmentError({
      zh: `没有信任策略 ${file}。请用 --policy 给出您信任的账本，例如 /ledger/ 公布的 policy。`,
      en: `There is no trust policy ${file}. Say with --policy which ledger you trust.`,
    });
  }
  const policy = parsePolicy(readFileSync(file, 'utf8'));
  if (policy.ok) return { policy: policy.value };
  throw new EnvironmentError({
    zh: `${file}：${CODES[policy.code].zh}：${policy.detail}`,
    en: `${file}: ${CODES[policy.code].en}: ${policy.detail}`,
  });
}

/** @param given a file that the person names; else the deployment's own is taken, where there is one */
async function readAnchorTrust(given: string | undefined, own: string): Promise<AnchorTrust> {
  const file = given ?? (existsSync(own) ? own : undefined);
  const { certificatesIn, nodeCertifiedSignature } = await import('@airtight/ledger');
  if (file === undefined) return { verifySignature: nodeCertifiedSignature };
  const tsaRoots = certificatesIn(readFileSync(file, 'utf8'));
  if (tsaRoots.length > 0) return { tsaRoots, verifySignature: nodeCertifiedSignature };
  throw new EnvironmentError({ zh: `${file} 中没有证书。`, en: `${file} holds no certificate.` });
}

function readDeviceKey(file: string | undefined): Uint8Array | undefined {
  if (file === undefined) return undefined;
  const key = parseDeviceKey(readFileSync(file, 'utf8'));
  if (key !== undefined) return key;
  throw new EnvironmentError({
    zh: `${file} 不是 Ed25519 公钥（PEM，或 32 字节的 base64url）。`,
    en: `${file} holds no Ed25519 public key (PEM, or 32 bytes in base64url).`,
  });
}

interface ShownStep {
  readonly step: ProofStepName;
  readonly ok: boolean;
  readonly code?: CheckedRecord['faults'][number]['code'];
  readonly detail: string;
}

function showStep({ step, ok, code, detail }: ShownStep, terminal: Terminal): void {
  const mark = ok ? terminal.style('green', '✓') : terminal.style('red', '✗');
  terminal.say(`${mark} ${terminal.text(STEPS[step])}`);
  terminal.say(`    ${code === undefined ? '' : `${code} ${terminal.text(CODES[code])}: `}${detail}`);
}
