/** From the YAML of a contract to the contract, with every check that needs no data (docs/reference/contracts.md). */
import { CONTROL_PREFIX, type DatasetDefinition } from '@airtight/protocol';
import type { Node } from 'yaml';
import { type Contract, RULES_MAX, SOURCE_MAX_LENGTH, TITLE_MAX_LENGTH } from './contract.ts';
import type { ContractFault } from './contract-fault.ts';
import { versionOf } from './contract-version.ts';
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
