/** One rule of a contract: a threshold with duration and hysteresis, or silence. */
import type { Bilingual, DatasetDefinition, Severity } from '@airtight/protocol';
import type { Node } from 'yaml';
import {
  type Condition,
  MAX_GAP_CADENCES,
  MAX_GAP_MIN_MS,
  MESSAGE_MAX_LENGTH,
  NO_DATA_MIN_MS,
  type NoDataRule,
  type Rule,
  type ThresholdRule,
} from './contract.ts';
import type { ContractYaml, Members } from './contract-yaml.ts';
import { type ExpressionCompiler, expressionCompiler } from './expr/cel.ts';
import { EXPRESSION_MAX_LENGTH, type Expression, type VariableDeclaration } from './expr/expression.ts';
import { COMMON_PLACEHOLDERS } from './message-template.ts';
import { readBilingual, readDurationMs, readName } from './read-fields.ts';

/** What the rules of one contract share while they are read. */
export interface RuleContext {
  readonly yaml: ContractYaml;
  readonly compile: ExpressionCompiler;
  readonly defaultMaxGapMs: number;
  /** Rule ids seen so far. */
  readonly ids: Set<string>;
}

interface RuleHead {
  readonly id: string;
  readonly severity: Severity;
}

const SEVERITIES: readonly Severity[] = ['minor', 'moderate', 'severe', 'extreme'];
const SEVERITY_MAX_LENGTH = 16;
const THRESHOLD_KEYS: readonly string[] = ['raise', 'clear', 'accept', 'maxGap'];
const MAX_GAP_LEAST_MS = 1000;
const FLAGS_MAX = 16;
const FLAG_MAX_LENGTH = 18;
/**
 * Flags a rule may tolerate: data that came late, that the producer held back or that lies outside the physical range, a
 * producer's own mark. Never `future` (such a time is no event time) nor `unit` (the number means something else).
 */
const ACCEPTABLE_FLAG = /^(?:late|historical|range|q=.{0,16})$/u;

/** For the rules of one contract on one dataset. */
export function ruleContext(yaml: ContractYaml, definition: DatasetDefinition): RuleContext {
  const variables = Object.entries(definition.properties).map(([name, { unit }]): [string, VariableDeclaration] => [
    name,
    { type: unit === '1' ? 'any' : 'number', unit },
  ]);
  return {
    yaml,
    compile: expressionCompiler(new Map(variables)),
    defaultMaxGapMs: Math.max(MAX_GAP_CADENCES * definition.cadenceMs, MAX_GAP_MIN_MS),
    ids: new Set(),
  };
}

/** @returns null (and faults) when it is no rule */
export function readRule(context: RuleContext, node: Node): Rule | null {
  const { yaml } = context;
  const members = yaml.members(node, ['id', 'severity', 'message'], [...THRESHOLD_KEYS, 'noData']);
  if (members === null) return null;
  const head = readHead(context, members);
  const has = (key: string): boolean => members.has(key);
  if (has('raise') && has('clear') && !has('noData')) return readThreshold(context, members, head);
  if (has('noData') && !THRESHOLD_KEYS.some(has)) return readNoData(yaml, members, head);
  yaml.faultAt('rule-kind', '', node);
  return null;
}

function readHead({ yaml, ids }: RuleContext, members: Members): RuleHead | null {
  const id = readName(yaml, members.get('id'));
  if (id !== null && ids.has(id)) yaml.faultAt('rule-repeated', id, members.get('id') as Node);
  if (id !== null) ids.add(id);
  const text = yaml.text(members.get('severity'), SEVERITY_MAX_LENGTH);
  const severity = SEVERITIES.find((known) => known === text);
  if (text !== null && severity === undefined) yaml.faultAt('choice', SEVERITIES.join(', '), members.get('severity') as Node);
  return id === null || severity === undefined ? null : { id, severity };
}

function readThreshold(context: RuleContext, members: Members, head: RuleHead | null): ThresholdRule | null {
  const { yaml } = context;
  const raise = readCondition(context, members.get('raise') as Node);
  const clear = readCondition(context, members.get('clear') as Node);
  const acceptedFlags = readAccept(yaml, members.get('accept'));
  const gap = members.get('maxGap');
  const maxGapMs = gap === undefined ? context.defaultMaxGapMs : readDurationMs(yaml, gap, MAX_GAP_LEAST_MS);
  // Without a condition that was understood there is no telling which placeholders are right.
  if (raise === null || clear === null) return null;
  const message = readRuleMessage(
    yaml,
    members,
    raise.when.variables.map(({ name }) => name),
  );
  if (head === null || maxGapMs === null || message === null) return null;
  const clearAlone = clear.when.variables.filter(({ name }) => raise.when.variables.every((variable) => variable.name !== name));
  const variables = [...raise.when.variables, ...clearAlone];
  return { kind: 'threshold', ...head, raise, clear, acceptedFlags, variables, maxGapMs, message };
}

function readNoData(yaml: ContractYaml, members: Members, head: RuleHead | null): NoDataRule | null {
  const inner = yaml.members(members.get('noData') as Node, ['after']);
  const afterMs = readDurationMs(yaml, inner?.get('after'), NO_DATA_MIN_MS);
  const message = readRuleMessage(yaml, members, []);
  return head === null || afterMs === null || message === null ? null : { kind: 'no-data', ...head, afterMs, message };
}

function readRuleMessage(yaml: ContractYaml, members: Members, variables: readonly string[]): Bilingual | null {
  return readBilingual(yaml, members.get('message'), MESSAGE_MAX_LENGTH, [...COMMON_PLACEHOLDERS, ...variables]);
}

function readCondition({ yaml, compile }: RuleContext, node: Node): Condition | null {
  const members = yaml.members(node, ['when'], ['for']);
  if (members === null) return null;
  const duration = members.get('for');
  const forMs = duration === undefined ? 0 : readDurationMs(yaml, duration, 0);
  const when = readExpression(yaml, compile, members.get('when'));
  return forMs === null || when === null ? null : { when, forMs };
}

function readExpression(yaml: ContractYaml, compile: ExpressionCompiler, node: Node | undefined): Expression | null {
  const text = yaml.text(node, EXPRESSION_MAX_LENGTH);
  if (text === null) return null;
  const outcome = compile(text);
  if (outcome.ok) return outcome.expression;
  yaml.faultWithin(outcome.fault, outcome.detail, node as Node, outcome.offset);
  return null;
}

function readAccept(yaml: ContractYaml, node: Node | undefined): ReadonlySet<string> {
  const flags = new Set<string>();
  const members = node && yaml.members(node, ['flags']);
  for (const item of yaml.items(members?.get('flags'), FLAGS_MAX)) {
    const flag = yaml.text(item, FLAG_MAX_LENGTH);
    if (flag !== null && !ACCEPTABLE_FLAG.test(flag)) yaml.faultAt('flag', flag, item);
    if (flag !== null) flags.add(flag);
  }
  return flags;
}
