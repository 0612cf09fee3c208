/** The words of a file with an alert's evidence, which carries both languages with it. */
import type { AlertTransition, Severity } from '@airtight/protocol';
import type { Language } from './evidence-texts.ts';

export interface AlertPageTexts {
  readonly lang: string;
  readonly other: string;
  readonly title: string;
  readonly checking: string;
  readonly verified: string;
  readonly failed: string;
  readonly unreadable: string;
  readonly counts: (proven: number, of: number, readings: number, ticks: number) => string;
  readonly ledger: (origin: string, size: number) => string;
  readonly checkedIn: (ms: number) => string;
  readonly steps: string;
  readonly course: string;
  readonly answers: string;
  readonly receipt: string;
  readonly acknowledged: string;
  /** @param proof `verified`, or the code of what was wrong */
  readonly proofThere: (proof: string) => string;
  readonly regionKeys: string;
  readonly contract: string;
  readonly signed: (contract: string, author: string, approver: string, position: number) => string;
  readonly limits: string;
  readonly limitOfFile: string;
  readonly trust: string;
  readonly trustHint: string;
  readonly save: string;
  readonly savePolicy: string;
  readonly inputs: string;
  readonly columns: { readonly [column in 'record' | 'producer' | 'received' | 'content' | 'state']: string };
  readonly proven: string;
  readonly unknown: string;
  readonly values: string;
  readonly severities: { readonly [severity in Severity]: string };
  readonly types: { readonly [type in AlertTransition['type']]: string };
}

const ZH: AlertPageTexts = {
  lang: 'zh-CN',
  other: 'English',
  title: '告警证据',
  checking: '正在本机重新判定……',
  verified: '该告警由其记录得出，逐字节一致',
  failed: '该告警不能由其记录得出',
  unreadable: '文件中的证据无法读取',
  counts: (proven, of, readings, ticks) => `${of} 条记录中 ${proven} 条已证；重新判定了 ${readings} 条读数、${ticks} 个时钟记录`,
  ledger: (origin, size) => `账本 ${origin}，${size} 个条目`,
  checkedIn: (ms) => `在本机核验，用时 ${ms} 毫秒，未访问网络`,
  steps: '核验步骤',
  course: '经过',
  answers: '其他区域的答复',
  receipt: '签收回执',
  acknowledged: '对方已确认',
  proofThere: (proof) => (proof === 'verified' ? '对方已核验我方证据' : `对方未能核验我方证据（${proof}）`),
  regionKeys: '签名已按所列密钥核验；密钥是否确属该区域，请与其公布的密钥比对。',
  contract: '依据的规则',
  signed: (contract, author, approver, position) => `${contract}，起草 ${author}，批准 ${approver}，记录 #${position}`,
  limits: '核验通过不证明什么',
  limitOfFile: '核验程序随本文件而来：若不信任文件的来源，请另存证据，用自己的程序核验（airtight verify）。',
  trust: '信任的账本',
  trustHint: '请与账本运营方在别处公布的密钥比对：密钥相符，核验才有意义。',
  save: '另存证据',
  savePolicy: '另存信任策略',
  inputs: '所依据的记录',
  columns: { record: '记录', producer: '数据集与设备', received: '接收时间', content: '内容', state: '核验' },
  proven: '已证',
  unknown: '未知',
  values: '所读取的值',
  severities: { minor: '轻微', moderate: '中等', severe: '严重', extreme: '特别严重' },
  types: {
    ...{
      raise: '触发',
      update: '变更',
      clear: '恢复',
      correct: '因迟到数据更正',
      escalate: '升级',
      suppress: '被抑制',
      unsuppress: '解除抑制',
    },
    ...{
      'shelf-end': '搁置到期',
      acknowledge: '确认',
      shelve: '搁置',
      unshelve: '取消搁置',
      close: '人工解除',
      assign: '指派',
      comment: '备注',
    },
    ...{ approve: '批准', 'out-of-service': '停用规则', 'return-to-service': '恢复规则' },
  },
};

const EN: AlertPageTexts = {
  lang: 'en',
  other: '中文',
  title: 'Evidence of an alert',
  checking: 'Being judged again on this machine …',
  verified: 'This alert follows from its records, byte for byte',
  failed: 'This alert does not follow from its records',
  unreadable: 'The evidence in this file cannot be read',
  counts: (proven, of, readings, ticks) =>
    `${proven} of ${of} records are proven; ${readings} readings and ${ticks} ticks were judged again`,
  ledger: (origin, size) => `Ledger ${origin}, ${size} entries`,
  checkedIn: (ms) => `Verified on this machine in ${ms} ms, without network`,
  steps: 'What is checked',
  course: 'What happened',
  answers: 'What other regions answered',
  receipt: 'Receipt',
  acknowledged: 'Acknowledged there',
  proofThere: (proof) => (proof === 'verified' ? 'it verified our proof' : `our proof did not hold there (${proof})`),
  regionKeys: 'The signatures were checked by the keys shown; whether a key is that region’s, compare with what the region publishes.',
  contract: 'The rule',
  signed: (contract, author, approver, position) => `${contract}, written by ${author}, approved by ${approver}, record #${position}`,
  limits: 'What a pass does not prove',
  limitOfFile:
    'The verifier came with this file: whoever does not trust where the file came from saves the evidence and checks it with a program of their own (airtight verify).',
  trust: 'The ledger that is trusted',
  trustHint:
    'Compare this key with the one that the operator of the ledger publishes elsewhere: the checks mean something only if they agree.',
  save: 'Save the evidence',
  savePolicy: 'Save the trust policy',
  inputs: 'The records it was made of',
  columns: { record: 'Record', producer: 'Dataset and device', received: 'Received', content: 'What it says', state: 'Verified' },
  proven: 'proven',
  unknown: 'unknown',
  values: 'Values that were read',
  severities: { minor: 'minor', moderate: 'moderate', severe: 'severe', extreme: 'extreme' },
  types: {
    ...{ raise: 'Raised', update: 'Changed', clear: 'Returned to normal', correct: 'Corrected by late data', escalate: 'Escalated' },
    ...{ suppress: 'Suppressed', unsuppress: 'No longer suppressed', 'shelf-end': 'Shelving ended', acknowledge: 'Acknowledged' },
    ...{ shelve: 'Shelved', unshelve: 'Taken off the shelf', close: 'Cleared by hand', assign: 'Assigned', comment: 'Comment' },
    ...{ approve: 'Approved', 'out-of-service': 'Out of service', 'return-to-service': 'Returned to service' },
  },
};

export const ALERT_PAGE_TEXTS: { readonly [language in Language]: AlertPageTexts } = { zh: ZH, en: EN };
