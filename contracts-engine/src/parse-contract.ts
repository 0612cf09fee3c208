/** From the YAML of a contract to the contract, with every check that needs no data (docs/reference/contracts.md). */
import { AirtightError, CONTROL_PREFIX, type DatasetDefinition, sha256Hex } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { Node } from 'yaml';
import { type Contract, ENGINE_VERSION, RULES_MAX, SOURCE_MAX_LENGTH, TITLE_MAX_LENGTH } from './contract.ts';
import type { ContractFault } from './contract-fault.ts';
import { ContractYaml } from './contract-yaml.ts';
import { readBilingual, readName } from './read-fields.ts';
import { readRule, ruleContext } from './read-rule.ts';

export type ContractOutcome =
  | { readonly ok: true; readonly contract: Contract }
  | { readonly ok: false; readonly errors: readonly ContractFault[] };

/**
 * Parses and checks a contract.
 * @param datasets definitions by name; a contract on a dataset that is not among them is refused
 * @returns the contract, or every fault found, in order of place
 */
export function parseContract(text: string, datasets: ReadonlyMap<string, DatasetDefinition>): ContractOutcome {
  const yaml = new ContractYaml(text);
  const contract = yaml.root === null ? null : readContract(yaml, yaml.root, datasets);
  if (contract !== null && yaml.faults.length === 0) return { ok: true, contract };
  return { ok: false, errors: yaml.faults.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/**
 * The version of a contract: lower-case hex SHA-256 over the canonical form (RFC 8785) of its document together with
 * the engine's semantics. Comments, order of keys and layout do not count.
 * @throws AirtightError CONTRACT_INVALID when the text is no YAML a contract can be written in
 */
export function contractVersion(text: string): string {
  const yaml = new ContractYaml(text);
  const fault = yaml.faults[0];
  if (fault !== undefined) throw new AirtightError('CONTRACT_INVALID', `${fault.line}:${fault.column} ${fault.en}`);
  return versionOf(yaml);
}

function versionOf(yaml: ContractYaml): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson({ engine: ENGINE_VERSION, contract: yaml.plain() })));
}

function readContract(yaml: ContractYaml, root: Node, datasets: ReadonlyMap<string, DatasetDefinition>): Contract | null {
  const members = yaml.members(root, ['contract', 'title', 'agency', 'dataset', 'source', 'rules']);
  if (members === null) return null;
  const name = readContractName(yaml, members.get('contract'));
  const title = readBilingual(yaml, members.get('title'), TITLE_MAX_LENGTH, []);
  const agency = readName(yaml, members.get('agency'));
  const source = yaml.text(members.get('source'), SOURCE_MAX_LENGTH);
  const definition = readDataset(yaml, members.get('dataset'), datasets);
  const items = yaml.items(members.get('rules'), RULES_MAX);
  // Without a dataset no expression can be checked; that fault alone says what to mend first.
  if (definition === null) return null;
  const context = ruleContext(yaml, definition);
  const rules = items.map((item) => readRule(context, item)).filter((rule) => rule !== null);
  if (name === null || title === null || agency === null || source === null || rules.length < items.length) return null;
  return { contract: name, version: versionOf(yaml), title, agency, dataset: definition.dataset, source, rules };
}

/** Under names that begin like the control datasets the platform raises alerts itself. */
function readContractName(yaml: ContractYaml, node: Node | undefined): string | null {
  const name = readName(yaml, node);
  if (name === null || !name.startsWith(CONTROL_PREFIX)) return name;
  yaml.faultAt('name', name, node as Node);
  return null;
}

function readDataset(yaml: ContractYaml, node: Node | undefined, datasets: ReadonlyMap<string, DatasetDefinition>) {
  const name = readName(yaml, node);
  if (name === null) return null;
  const definition = datasets.get(name);
  if (definition === undefined) yaml.faultAt('dataset-unknown', name, node as Node);
  return definition ?? null;
}
