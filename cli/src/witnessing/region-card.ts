/**
 * A region's card: the public halves of its keys and where it is reached, as a tlog-policy file (c2sp.org/tlog-policy),
 * so that any tool reads it. Regions hand each other their cards, and make of them whom they cosign for, and by whom they
 * are cosigned.
 */
import { readFileSync } from 'node:fs';
import { formatVkey, type Policy, type PolicyLog, type PolicyWitness, parsePolicy } from '@airtight/tlog';
import { EnvironmentError } from '../command.ts';

export interface RegionCard {
  /** Verifier keys: two while one takes over from the other. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
}

export interface OwnKeys {
  /** What others call this witness: a word for policy files. */
  readonly name: string;
  readonly logVkey: string;
  readonly witnessVkey: string;
}

/** The groups of the policy, as docs/reference/witness.md explains them. */
const GROUPS = { regions: 'provinces', outsiders: 'outside', both: 'final' } as const;

/** @param url where the deployment's one public port is reached from outside */
export function formatCard({ name, logVkey, witnessVkey }: OwnKeys, url: string): string {
  const prefix = url.replace(/\/+$/, '');
  return `log ${logVkey} ${prefix}/ledger\nwitness ${name} ${witnessVkey} ${prefix}/witness/v0\nquorum none\n`;
}

/** @throws EnvironmentError when it is no policy file */
export function readCard(file: string): RegionCard {
  const { logs, witnesses } = checked(file, readFileSync(file, 'utf8'));
  return { logs, witnesses };
}

/** The logs that are cosigned: the setting `witnessLogsFile`. */
export function witnessLogsOf(cards: readonly RegionCard[]): string {
  return `${cards.flatMap(({ logs }) => logs.map(logLine)).join('\n')}\nquorum none\n`;
}

/**
 * Who cosigns the own log, and how many are enough: the setting `policyFile`, and what everyone verifies its proofs with.
 * All regions must have cosigned, and one of the outsiders where there are any.
 * @throws EnvironmentError when the cards do not go together
 */
export function policyOf(ownVkeys: readonly string[], regions: readonly RegionCard[], outsiders: readonly RegionCard[]): string {
  const [inside, outside] = [witnessesOf(regions), witnessesOf(outsiders)];
  const lines = [...ownVkeys.map((vkey) => `log ${vkey}`), ...[...inside, ...outside].map(witnessLine)];
  const names = (witnesses: readonly PolicyWitness[]) => witnesses.map(({ name }) => name).join(' ');
  lines.push(`group ${GROUPS.regions} all ${names(inside)}`);
  if (outside.length > 0) {
    lines.push(`group ${GROUPS.outsiders} any ${names(outside)}`, `group ${GROUPS.both} all ${GROUPS.regions} ${GROUPS.outsiders}`);
  }
  const text = `${lines.join('\n')}\nquorum ${outside.length > 0 ? GROUPS.both : GROUPS.regions}\n`;
  checked('policy', text);
  return text;
}

/**
 * One policy for the logs of several regions that cosign each other: of every log, so many regions must have cosigned.
 * @param threshold with n regions, n - 1 is all the others: a region does not cosign its own log
 */
export function commonPolicy(cards: readonly RegionCard[], threshold: number): string {
  const witnesses = witnessesOf(cards);
  const lines = [...cards.flatMap(({ logs }) => logs.map(logLine)), ...witnesses.map(witnessLine)];
  return `${lines.join('\n')}\ngroup regions ${threshold} ${witnesses.map(({ name }) => name).join(' ')}\nquorum regions\n`;
}

function witnessesOf(cards: readonly RegionCard[]): readonly PolicyWitness[] {
  return cards.flatMap(({ witnesses }) => witnesses);
}

function logLine({ vkey, url }: PolicyLog): string {
  return ['log', formatVkey(vkey), ...(url === undefined ? [] : [url])].join(' ');
}

function witnessLine({ name, vkey, url }: PolicyWitness): string {
  return ['witness', name, formatVkey(vkey), ...(url === undefined ? [] : [url])].join(' ');
}

function checked(what: string, text: string): Policy {
  const policy = parsePolicy(text);
  if (policy.ok) return policy.value;
  throw new EnvironmentError({ zh: `${what}：${policy.detail}`, en: `${what}: ${policy.detail}` });
}
