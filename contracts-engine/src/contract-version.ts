/** The version of a contract. A file of its own, without the expressions: a browser that checks an alert computes it too. */
import { AirtightError, sha256Hex } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { ENGINE_VERSION } from './contract.ts';
import { ContractYaml, type PlainDocument } from './contract-yaml.ts';

/**
 * The version of a contract: lower-case hex SHA-256 over the canonical form (RFC 8785) of its document together with
 * the engine's semantics. Comments, order of keys and layout do not count.
 * @throws AirtightError CONTRACT_INVALID when the text is no YAML a contract can be written in
 */
export function contractVersion(text: string): string {
  return versionOf(readYaml(text));
}

/**
 * Ids of a contract's rules, as the text names them.
 * @throws AirtightError CONTRACT_INVALID as above
 */
export function ruleIdsOf(text: string): string[] {
  const plain = readYaml(text).plain();
  const rules = isMap(plain) && Array.isArray(plain['rules']) ? (plain['rules'] as readonly PlainDocument[]) : [];
  return rules.filter(isMap).map(({ id }) => String(id));
}

function isMap(plain: PlainDocument): plain is { readonly [key: string]: PlainDocument } {
  return typeof plain === 'object' && !Array.isArray(plain);
}

function readYaml(text: string): ContractYaml {
  const yaml = new ContractYaml(text);
  const fault = yaml.faults[0];
  if (fault !== undefined) throw new AirtightError('CONTRACT_INVALID', `${fault.line}:${fault.column} ${fault.en}`);
  return yaml;
}

/** @param yaml a document without faults */
export function versionOf(yaml: ContractYaml): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson({ engine: ENGINE_VERSION, contract: yaml.plain() })));
}
