/** The logs that a witness cosigns for: the `log` lines of a tlog-policy file. Two keys of one origin are one log. */
import { originHash, parsePolicy, type Vkey } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';

export interface KnownLog {
  readonly origin: string;
  /** Lower-case hex SHA-256 of the origin: its name in paths. */
  readonly hash: string;
  readonly vkeys: readonly Vkey[];
  /** Where its tiles are, when the file says so. */
  readonly url?: string;
}

/** Logs by origin. */
export type KnownLogs = ReadonlyMap<string, KnownLog>;

/**
 * @param text a tlog-policy file; its witnesses and its quorum do not count
 * @throws LedgerError CONFIG_INVALID
 */
export function parseKnownLogs(text: string): KnownLogs {
  const policy = parsePolicy(text);
  if (!policy.ok) throw new LedgerError('CONFIG_INVALID', `witnessLogsFile: ${policy.detail}`);
  const logs = new Map<string, KnownLog>();
  for (const { vkey, url } of policy.value.logs) {
    const before = logs.get(vkey.name);
    const known = { origin: vkey.name, hash: originHash(vkey.name), vkeys: [...(before?.vkeys ?? []), vkey] };
    const place = url ?? before?.url;
    logs.set(vkey.name, place === undefined ? known : { ...known, url: place });
  }
  return logs;
}
