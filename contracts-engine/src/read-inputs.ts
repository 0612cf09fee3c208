/** What of which datasets a contract judges. */
import type { DatasetDefinition } from '@airtight/protocol';
import { hasTests, isName, NAME_MAX_LENGTH } from '@airtight/protocol';
import type { Node } from 'yaml';
import { INPUTS_MAX, type Input, LIST_MAX } from './contract.ts';
import type { ContractYaml } from './contract-yaml.ts';
import type { VariableDeclaration } from './expr/expression.ts';
import { VERDICTS, type Verdict } from './quality/value-verdict.ts';
import { readName, readNames, readValueName } from './read-fields.ts';

const FLAGS_MAX = 16;
const FLAG_MAX_LENGTH = 18;
/**
 * Flags a rule may tolerate: data that came late, that the producer held back or that lies outside the physical range, a
 * producer's own mark. Never `future` (such a time is no event time) nor `unit` (the number means something else).
 */
const ACCEPTABLE_FLAG = /^(?:late|historical|range|q=.{0,16})$/u;
const PATTERN = /^[A-Za-z0-9._*-]{1,64}$/;

/** @returns the inputs in the order of the document; null (and faults) when one cannot be read */
export function readInputs(
  yaml: ContractYaml,
  node: Node | undefined,
  datasets: ReadonlyMap<string, DatasetDefinition>,
): readonly Input[] | null {
  if (node === undefined) return null;
  const entries = yaml.entries(node, INPUTS_MAX);
  const inputs = entries.map(({ name, key, value }) => readInput(yaml, name, key, value, datasets));
  return entries.length > 0 && inputs.every((input) => input !== null) ? inputs : null;
}

function readInput(
  yaml: ContractYaml,
  name: string,
  key: Node,
  node: Node,
  datasets: ReadonlyMap<string, DatasetDefinition>,
): Input | null {
  const members = yaml.members(node, ['dataset'], ['properties', 'agencies', 'regions', 'producers', 'accept']);
  readValueName(yaml, name, key);
  if (members === null) return null;
  const definition = readDataset(yaml, members.get('dataset'), datasets);
  const agencies = members.get('agencies');
  const regions = members.get('regions');
  const producers = readPatterns(yaml, members.get('producers'));
  if (definition === null) return null;
  const accepted = readAccept(yaml, members.get('accept'), members.get('properties'), definition);
  return {
    ...{ name, dataset: definition.dataset, cadenceMs: definition.cadenceMs, isForecast: definition.forecast === true },
    ...{ ...accepted, producers },
    agencies: agencies === undefined ? null : new Set(readNames(yaml, agencies, LIST_MAX)),
    regions:
      regions === undefined ? null : new Set(yaml.items(regions, LIST_MAX).flatMap((item) => yaml.text(item, NAME_MAX_LENGTH) ?? [])),
    properties: readProperties(yaml, members.get('properties'), definition),
  };
}

function readDataset(yaml: ContractYaml, node: Node | undefined, datasets: ReadonlyMap<string, DatasetDefinition>) {
  const name = readName(yaml, node);
  if (name === null) return null;
  const definition = datasets.get(name);
  if (definition === undefined) yaml.faultAt('dataset-unknown', name, node as Node);
  return definition ?? null;
}

function readProperties(yaml: ContractYaml, node: Node | undefined, { properties }: DatasetDefinition): Map<string, VariableDeclaration> {
  const all = new Map(
    Object.entries(properties).map(([name, { unit }]) => [name, { type: unit === '1' ? 'any' : 'number', unit } as const]),
  );
  if (node === undefined) return all;
  const chosen = new Map<string, VariableDeclaration>();
  for (const item of yaml.items(node, LIST_MAX)) {
    const name = yaml.text(item, NAME_MAX_LENGTH);
    const declaration = name === null ? undefined : all.get(name);
    if (name !== null && declaration === undefined) yaml.faultAt('property-unknown', name, item);
    if (name !== null && declaration !== undefined) chosen.set(name, declaration);
  }
  return chosen;
}

function readPatterns(yaml: ContractYaml, node: Node | undefined): readonly string[] | null {
  if (node === undefined) return null;
  const patterns: string[] = [];
  for (const item of yaml.items(node, LIST_MAX)) {
    const pattern = yaml.text(item, NAME_MAX_LENGTH);
    if (pattern === null) continue;
    if (isName(pattern) || PATTERN.test(pattern)) patterns.push(pattern);
    else yaml.faultAt('name', pattern, item);
  }
  return patterns;
}

/** QARTOD: a value that fails is not for use; what is suspect is, with care, and so is what was not evaluated. */
const USUAL: ReadonlySet<Verdict> = new Set(['pass', 'not_evaluated', 'suspect']);

type Accepted = Pick<Input, 'acceptedFlags' | 'acceptedVerdicts' | 'untested'>;

function readAccept(yaml: ContractYaml, node: Node | undefined, propertiesNode: Node | undefined, definition: DatasetDefinition): Accepted {
  const acceptedFlags = new Set<string>();
  const members = node && yaml.members(node, [], ['flags', 'quality']);
  if (node !== undefined && members?.size === 0) yaml.faultAt('key-missing', 'flags, quality', node);
  for (const item of yaml.items(members?.get('flags'), FLAGS_MAX)) {
    const flag = yaml.text(item, FLAG_MAX_LENGTH);
    if (flag !== null && !ACCEPTABLE_FLAG.test(flag)) yaml.faultAt('flag', flag, item);
    if (flag !== null) acceptedFlags.add(flag);
  }
  const qualityNode = members?.get('quality');
  const acceptedVerdicts = qualityNode === undefined ? USUAL : readVerdicts(yaml, qualityNode);
  if (qualityNode === undefined || acceptedVerdicts.has('not_evaluated')) return { acceptedFlags, acceptedVerdicts, untested: new Set() };
  const untested = new Set(Object.keys(definition.properties).filter((name) => !hasTests(definition, name)));
  faultUntested(yaml, qualityNode, propertiesNode, untested, Object.keys(definition.properties).length);
  return { acceptedFlags, acceptedVerdicts, untested };
}

function readVerdicts(yaml: ContractYaml, node: Node): ReadonlySet<Verdict> {
  const verdicts = new Set<Verdict>();
  for (const item of yaml.items(node, VERDICTS.length)) {
    const verdict = yaml.text(item, FLAG_MAX_LENGTH);
    if (verdict === null) continue;
    if ((VERDICTS as readonly string[]).includes(verdict)) verdicts.add(verdict as Verdict);
    else yaml.faultAt('choice', VERDICTS.join(', '), item);
  }
  if (!verdicts.has('pass')) yaml.faultAt('quality-pass', '', node);
  return verdicts;
}

/** What nobody evaluates would never count. */
function faultUntested(
  yaml: ContractYaml,
  qualityNode: Node,
  propertiesNode: Node | undefined,
  untested: ReadonlySet<string>,
  all: number,
): void {
  const named = propertiesNode === undefined ? [] : yaml.items(propertiesNode, LIST_MAX);
  for (const item of named) {
    const name = (item as { readonly value?: unknown }).value;
    if (typeof name === 'string' && untested.has(name)) yaml.faultAt('quality-untested', name, item);
  }
  if (propertiesNode === undefined && untested.size === all) yaml.faultAt('quality-untested', [...untested].join(', '), qualityNode);
}
