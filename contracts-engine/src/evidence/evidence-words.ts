/** What the steps of a check are, and what a pass does not prove: the same words wherever evidence is read. */
import type { Bilingual } from '@airtight/protocol';
import type { EvidenceStepName } from './check-evidence.ts';

export const EVIDENCE_STEP_WORDS: { readonly [step in EvidenceStepName]: Bilingual } = {
  records: { zh: '每条记录均已按您的信任策略证明', en: 'Every record is proven by your trust policy' },
  inputs: {
    zh: '记录与制作证据时相同，一条不少、一条不多',
    en: 'The records are those the evidence was made of, none taken out or put in',
  },
  engine: { zh: '引擎版本与触发告警的相同', en: 'This is the engine that raised the alert' },
  contract: { zh: '合约文本与触发时的版本一致', en: 'The text of the contract is that of the version under which it was raised' },
  replay: { zh: '引擎由这些记录重放出同一告警，逐字节一致', en: 'From these records the engine comes to the same alert, byte for byte' },
  explanations: { zh: '所列各表达式的值与重新计算的相同', en: 'Every expression has the value that the file says' },
  answers: {
    zh: '其他区域的回执与确认均由记录中的密钥签名',
    en: 'Receipts and acknowledgements of other regions are signed by the keys on record',
  },
};

export const EVIDENCE_LIMITS: readonly (Bilingual & { readonly code: string })[] = [
  { code: 'NOT_TRUE', zh: '读数属实：设备可能测错', en: 'That the readings are true: a device may measure wrongly' },
  {
    code: 'NOT_COMPLETE',
    zh: '其间没有别的读数：这由完整性证明（*.airtight-complete.json）证明',
    en: 'That there was no other reading in between: a completeness proof (*.airtight-complete.json) shows that',
  },
  {
    code: 'NOT_PLACES',
    zh: '设备的位置和所属：文件中的是平台的陈述',
    en: 'Where devices stand and whose they are: that is what the platform says',
  },
  {
    code: 'NOT_RIGHT',
    zh: '合约合理：它只说明按公布的规则应当告警',
    en: 'That the rule is a good one: only that, as published, it calls for this alert',
  },
];
