/** The words of an evidence file, which carries both languages with it. */
import type { ProofStepName } from '@airtight/protocol';
import type { AnchorVerdict } from '@airtight/tlog';

export type Language = 'zh' | 'en';

export interface EvidenceTexts {
  readonly lang: string;
  readonly other: string;
  readonly title: string;
  readonly checking: string;
  readonly verified: (n: number, of: number) => string;
  readonly failed: (n: number, of: number) => string;
  readonly failing: (n: number, step: string) => string;
  readonly leftOut: (n: number) => string;
  readonly unreadable: string;
  readonly noDocument: string;
  readonly checkedIn: (ms: number) => string;
  readonly facts: {
    readonly [fact in 'producer' | 'property' | 'range' | 'made' | 'records' | 'signed' | 'ledger' | 'witnesses' | 'anchor']: string;
  };
  readonly recordsText: (n: number, of: number) => string;
  readonly signedText: (n: number) => string;
  readonly ledgerText: (origin: string, size: number) => string;
  readonly anchorText: (state: AnchorVerdict['state'], detail: string) => string;
  readonly noWitness: string;
  readonly pending: (n: number) => string;
  readonly columns: { readonly [column in 'time' | 'value' | 'flags' | 'record' | 'state']: string };
  readonly proven: string;
  readonly notProven: string;
  readonly stepsTitle: string;
  readonly steps: { readonly [step in ProofStepName | 'value']: string };
  readonly limitsTitle: string;
  readonly limitOfFile: string;
  readonly trustTitle: string;
  readonly trustHint: string;
  readonly fingerprint: string;
  readonly saveTitle: string;
  readonly saveHint: string;
  readonly saveProofs: string;
  readonly savePolicy: string;
  readonly valuesTitle: string;
  readonly chartTitle: (from: string, to: string, low: string, high: string) => string;
}

const ZH: EvidenceTexts = {
  lang: 'zh-CN',
  other: 'English',
  title: '监测数据证据',
  checking: '正在本机核验……',
  verified: (n, of) => `${of} 个数值中 ${n} 个已核验，全部成立`,
  failed: (n, of) => `${of} 个数值中只有 ${n} 个成立`,
  failing: (n, step) => `${n} 个不成立：${step}`,
  leftOut: (n) => `证据中另有 ${n} 个已证读数没有列在表中`,
  unreadable: '文件中的证据无法读取',
  noDocument: '本文件不完整：没有可读的数据',
  checkedIn: (ms) => `在本机核验，用时 ${ms} 毫秒，未访问网络`,
  facts: {
    producer: '设备',
    property: '监测项',
    range: '时间范围',
    made: '文件生成时间',
    records: '记录',
    signed: '设备签名',
    ledger: '账本检查点',
    witnesses: '见证方',
    anchor: '外部锚定',
  },
  recordsText: (n, of) => `${of} 条中 ${n} 条已证（含读取数据所需的定义、密钥）`,
  signedText: (n) => (n === 0 ? '无' : `${n} 条`),
  ledgerText: (origin, size) => `${origin}，${size} 条`,
  anchorText: (state, detail) => `${{ verified: '成立', unchecked: '未核验完', failed: '不成立' }[state]}：${detail}`,
  noWitness: '策略不要求见证方',
  pending: (n) => `生成文件时另有 ${n} 条记录尚未写入账本，未列入`,
  columns: { time: '时间', value: '数值', flags: '标记', record: '记录', state: '核验' },
  proven: '成立',
  notProven: '不成立',
  stepsTitle: '每个数值的核验步骤',
  steps: {
    value: '表中的数值与记录中的一致',
    record: '记录格式正确',
    batch: '记录在其批次之中，封存后未被改动',
    ledger: '批次在账本之中',
    checkpoint: '检查点由下列账本密钥签名',
    witnesses: '见证方联署满足策略',
    anchor: '账本之外另有证明',
    signature: '内容由设备密钥签名',
    deviceKey: '该密钥此前已登记给该设备',
    disclosure: '所示内容确属该机密记录',
  },
  limitsTitle: '核验通过不证明什么',
  limitOfFile: '核验程序随本文件而来：若不信任文件的来源，请另存证据，用自己的程序核验（airtight verify）。',
  trustTitle: '信任的账本',
  trustHint: '请与账本运营方在别处公布的密钥比对：密钥相符，核验才有意义。',
  fingerprint: '策略指纹（SHA-256）',
  saveTitle: '另存',
  saveHint: '可用 airtight verify 或任何按公开格式编写的程序再次核验。',
  saveProofs: '另存证据',
  savePolicy: '另存信任策略',
  valuesTitle: '数据',
  chartTitle: (from, to, low, high) => `${from} 至 ${to}，最低 ${low}，最高 ${high}`,
};

