/** The alert about a time in which nothing could be stored. Everything in it follows from the record in `sys.storage`. */
import { hash } from 'node:crypto';
import {
  type AlertCleared,
  type AlertRaised,
  CODES,
  CONTROL_AGENCY,
  type Code,
  STORAGE_ALERT,
  type StorageFaultRecord,
} from '@airtight/protocol';

/** Of SHA-256, in hex digits: as long as every alert's id. */
const ALERT_ID_LENGTH = 32;
/** Version of the rule by which this alert is raised, where a contract's version stands. */
const RULE_VERSION = '1';

/**
 * @returns its raise and its end, both at the time at which storing worked again: until then no alert could be stored either,
 * and what is a day old when it is raised would be told to nobody.
 */
export function storageAlert({ code, detail, from, until }: StorageFaultRecord): readonly [AlertRaised, AlertCleared] {
  const alert = hash('sha256', `${STORAGE_ALERT} ${code} ${from}`, 'hex').slice(0, ALERT_ID_LENGTH);
  const lastedS = Math.round((until - from) / 1000);
  const [began, ended] = [from, until].map((ms) => new Date(ms).toISOString());
  const effect = { v: 1, alert, at: until, contract: STORAGE_ALERT, agency: CONTROL_AGENCY, evidence: [] } as const;
  const values = { code, detail, from: began as string, until: ended as string, lastedS };
  const { zh, en } = CODES[code as Code];
  const raised: AlertRaised = {
    ...effect,
    ...{ type: 'raise', n: 0, version: RULE_VERSION, rule: code, severity: 'severe' },
    ...{ dataset: STORAGE_ALERT, subject: 'ingest', since: from, values },
    message: {
      zh: `${began} 至 ${ended}（${lastedS} 秒）未能存储，期间未确认任何数据，现已恢复。${code}：${zh}（${detail}）`,
      en: `From ${began} to ${ended} (${lastedS} s) nothing could be stored and nothing was acknowledged; storing works again. ${code}: ${en} (${detail})`,
    },
  };
  return [raised, { ...effect, type: 'clear', n: 1, values }];
}
