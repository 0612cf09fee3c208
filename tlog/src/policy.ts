/**
 * Trust policies, c2sp.org/tlog-policy: which logs are known, which witnesses, and which of them must have cosigned.
 *
 *   log <vkey> [<url>]
 *   witness <name> <vkey> [<url>]
 *   group <name> all|any|<k> <member>…
 *   quorum <name>|none
 */
import { equalBytes } from '@noble/curves/utils.js';
import { sha256Hex } from './sha256.ts';
import { type Fault, fail, pass, type Verdict } from './verdict.ts';
import { ED25519, ED25519_COSIGNATURE, formatVkey, ML_DSA_44_COSIGNATURE, parseVkey, type Vkey } from './vkey.ts';

/** The specification asks for at least 32 of each kind. */
export const POLICY_MAX_LINES = 1000;
export const POLICY_MAX_CHARACTERS = 4_000_000;

export interface PolicyLog {
  readonly vkey: Vkey;
  readonly url?: string;
}
export interface PolicyWitness {
  /** Its name within the policy file. */
  readonly name: string;
  readonly vkey: Vkey;
  readonly url?: string;
}
export interface PolicyGroup {
  readonly name: string;
  /** How many members must have witnessed. */
  readonly threshold: number;
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group; null for `none`: no cosignature is asked for. */
  readonly quorum: string | null;
}

interface Draft {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly groups: PolicyGroup[];
  readonly grouped: Set<string>;
  quorum?: string | null;
}

const NO_WITNESS = 'none';

/**
 * Parses a policy file.
 * @returns POLICY_INVALID with the number of the first wrong line
 */
export function parsePolicy(text: string): Verdict<Policy> {
  if (text.length > POLICY_MAX_CHARACTERS) return fail('POLICY_INVALID', `longer than ${POLICY_MAX_CHARACTERS} characters`);
  // Allowed octets: tab, newline, 0x20 to 0x7E, 0x80 to 0xFF.
  if (/[^\t\n\u0020-\u007e\u0080-\u{10ffff}]/u.test(text)) return fail('POLICY_INVALID', 'a control character');
  const lines = text.split('\n');
  if (lines.length > POLICY_MAX_LINES) return fail('POLICY_INVALID', `more than ${POLICY_MAX_LINES} lines`);
  const draft: Draft = { logs: [], witnesses: [], groups: [], grouped: new Set() };
  for (const [at, line] of lines.entries()) {
    const [keyword = '', ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === '' || keyword.startsWith('#')) continue;
    const fault = addLine(draft, keyword, items);
    if (fault !== null) return fail('POLICY_INVALID', `line ${at + 1}: ${fault}`);
  }
  const { logs, witnesses, groups, quorum } = draft;
  return quorum === undefined ? fail('POLICY_INVALID', 'no quorum line') : pass({ logs, witnesses, groups, quorum });
}

/** The policy that trusts one log and asks for no witness. */
export function policyOfLog(vkey: Vkey): Policy {
  return { logs: [{ vkey }], witnesses: [], groups: [], quorum: null };
}

/**
 * The policy in one form, whatever its file looks like: without addresses and comments, logs, then witnesses, then groups
 * (their thresholds as numbers), each kind and the members of a group in ascending order (by UTF-16 code units), then the quorum.
 */
