/** Windows over event time and counts of other rules' alerts: the named values of a contract that are no expressions. */
import { NAME_MAX_LENGTH, SEVERITIES } from '@airtight/protocol';
import type { Node } from 'yaml';
import {
  type Aggregate,
  type AlertSource,
  DURATION_MAX_MS,
  type Input,
  NAMED_VALUES_MAX,
  NEIGHBOURS_KM_MAX,
  type Probe,
  READINGS_KEPT_MAX,
  STATION_READINGS_KEPT_MAX,
  type Window,
} from './contract.ts';
import type { ContractYaml, Members } from './contract-yaml.ts';
import { expressionCompiler } from './expr/cel.ts';
import { EXPRESSION_MAX_LENGTH, type VariableDeclaration } from './expr/expression.ts';
import { readChoice, readDurationMs, readName, readNumber, readSeverity } from './read-fields.ts';

const AGGREGATES: readonly Aggregate[] = [
  ...(['count', 'share', 'mean', 'median', 'min', 'max', 'sum'] as const),
  ...(['quantile', 'rate', 'coverage', 'duration', 'last', 'values'] as const),
];
const OPTIONS = ['over', 'ahead', 'from', 'shape', 'gap', 'at', 'per', 'require', 'stations', 'neighbours'];
/** What a rate may be per, and how that is written in a unit. */
const PER: ReadonlyMap<number, string> = new Map([
  [1000, 's'],
  [60_000, 'min'],
  [3_600_000, 'h'],
  [86_400_000, 'd'],
]);
const WINDOW_MIN_MS = 1000;
const KM = /^(\d+(?:\.\d+)?) km$/;

/** Windows by name. */
export function readWindows(yaml: ContractYaml, node: Node | undefined, inputs: readonly Input[]): ReadonlyMap<string, Window> {
  const windows = new Map<string, Window>();
  if (node === undefined) return windows;
  for (const { name, value } of yaml.entries(node, NAMED_VALUES_MAX)) {
    const window = readWindow(yaml, name, value, inputs);
    if (window !== null) windows.set(name, window);
  }
  return windows;
}

function readWindow(yaml: ContractYaml, name: string, node: Node, inputs: readonly Input[]): Window | null {
  const members = yaml.members(node, [], [...AGGREGATES, ...OPTIONS]);
  if (members === null) return null;
  const aggregates = AGGREGATES.filter((known) => members.has(known));
  const [aggregate] = aggregates;
  if (aggregate === undefined || aggregates.length > 1) {
    yaml.faultAt('window-kind', AGGREGATES.join(', '), node);
    return null;
  }
  const input = readFrom(yaml, members.get('from'), inputs);
  const span = readSpan(yaml, members, node);
  if (input === null || span === null) return null;
  const read = readWhat(yaml, aggregate, members.get(aggregate) as Node, input);
  const across = readAcross(yaml, members);
  const perMs = readPer(yaml, members, aggregate);
  const at = members.get('at');
  const quantile = aggregate !== 'quantile' ? 0.5 : at === undefined ? missing(yaml, 'at', node) : readNumber(yaml, at, 0, 1, false);
  if (read === null || across === null || perMs === null || quantile === null) return null;
  if ((span.shape === 'ahead') !== input.isForecast) return faulty(yaml, 'ahead', node);
  // How long something held at several places together is no length of time.
  if (aggregate === 'duration' && (across.across !== 'own' || span.shape === 'ahead')) return faulty(yaml, 'duration', node);
  const needed = readRequire(yaml, members.get('require'), span.overMs / input.cadenceMs, across.across !== 'own');
  const expected = (span.shape === 'tumbling' ? 2 : 1) * (span.overMs / input.cadenceMs);
  const most = across.across === 'own' && span.shape !== 'ahead' ? READINGS_KEPT_MAX : STATION_READINGS_KEPT_MAX;
  if (expected > most) yaml.faultAt('window-too-large', `${Math.ceil(expected)} > ${most}`, node);
  const declaration = declarationOf(aggregate, read.property, input, perMs, Math.round(expected));
  return { name, input, aggregate, ...read, ...span, quantile, perMs, ...needed, ...across, declaration };
}

function readFrom(yaml: ContractYaml, node: Node | undefined, inputs: readonly Input[]): Input | null {
  if (node === undefined) return inputs[0] ?? null;
  const name = yaml.text(node, NAME_MAX_LENGTH);
  const input = inputs.find((candidate) => candidate.name === name) ?? null;
  if (name !== null && input === null) yaml.faultAt('input-unknown', name, node);
  return input;
}

function readSpan(yaml: ContractYaml, members: Members, node: Node): Pick<Window, 'shape' | 'overMs' | 'gapMs'> | null {
  const ahead = members.get('ahead');
  const shapeNode = members.get('shape');
  const chosen = shapeNode === undefined ? 'sliding' : readChoice(yaml, shapeNode, ['sliding', 'tumbling', 'session']);
  const shape = ahead === undefined ? chosen : 'ahead';
  const over = ahead ?? members.get('over');
  const overMs = over === undefined ? missing(yaml, 'over', node) : readDurationMs(yaml, over, WINDOW_MIN_MS, DURATION_MAX_MS);
  const gap = members.get('gap');
  const gapMs = shape !== 'session' ? 0 : gap === undefined ? missing(yaml, 'gap', node) : readDurationMs(yaml, gap, WINDOW_MIN_MS);
  return shape === null || overMs === null || gapMs === null ? null : { shape, overMs, gapMs };
}

