/** What a verified proof bundle does not prove. To be shown wherever a pass is shown: a proof must not promise more. */

export interface ProofLimit {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

export const PROOF_LIMITS: readonly ProofLimit[] = [
  {
    code: 'NOT_TRUTH_OF_MEASUREMENT',
    zh: '不证明测量值真实：只证明平台收到的就是这些字节，此后未被改动。',
    en: 'It does not prove that the measurement is right: only that these bytes are what the platform received, unchanged since.',
  },
  {
    code: 'NOT_IDENTITY_OF_DEVICE',
    zh: '不证明由哪台设备发出：记录头由平台写入，仅在记录带有设备签名时才能另行核验。',
    en: 'It does not prove which device sent it: the header was written by the platform; only a device signature inside the record could show that.',
  },
  {
    code: 'NOT_TIME_OF_RECEIPT',
    zh: '不独立证明接收时间：见证方的联署与外部时间戳只说明记录最迟何时已存在。',
    en: 'It does not prove the time of receipt independently: cosignatures and time stamps only show by when the record existed.',
  },
  {
    code: 'NOT_COMPLETENESS',
    zh: '不证明没有遗漏其他记录，也不证明该值未被后来的更正记录取代。',
    en: 'It does not prove that no other record is missing, nor that a later correction has not replaced this value.',
  },
  {
    code: 'NOT_ONE_VIEW_WITHOUT_WITNESSES',
    zh: '若信任策略不要求见证方，则不证明所有人看到的是同一本账本。',
    en: 'With a policy that asks for no witness it does not prove that everybody is shown the same ledger.',
  },
];