export function canonicalPolicy({ logs, witnesses, groups, quorum }: Policy): string {
  const lines = [
    ...logs.map(({ vkey }) => `log ${formatVkey(vkey)}`).sort(),
    ...witnesses.map(({ name, vkey }) => `witness ${name} ${formatVkey(vkey)}`).sort(),
    ...groups.map(({ name, threshold, members }) => `group ${name} ${threshold} ${[...members].sort().join(' ')}`).sort(),
    `quorum ${quorum ?? NO_WITNESS}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Lower-case hex SHA-256 of the canonical form: tells whether two people trust the same logs and witnesses. */
export function policyFingerprint(policy: Policy): string {
  return sha256Hex(new TextEncoder().encode(canonicalPolicy(policy)));
}

/** @returns what is wrong with the line, or null */
function addLine(draft: Draft, keyword: string, items: readonly string[]): string | null {
  switch (keyword) {
    case 'log':
      return addLog(draft, items);
    case 'witness':
      return addWitness(draft, items);
    case 'group':
      return addGroup(draft, items);
    case 'quorum':
      return setQuorum(draft, items);
    default:
      return `unknown keyword ${keyword}`;
  }
}

function addLog(draft: Draft, items: readonly string[]): string | null {
  const [key = '', url] = items;
  if (items.length < 1 || items.length > 2) return 'log <vkey> [<url>]';
  const vkey = keyOfType(key, [ED25519]);
  if (!vkey.ok) return vkey.detail;
  if (draft.logs.some((log) => equalBytes(log.vkey.publicKey, vkey.value.publicKey))) return 'the same log key twice';
  draft.logs.push(url === undefined ? { vkey: vkey.value } : { vkey: vkey.value, url });
  return null;
}

function addWitness(draft: Draft, items: readonly string[]): string | null {
  const [name = '', key = '', url] = items;
  if (items.length < 2 || items.length > 3) return 'witness <name> <vkey> [<url>]';
  if (isTaken(draft, name)) return `the name ${name} is taken`;
  const vkey = keyOfType(key, [ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE]);
  if (!vkey.ok) return vkey.detail;
  if (draft.witnesses.some((witness) => equalBytes(witness.vkey.publicKey, vkey.value.publicKey))) return 'the same witness key twice';
  draft.witnesses.push(url === undefined ? { name, vkey: vkey.value } : { name, vkey: vkey.value, url });
  return null;
}

function addGroup(draft: Draft, items: readonly string[]): string | null {
  const [name = '', rule = '', ...members] = items;
  if (members.length < 1) return 'group <name> all|any|<k> <member>…';
  if (isTaken(draft, name)) return `the name ${name} is taken`;
  const wrong = members.find((member, at) => !isDefined(draft, member) || draft.grouped.has(member) || members.indexOf(member) !== at);
  if (wrong !== undefined) return `${wrong} is not defined above, or is a group member already`;
  const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : Number(/^[1-9][0-9]{0,3}$/.exec(rule)?.[0]);
  if (!(threshold <= members.length)) return `the threshold ${rule} is not all, any or 1 to ${members.length}`;
  for (const member of members) draft.grouped.add(member);
  draft.groups.push({ name, threshold, members });
  return null;
}

function setQuorum(draft: Draft, items: readonly string[]): string | null {
  const [name = ''] = items;
  if (items.length !== 1) return 'quorum <name>|none';
  if (draft.quorum !== undefined) return 'a second quorum line';
  if (name !== NO_WITNESS && !isDefined(draft, name)) return `${name} is not defined above`;
  draft.quorum = name === NO_WITNESS ? null : name;
  return null;
}

function keyOfType(text: string, types: readonly number[]): Verdict<Vkey> | Fault {
  const vkey = parseVkey(text);
  if (!vkey.ok || types.includes(vkey.value.type)) return vkey;
  return fail('POLICY_INVALID', `${vkey.value.name}: a key of signature type ${vkey.value.type} has another use`);
}

/** Witnesses and groups share one name space. */
function isDefined(draft: Draft, name: string): boolean {
  return draft.witnesses.some((witness) => witness.name === name) || draft.groups.some((group) => group.name === name);
}

function isTaken(draft: Draft, name: string): boolean {
  return name === NO_WITNESS || isDefined(draft, name);
}

/**
 * True when the witnesses that have cosigned fulfil the quorum.
 * @param cosigned names of witnesses, as the policy calls them
 */
export function isQuorumMet(policy: Policy, cosigned: ReadonlySet<string>): boolean {
  if (policy.quorum === null) return true;
  const hasWitnessed = (name: string): boolean => {
    const group = policy.groups.find((candidate) => candidate.name === name);
    return group === undefined ? cosigned.has(name) : group.members.filter(hasWitnessed).length >= group.threshold;
  };
  return hasWitnessed(policy.quorum);
}