/** A property, or of `count`, `share` and `duration` a condition on one reading. */
function readWhat(
  yaml: ContractYaml,
  aggregate: Aggregate,
  node: Node,
  input: Input,
): { property: string | null; where: Probe | null } | null {
  const text = yaml.text(node, EXPRESSION_MAX_LENGTH);
  if (text === null) return null;
  const declaration = input.properties.get(text);
  const takesAny = aggregate === 'count' || aggregate === 'coverage' || aggregate === 'last';
  if (declaration !== undefined && aggregate !== 'duration' && (declaration.type === 'number' || declaration.unit === '1' || takesAny))
    return { property: text, where: null };
  if (aggregate !== 'count' && aggregate !== 'share' && aggregate !== 'duration') {
    yaml.faultAt('property-unknown', text, node);
    return null;
  }
  const outcome = expressionCompiler(input.properties)(text);
  if (!outcome.ok) {
    yaml.faultWithin(outcome.fault, outcome.detail, node, outcome.offset);
    return null;
  }
  const { expression } = outcome;
  return { property: null, where: { expression, from: expression.variables.map((_, index) => index), isInPlace: true } };
}

function readAcross(yaml: ContractYaml, members: Members): Pick<Window, 'across' | 'km'> | null {
  const near = members.get('neighbours');
  const stations = members.get('stations');
  if (near === undefined) {
    const across = stations === undefined ? 'own' : readChoice(yaml, stations, ['group', 'region']);
    return across === null ? null : { across, km: 0 };
  }
  const text = yaml.text(near, NAME_MAX_LENGTH);
  const km = Number(KM.exec(text ?? '')?.[1]);
  if (km > 0 && km <= NEIGHBOURS_KM_MAX) return { across: 'neighbours', km };
  if (text !== null) yaml.faultAt('number', text, near);
  return null;
}

function readPer(yaml: ContractYaml, members: Members, aggregate: Aggregate): number | null {
  const per = members.get('per');
  if (aggregate !== 'rate') return 0;
  if (per === undefined) return 3_600_000;
  const ms = readDurationMs(yaml, per, 1);
  if (ms === null || PER.has(ms)) return ms;
  yaml.faultAt('choice', 'PT1S, PT1M, PT1H, P1D', per);
  return null;
}

/** `18 of 24`, `18`, `75%`. At least one, where nothing is said. */
function readRequire(
  yaml: ContractYaml,
  node: Node | undefined,
  expected: number,
  isOfStations: boolean,
): Pick<Window, 'leastCount' | 'leastShare'> {
  const text = node === undefined ? '1' : (yaml.text(node, NAME_MAX_LENGTH) ?? '1');
  const count = /^(\d{1,5})(?: of (\d{1,5}))?$/.exec(text);
  const share = /^(\d{1,3})%$/.exec(text);
  const isRight = count === null || isOfStations ? count?.[2] === undefined : count[2] === undefined || Number(count[2]) === expected;
  const isPossible = count === null ? share !== null && Number(share[1]) <= 100 : isOfStations || Number(count[1]) <= Math.max(1, expected);
  if (!isRight || !isPossible) yaml.faultAt('require', text, node as Node);
  if (share === null) return { leastCount: Math.max(1, Number(count?.[1] ?? 1)), leastShare: 0 };
  const least = Number(share[1]) / 100;
  return { leastCount: isOfStations ? 1 : Math.max(1, Math.ceil(least * expected)), leastShare: least };
}

function declarationOf(aggregate: Aggregate, property: string | null, input: Input, perMs: number, length: number): VariableDeclaration {
  const unit = (property === null ? undefined : input.properties.get(property)?.unit) ?? '1';
  switch (aggregate) {
    case 'count':
    case 'share':
    case 'coverage':
      return { type: 'number', unit: '1' };
    case 'duration':
      return { type: 'number', unit: 'h' };
    case 'rate':
      return { type: 'number', unit: `${/^[A-Za-z]+$/.test(unit) || unit === '1' ? unit : `(${unit})`}/${PER.get(perMs)}` };
    case 'values':
      return { type: 'numbers', unit, maxLength: Math.max(1, length) };
    default:
      return { type: 'number', unit };
  }
}

function missing(yaml: ContractYaml, key: string, node: Node): null {
  yaml.faultAt('key-missing', key, node);
  return null;
}

function faulty(yaml: ContractYaml, key: string, node: Node): null {
  yaml.faultAt('key-unknown', key, node);
  return null;
}

/** Counts of active alerts by name. @param contract the document's own name, meant where none is given */
export function readAlertSources(
  yaml: ContractYaml,
  node: Node | undefined,
  contract: string,
): ReadonlyMap<string, AlertSource & { readonly node: Node }> {
  const sources = new Map<string, AlertSource & { readonly node: Node }>();
  if (node === undefined) return sources;
  for (const { name, value } of yaml.entries(node, NAMED_VALUES_MAX)) {
    const members = yaml.members(value, ['rule'], ['contract', 'of', 'severity']);
    if (members === null) continue;
    const rule = readName(yaml, members.get('rule'));
    const other = members.get('contract');
    const of = members.get('of');
    const severity = members.get('severity');
    const scope = of === undefined ? 'subject' : readChoice(yaml, of, ['subject', 'region', 'agency', 'all']);
    const least = severity === undefined ? 'minor' : readSeverity(yaml, severity);
    const source = { name, contract: other === undefined ? contract : (readName(yaml, other) ?? contract) };
    if (rule === null || scope === null || least === null) continue;
    sources.set(name, { ...source, rule, of: scope, leastRank: SEVERITIES.indexOf(least), node: value });
  }
  return sources;
}
