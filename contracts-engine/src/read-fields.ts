/** Fields that stand in several places of a contract. A field that is missing has been named by whoever read its map. */
import { type Bilingual, isName, NAME_MAX_LENGTH, SEVERITIES, type Severity } from '@airtight/protocol';
import { parseDurationMs } from '@airtight/standards/iso8601.ts';
import type { Node } from 'yaml';
import { DURATION_MAX_MS } from './contract.ts';
import type { ContractYaml } from './contract-yaml.ts';
import { placeholdersIn } from './message-template.ts';

const NUMBER_MAX_LENGTH = 20;
/** What CEL takes as an identifier. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** The name of an agency, dataset, contract or rule; null (and a fault) when it is none. */
export function readName(yaml: ContractYaml, node: Node | undefined): string | null {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  if (text === null || isName(text)) return text;
  yaml.faultAt('name', text, node as Node);
  return null;
}

/** A list of names. */
export function readNames(yaml: ContractYaml, node: Node | undefined, max: number): readonly string[] {
  return yaml.items(node, max).flatMap((item) => readName(yaml, item) ?? []);
}

/** Faults a name that an expression could not use. */
export function readValueName(yaml: ContractYaml, name: string, node: Node): boolean {
  if (IDENTIFIER.test(name)) return true;
  yaml.faultAt('name', name, node);
  return false;
}

/** One of some words; null (and a fault) when it is none of them. */
export function readChoice<T extends string>(yaml: ContractYaml, node: Node | undefined, choices: readonly T[]): T | null {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  const choice = choices.find((known) => known === text) ?? null;
  if (text !== null && choice === null) yaml.faultAt('choice', choices.join(', '), node as Node);
  return choice;
}

export function readSeverity(yaml: ContractYaml, node: Node | undefined): Severity | null {
  return readChoice(yaml, node, SEVERITIES);
}

/** A decimal number within a range; null (and a fault) when it is none. */
export function readNumber(yaml: ContractYaml, node: Node | undefined, min: number, max: number, isWhole: boolean): number | null {
  const text = yaml.text(node, NUMBER_MAX_LENGTH);
  if (text === null) return null;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  yaml.faultAt('number', text, node as Node);
  return null;
}

/** A text in both languages, using no other placeholders than these. */
export function readBilingual(
  yaml: ContractYaml,
  node: Node | undefined,
  maxLength: number,
  placeholders: readonly string[],
): Bilingual | null {
  const members = node && yaml.members(node, ['zh', 'en']);
  if (!members) return null;
  const [zh, en] = ['zh', 'en'].map((language) => readTemplate(yaml, members.get(language), maxLength, placeholders));
  return zh == null || en == null ? null : { zh, en };
}

function readTemplate(yaml: ContractYaml, node: Node | undefined, maxLength: number, placeholders: readonly string[]): string | null {
  const text = yaml.text(node, maxLength);
  for (const { name, offset } of placeholdersIn(text ?? '')) {
    if (!placeholders.includes(name)) yaml.faultWithin('placeholder', name, node as Node, offset);
  }
  return text;
}

/** An ISO 8601 duration of at least `minMs`, in ms. */
export function readDurationMs(yaml: ContractYaml, node: Node | undefined, minMs: number, maxMs: number = DURATION_MAX_MS): number | null {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  if (text === null) return null;
  const ms = parseDurationMs(text);
  if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
  yaml.faultAt(ms === null ? 'duration' : 'duration-range', text, node as Node);
  return null;
}
