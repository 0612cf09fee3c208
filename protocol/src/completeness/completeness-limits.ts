/** What a verified completeness proof does not prove. To be shown wherever a pass is shown. */
import type { Bilingual } from '../control.ts';

export const COMPLETENESS_LIMITS: readonly Bilingual[] = [
  {
    zh: '不证明设备测量或发送了什么：未计数的设备少发的读数看不出来，说谎的设备可以随意编号。',
    en: 'It does not prove what the device measured or sent: a reading less of a device that does not count leaves no trace, and a device that lies can number as it likes.',
  },
  {
    zh: '不证明消息未在进入日志之前丢失或被拒收：缺失的编号指明了它们，隔离区和网络说明原因。',
    en: 'It does not prove that no message was lost or refused before the journal: missing numbers name them; quarantine and network tell why.',
  },
  {
    zh: '批次中各生产者的记录数由封存批次的服务计算：持有全部记录的审计方可重算并发现虚报，仅凭此文件不能。',
    en: 'How many records each producer has in a batch was counted by the service that sealed it: an auditor with all the records counts again and finds a lie; this file alone does not.',
  },
  {
    zh: '不涉及所述时刻之后才收到的记录。',
    en: 'It says nothing of records that were received after the time that it names.',
  },
];
