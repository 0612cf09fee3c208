/** The alert that a proven fork raises. Everything in it follows from the evidence, so it is the same whenever it is made. */
import { hash } from 'node:crypto';
import { type AlertRaised, CONTROL_AGENCY, LEDGER_FORK_ALERT } from '@airtight/protocol';
import {
  type Checkpoint,
  decodeBase64,
  encodeBase64,
  type ForkKind,
  judgeFork,
  readCheckpoint,
  type Verdict,
  type Vkey,
} from '@airtight/tlog';
import type { EvidenceFile } from '../upstream/ledger-client.ts';

/** Of SHA-256, in hex digits: as long as every alert's id. */
const ALERT_ID_LENGTH = 32;
/** Version of the rule by which this alert is raised, where a contract's version stands. */
const RULE_VERSION = 'c2sp.org/tlog-witness';

/** @returns how the log contradicts itself; the fault when the file does not prove it by these keys */
export function judgeEvidence({ held, offered, path, otherRoot }: EvidenceFile, logs: readonly Vkey[]): Verdict<ForkKind> {
  const hashes = path.map((text) => decodeBase64(text) ?? new Uint8Array(0));
  const root = otherRoot === null ? null : decodeBase64(otherRoot);
  const fork = { held: Buffer.from(held), offered: Buffer.from(offered), path: hashes, ...(root === null ? {} : { otherRoot: root }) };
  return judgeFork(fork, logs);
}

/**
 * The id of a fork's alert: from the signed text that was cosigned and is now contradicted. A log that forks is refused
 * once a second, each time with a checkpoint that grew; all of that is one fork and raises one alert.
 */
export function forkAlertId(held: string): string {
  return hash('sha256', held.slice(0, held.lastIndexOf('\n\n') + 1), 'hex').slice(0, ALERT_ID_LENGTH);
}

/** In a sentence the first characters tell two roots apart; the whole ones stand among the alert's values. */
const SHOWN_ROOT_LENGTH = 12;

/** @param evidence of which judgeEvidence says that it proves a fork of this kind */
export function forkAlert(evidence: EvidenceFile, kind: ForkKind): AlertRaised {
  const held = checkpointOf(evidence.held);
  const offered = checkpointOf(evidence.offered);
  const [heldRoot, offeredRoot] = [encodeBase64(held.root), encodeBase64(offered.root)];
  const [heldShown, offeredShown] = [heldRoot, offeredRoot].map((root) => `${root.slice(0, SHOWN_ROOT_LENGTH)}…`);
  const at = Date.parse(evidence.seenAt);
  return {
    v: 1,
    type: 'raise',
    n: 0,
    alert: forkAlertId(evidence.held),
    at,
    since: at,
    contract: LEDGER_FORK_ALERT,
    version: RULE_VERSION,
    rule: kind,
    severity: 'extreme',
    agency: CONTROL_AGENCY,
    dataset: LEDGER_FORK_ALERT,
    subject: held.origin,
    values: {
      origin: held.origin,
      evidence: evidence.id,
      witness: evidence.witness,
      heldSize: held.size,
      heldRoot,
      offeredSize: offered.size,
      offeredRoot,
    },
    message: {
      zh: `账本 ${held.origin} 出现两个历史：已联署的检查点（${held.size} 条，根 ${heldShown}）与其后签发的检查点（${offered.size} 条，根 ${offeredShown}）互相矛盾，两者均有该账本的签名。`,
      en: `The ledger ${held.origin} has two histories: the checkpoint that was cosigned (${held.size} entries, root ${heldShown}) and the one it signed later (${offered.size} entries, root ${offeredShown}) contradict each other, and it signed both.`,
    },
    evidence: [],
  };
}

/** Only checkpoints that were judged come here. */
function checkpointOf(note: string): Checkpoint {
  const checkpoint = readCheckpoint(Buffer.from(note));
  if (!checkpoint.ok) throw new Error(`${checkpoint.code}: ${checkpoint.detail}`);
  return checkpoint.value;
}
