/** The logs whose histories evidence is judged by: the own one, and those that the own ledger cosigns. */
import { existsSync, readFileSync } from 'node:fs';
import { AirtightError } from '@airtight/protocol';
import { formatVkey, parsePolicy, parseVkey, type Vkey } from '@airtight/tlog';

/**
 * @param own verifier key of the own ledger, undefined when the deployment has no file of it
 * @param witnessLogsFile a tlog-policy file whose log lines name the others; need not be there
 * @throws AirtightError CONFIG_INVALID
 */
export function readKnownLogs(own: string | undefined, witnessLogsFile: string): readonly Vkey[] {
  const logs = [...(own === undefined ? [] : [ownKey(own)]), ...keysIn(witnessLogsFile)];
  return [...new Map(logs.map((vkey) => [formatVkey(vkey), vkey])).values()];
}

function ownKey(text: string): Vkey {
  const vkey = parseVkey(text);
  if (!vkey.ok) throw new AirtightError('CONFIG_INVALID', `vkeyFile: ${vkey.detail}`);
  return vkey.value;
}

function keysIn(path: string): readonly Vkey[] {
  if (!existsSync(path)) return [];
  const policy = parsePolicy(readFileSync(path, 'utf8'));
  if (!policy.ok) throw new AirtightError('CONFIG_INVALID', `witnessLogsFile: ${policy.detail}`);
  return policy.value.logs.map(({ vkey }) => vkey);
}
