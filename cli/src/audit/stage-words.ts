/** What the stages of an audit and the things that they count are called. */
import type { Bilingual } from '@airtight/protocol';
import type { AuditStage, Finding } from './finding.ts';

export const STAGES: { readonly [stage in AuditStage]: Bilingual } = {
  journal: { zh: '日志与批次', en: 'journal and batches' },
  batches: { zh: '批次', en: 'batches' },
  ledger: { zh: '账本', en: 'ledger' },
  state: { zh: '账本数据库', en: 'database of the ledger' },
  entries: { zh: '批次与账本条目', en: 'batches in the ledger' },
  index: { zh: '分段索引', en: 'side indices' },
  derived: { zh: '快照等派生文件', en: 'snapshots and other derived files' },
  keys: { zh: '密钥与策略', en: 'keys and policies' },
  store: { zh: '查询库', en: 'store' },
  files: { zh: '全部文件', en: 'all files' },
};

const COUNTED: { readonly [what: string]: Bilingual } = {
  records: { zh: '条记录', en: 'records' },
  batches: { zh: '个批次', en: 'batches' },
  chain: { zh: '个批次在链上', en: 'batches in the chain' },
  unsealed: { zh: '条未封批', en: 'not in a batch yet' },
  removed: { zh: '条内容已按保留策略删除', en: 'payloads removed by policy' },
  erased: { zh: '条机密记录已销毁', en: 'confidential records erased' },
  committed: { zh: '条机密记录与承诺相符', en: 'confidential records held against their commitments' },
  withheld: { zh: '条内容未提供', en: 'payloads withheld' },
  entries: { zh: '个条目', en: 'entries' },
  files: { zh: '个文件', en: 'files' },
  anchored: { zh: '个批次已入账', en: 'batches are entries' },
  waiting: { zh: '个待入账', en: 'waiting' },
  rows: { zh: '个条目序号', en: 'indexes of entries' },
  indices: { zh: '个索引文件', en: 'side indices' },
  snapshots: { zh: '个快照', en: 'snapshots' },
  keys: { zh: '个密钥文件', en: 'key files' },
  unknown: { zh: '个文件不属于任何已知种类', en: 'files of no known kind' },
  control: { zh: '条控制数据', en: 'control rows' },
  alerts: { zh: '条告警变化', en: 'alert rows' },
  indexRows: { zh: '条指数', en: 'index rows' },
  observations: { zh: '条观测', en: 'observation rows' },
};

export function countedAs(what: string): Bilingual {
  return COUNTED[what] ?? { zh: what, en: what };
}

/** File, byte and record of a finding, as far as it has them. */
export function placeOf({ file, offset, position }: Finding): string {
  const parts = [file, offset === undefined ? undefined : `byte ${offset}`, position === undefined ? undefined : `record ${position}`];
  return parts.filter((part) => part !== undefined).join(', ') || 'ledger';
}
