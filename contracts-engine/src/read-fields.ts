/** Fields that stand in several places of a contract. A field that is missing has been named by whoever read its map. */
import { type Bilingual, isName, NAME_MAX_LENGTH } from '@airtight/protocol';
import { parseDurationMs } from '@airtight/standards/iso8601.ts';
import type { Node } from 'yaml';
import { DURATION_MAX_MS } from './contract.ts';
import type { ContractYaml } from './contract-yaml.ts';
import { placeholdersIn } from './message-template.ts';

/** The name of an agency, dataset, contract or rule; null (and a fault) when it is none. */
export function readName(yaml: ContractYaml, node: Node | undefined): string | null {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  if (text === null || isName(text)) return text;
  yaml.faultAt('name', text, node as Node);
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
export function readDurationMs(yaml: ContractYaml, node: Node | undefined, minMs: number): number | null {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  if (text === null) return null;
  const ms = parseDurationMs(text);
  if (ms !== null && ms >= minMs && ms <= DURATION_MAX_MS) return ms;
  yaml.faultAt(ms === null ? 'duration' : 'duration-range', text, node as Node);
  return null;
}
