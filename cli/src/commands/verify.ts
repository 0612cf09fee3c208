/** `airtight verify FILE`: checks a proof bundle offline, step by step. */
import { existsSync, readFileSync } from 'node:fs';
import { type Bilingual, CODES, type ProofStep, type ProofStepName, parseDeviceKey, verifyProof } from '@airtight/protocol';
import { type Policy, parseBundle, parsePolicy } from '@airtight/tlog';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import type { Terminal } from '../terminal.ts';

const STEPS: { readonly [step in ProofStepName]: Bilingual } = {
  record: { zh: '记录完整可读', en: 'The record is well-formed' },
  batch: { zh: '记录确在该批次中', en: 'The record stands in its batch' },
  ledger: { zh: '批次确在账本中', en: 'The batch is an entry of the ledger' },
  checkpoint: { zh: '检查点由受信账本签名', en: 'The checkpoint is signed by a ledger you trust' },
  witnesses: { zh: '见证方联署满足策略', en: 'The witnesses your policy asks for have cosigned' },
  signature: { zh: '内容由设备密钥签名', en: 'The payload is signed with the key of the device' },
  deviceKey: { zh: '该密钥在此之前已登记给该设备', en: 'That key was on record for this device before' },
};

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: {
    zh: '离线验证证据包（*.airtight-proof.json），逐步说明',
    en: 'verify a proof bundle (*.airtight-proof.json) offline, step by step',
  },
  details: {
    zh: '信任策略说明您信任哪个账本、要求哪些见证方联署；不给 --policy 时用数据目录的 keys/policy。设备签过名的记录也核验其签名；给出 --device-key 则不必信任登记的密钥。退出码 0：成立；1：不成立。',
    en: 'The policy says which ledger you trust and which witnesses must have cosigned; without --policy it is keys/policy of the data directory. A record that its device signed is checked for that too; with --device-key you need not trust the key on record. Exit code 0: it holds; 1: it does not.',
  },
  operands: 'FILE',
  options: {
    policy: { type: 'string', value: 'FILE', doc: { zh: '信任策略（tlog-policy）', en: 'trust policy (tlog-policy)' } },
    'device-key': {
      type: 'string',
      value: 'FILE',
      doc: { zh: '设备的 Ed25519 公钥：要求记录带有其签名', en: "the device's Ed25519 public key: the record must carry its signature" },
    },
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [file, ...more] = operands;
    if (file === undefined || more.length > 0) throw new UsageError({ zh: '请给出一个证据包文件', en: 'name one proof bundle' });
    const asJson = values.json === true;
    const policy = readPolicy(values.policy ?? dataDirectory(values.data).policyFile);
    const deviceKey = readDeviceKey(values['device-key']);
    const bundle = parseBundle(readFileSync(file, 'utf8'));
    if (!bundle.ok) {
      if (asJson) terminal.json({ ok: false, code: bundle.code, detail: bundle.detail, steps: [] });
      else terminal.say(`${terminal.style('red', '✗')} ${bundle.code} ${terminal.text(CODES[bundle.code])}: ${bundle.detail}`);
      return EXIT.found;
    }
    const { ok, steps, cosigners } = verifyProof(bundle.value, policy, { deviceKey });
    if (asJson)
      terminal.json({ ok, position: bundle.value.position, steps, cosigners: cosigners.map(({ name, time }) => ({ name, time })) });
    else show(bundle.value.position, steps, ok, terminal);
    return ok ? EXIT.ok : EXIT.found;
  },
});

/** @throws EnvironmentError when there is no policy, or it has errors: without trust nothing is proven */
function readPolicy(file: string): Policy {
  if (!existsSync(file)) {
    throw new EnvironmentError({
      zh: `没有信任策略 ${file}。请用 --policy 给出您信任的账本，例如 /ledger/ 公布的 policy。`,
      en: `There is no trust policy ${file}. Say with --policy which ledger you trust.`,
    });
  }
  const policy = parsePolicy(readFileSync(file, 'utf8'));
  if (policy.ok) return policy.value;
  throw new EnvironmentError({
    zh: `${file}：${CODES[policy.code].zh}：${policy.detail}`,
    en: `${file}: ${CODES[policy.code].en}: ${policy.detail}`,
  });
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

function show(position: number, steps: readonly ProofStep[], isProven: boolean, terminal: Terminal): void {
  for (const { step, ok, code, detail } of steps) {
    const mark = ok ? terminal.style('green', '✓') : terminal.style('red', '✗');
    terminal.say(`${mark} ${terminal.text(STEPS[step])}`);
    terminal.say(`    ${code === undefined ? '' : `${code} ${terminal.text(CODES[code])}: `}${detail}`);
  }
  terminal.say(
    isProven
      ? {
          zh: `记录 ${position} 已证：自封存以来未被改动。`,
          en: `Record ${position} is proven: it has not been changed since it was sealed.`,
        }
      : { zh: `记录 ${position} 未能证明。`, en: `Record ${position} is not proven.` },
  );
}
