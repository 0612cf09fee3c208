/** From the YAML of a contract to the contract, with every check that needs no data (docs/reference/contracts.md). */
import { CONTROL_PREFIX, type DatasetDefinition } from '@airtight/protocol';
import type { Node } from 'yaml';
import { findAlertCircle } from './alert-circle.ts';
import {
  type Contract,
  type Input,
  LATENESS_CADENCES,
  LATENESS_MAX_MS,
  LATENESS_MIN_MS,
  RULES_MAX,
  type Rule,
  SOURCE_MAX_LENGTH,
  TITLE_MAX_LENGTH,
} from './contract.ts';
import type { ContractFault } from './contract-fault.ts';
import { versionOf } from './contract-version.ts';
import { ContractYaml, type Members } from './contract-yaml.ts';
import { readCalendar, readSchedules, readZone } from './read-calendar.ts';
import { readBilingual, readDurationMs, readName, readValueName } from './read-fields.ts';
import { readInputs } from './read-inputs.ts';
import { readRule } from './read-rule.ts';
import { readAlertSources, readWindows } from './read-windows.ts';
import type { TimeZone } from './time-zone.ts';
import { type NamedValues, type Vocabulary, vocabularyOf } from './vocabulary.ts';

export type ContractOutcome =
  | { readonly ok: true; readonly contract: Contract }
  | { readonly ok: false; readonly errors: readonly ContractFault[] };

/**
 * Parses and checks a contract.
 * @param datasets definitions by name; a contract on a dataset that is not among them is refused
 * @param textOf text of another contract, undefined when it is not known: rules that would judge their own alerts by way of
 * it are refused
 * @returns the contract, or every fault found, in order of place
 */
export function parseContract(
  text: string,
  datasets: ReadonlyMap<string, DatasetDefinition>,
  textOf: (contract: string) => string | undefined = () => undefined,
): ContractOutcome {
  const yaml = new ContractYaml(text);
  const rulesOf: RulesOf = (name) => {
    const other = textOf(name);
    const outcome = other === undefined ? undefined : parseContract(other, datasets);
    return outcome?.ok ? outcome.contract.rules : [];
  };
  const contract = yaml.root === null ? null : readContract(yaml, yaml.root, datasets, rulesOf);
  if (contract !== null && yaml.faults.length === 0) return { ok: true, contract };
  return { ok: false, errors: yaml.faults.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

type RulesOf = (contract: string) => readonly Rule[];

const REQUIRED = ['contract', 'title', 'agency', 'source', 'inputs', 'rules'];
const OPTIONAL = ['zone', 'lateness', 'calendar', 'schedules', 'windows', 'alerts', 'let'];

function readContract(yaml: ContractYaml, root: Node, datasets: ReadonlyMap<string, DatasetDefinition>, rulesOf: RulesOf): Contract | null {
  const members = yaml.members(root, REQUIRED, OPTIONAL);
  if (members === null) return null;
  const name = readContractName(yaml, members.get('contract'));
  const title = readBilingual(yaml, members.get('title'), TITLE_MAX_LENGTH, []);
  const agency = readName(yaml, members.get('agency'));
  const source = yaml.text(members.get('source'), SOURCE_MAX_LENGTH);
  const inputs = readInputs(yaml, members.get('inputs'), datasets);
  const items = yaml.items(members.get('rules'), RULES_MAX);
  // Without its datasets no expression can be checked; that fault alone says what to mend first.
  const [primary] = inputs ?? [];
  if (inputs === null || primary === undefined) return null;
  const zone = readZone(yaml, members.get('zone'));
  const latenessMs = readLateness(yaml, members.get('lateness'), primary);
  const named = readNamedValues(yaml, members, inputs, zone, name ?? '');
  const version = versionOf(yaml);
  const vocabularies = new Map<Input, Vocabulary>([[primary, vocabularyOf(yaml, primary, named, members.get('let'), yaml)]]);
  const vocabularyFor = (input: Input): Vocabulary => {
    const known = vocabularies.get(input) ?? vocabularyOf(null, input, named, members.get('let'), yaml);
    vocabularies.set(input, known);
    return known;
  };
  const context = { yaml, contract: name ?? '', version, latenessMs: latenessMs ?? 0, inputs, vocabularyFor, ids: new Set<string>() };
  const rules = items.map((item) => readRule(context, item)).filter((rule) => rule !== null);
  checkReferences({ ...context, rulesOf }, members, rules);
  if (name === null || title === null || agency === null || source === null || latenessMs === null) return null;
  return rules.length < items.length ? null : { contract: name, version, title, agency, source, zone, inputs, latenessMs, rules };
}

/** Under names that begin like the control datasets the platform raises alerts itself. */
function readContractName(yaml: ContractYaml, node: Node | undefined): string | null {
  const name = readName(yaml, node);
  if (name === null || !name.startsWith(CONTROL_PREFIX)) return name;
  yaml.faultAt('name', name, node as Node);
  return null;
}

function readLateness(yaml: ContractYaml, node: Node | undefined, { cadenceMs }: Input): number | null {
  if (node === undefined) return Math.min(LATENESS_MAX_MS, Math.max(LATENESS_CADENCES * cadenceMs, LATENESS_MIN_MS));
  return readDurationMs(yaml, node, 0, LATENESS_MAX_MS);
}

function readNamedValues(yaml: ContractYaml, members: Members, inputs: readonly Input[], zone: TimeZone, contract: string): NamedValues {
  const calendar = readCalendar(yaml, members.get('calendar'));
  const schedules = readSchedules(yaml, members.get('schedules'), zone, calendar);
  const windows = readWindows(yaml, members.get('windows'), inputs);
  const alerts = readAlertSources(yaml, members.get('alerts'), contract);
  const taken = new Set(inputs.flatMap(({ properties }) => [...properties.keys()]));
  for (const key of ['schedules', 'windows', 'alerts', 'let']) {
    const node = members.get(key);
    for (const entry of node === undefined ? [] : yaml.entries(node, Number.POSITIVE_INFINITY)) {
      if (readValueName(yaml, entry.name, entry.key) && taken.has(entry.name)) yaml.faultAt('name-taken', entry.name, entry.key);
      taken.add(entry.name);
    }
  }
  return { windows, schedules, alerts };
}

/** Rules of this contract that others name must be there, and none may judge its own alerts, by whatever detour. */
function checkReferences(
  {
    yaml,
    contract,
    ids,
    rulesOf,
  }: { readonly yaml: ContractYaml; readonly contract: string; readonly ids: ReadonlySet<string>; readonly rulesOf: RulesOf },
  members: Members,
  rules: readonly Rule[],
): void {
  const alertsNode = members.get('alerts') as Node;
  const sources = rules.flatMap((rule) => (rule.kind === 'alerts' ? rule.frame.alerts.map(({ source }) => source) : []));
  for (const { contract: other, rule } of sources) if (other === contract && !ids.has(rule)) yaml.faultAt('rule-unknown', rule, alertsNode);
  for (const rule of rules) {
    for (const { contract: other, rule: id } of rule.inhibitedBy)
      if (other === contract && (!ids.has(id) || id === rule.id)) yaml.faultAt('rule-unknown', id, members.get('rules') as Node);
  }
  const circle = findAlertCircle(contract, rules, rulesOf);
  if (circle !== null) yaml.faultAt('alert-cycle', circle, alertsNode);
}