const EN: EvidenceTexts = {
  lang: 'en',
  other: '中文',
  title: 'Evidence of readings',
  checking: 'Being verified on this machine …',
  verified: (n, of) => `${n} of ${of} values verified`,
  failed: (n, of) => `Only ${n} of ${of} values hold`,
  failing: (n, step) => `${n} fail at: ${step}`,
  leftOut: (n) => `The proofs hold ${n} more proven readings that the table does not show`,
  unreadable: 'The proofs in this file cannot be read',
  noDocument: 'This file is not whole: it has no data that can be read',
  checkedIn: (ms) => `Verified on this machine in ${ms} ms, without network`,
  facts: {
    producer: 'Device',
    property: 'Property',
    range: 'Period',
    made: 'File made at',
    records: 'Records',
    signed: 'Signed by the device',
    ledger: 'Ledger checkpoint',
    witnesses: 'Witnesses',
    anchor: 'Outside anchor',
  },
  recordsText: (n, of) => `${n} of ${of} proven (with the definitions and keys that it takes to read them)`,
  signedText: (n) => (n === 0 ? 'none' : String(n)),
  ledgerText: (origin, size) => `${origin}, ${size} entries`,
  anchorText: (state, detail) => `${{ verified: 'holds', unchecked: 'not checked to the end', failed: 'DOES NOT HOLD' }[state]}: ${detail}`,
  noWitness: 'the policy asks for none',
  pending: (n) => `${n} more records were not in the ledger yet when the file was made, and are not in it`,
  columns: { time: 'Time', value: 'Value', flags: 'Flags', record: 'Record', state: 'Verified' },
  proven: 'holds',
  notProven: 'fails',
  stepsTitle: 'What is checked of every value',
  steps: {
    value: 'The value in the table is the one in the record',
    record: 'The record is well-formed',
    batch: 'The record stands in its batch, unchanged since it was sealed',
    ledger: 'The batch is an entry of the ledger',
    checkpoint: 'The checkpoint is signed with the ledger key below',
    witnesses: 'The witnesses that the policy asks for have cosigned',
    anchor: 'Somebody outside vouches for the ledger',
    signature: 'The payload is signed with the key of the device',
    deviceKey: 'That key was on record for the device before',
    disclosure: 'What is shown is the content of the confidential record',
  },
  limitsTitle: 'What a pass does not prove',
  limitOfFile:
    'The verifier came with this file: whoever does not trust where the file came from saves the proofs and checks them with a program of their own (airtight verify).',
  trustTitle: 'The ledger that is trusted',
  trustHint:
    'Compare this key with the one that the operator of the ledger publishes elsewhere: the checks mean something only if they agree.',
  fingerprint: 'Fingerprint of the policy (SHA-256)',
  saveTitle: 'Save',
  saveHint: 'For airtight verify, or any program that follows the published format.',
  saveProofs: 'Save the proofs',
  savePolicy: 'Save the trust policy',
  valuesTitle: 'Data',
  chartTitle: (from, to, low, high) => `${from} to ${to}, lowest ${low}, highest ${high}`,
};

export const EVIDENCE_TEXTS: { readonly [language in Language]: EvidenceTexts } = { zh: ZH, en: EN };
