/** One rule of a contract: levels with conditions, or silence; and what is done with its alerts. */
import type { Bilingual, Severity } from '@airtight/protocol';
import { SEVERITIES } from '@airtight/protocol';
import type { Node } from 'yaml';
import { checkLevels } from './check-levels.ts';
import {
  type Condition,
  type Frame,
  type Input,
  LEVELS_MAX,
  type Level,
  MAX_GAP_CADENCES,
  MAX_GAP_MIN_MS,
  MESSAGE_MAX_LENGTH,
  NO_DATA_MIN_MS,
  type NoDataRule,
  READINGS_KEPT_MAX,
  type Rule,
  TIMES_OF_LAST_MAX,
  TIMES_WITHIN_MAX,
} from './contract.ts';
import type { ContractYaml, Members } from './contract-yaml.ts';
import { EXPRESSION_MAX_LENGTH, type Expression } from './expr/expression.ts';
import { COMMON_PLACEHOLDERS } from './message-template.ts';
import { readBilingual, readChoice, readDurationMs, readName, readNumber, readSeverity } from './read-fields.ts';
import { readHandling } from './read-handling.ts';
import { frameOf, probeOf, slotsRead, type Vocabulary } from './vocabulary.ts';

/** What the rules of one contract share while they are read. */
export interface RuleContext {
  readonly yaml: ContractYaml;
  readonly contract: string;
  readonly version: string;
  readonly latenessMs: number;
  readonly inputs: readonly Input[];
  readonly vocabularyFor: (input: Input) => Vocabulary;
  /** Rule ids seen so far. */
  readonly ids: Set<string>;
}

const LEVEL_KEYS: readonly string[] = ['severity', 'raise', 'clear'];
const LEVELED_KEYS: readonly string[] = ['levels', 'raise', 'clear', 'maxGap', 'flap', 'expires', 'subject', 'every', 'settle'];
const HANDLING_KEYS: readonly string[] = ['notify', 'require', 'escalate', 'group', 'inhibit'];
const MAX_GAP_LEAST_MS = 1000;
const EVERY_LEAST_MS = 60_000;
const NAME_WORDS = /^(\d{1,4}) of (\d{1,4})$/;

/** @returns null (and faults) when it is no rule */
export function readRule(context: RuleContext, node: Node): Rule | null {
  const { yaml } = context;
  const members = yaml.members(node, ['id', 'message'], [...LEVELED_KEYS, ...HANDLING_KEYS, 'severity', 'on', 'noData']);
  if (members === null) return null;
  const base = readBase(context, members);
  const has = (key: string): boolean => members.has(key);
  const isSilence = has('noData') && has('severity');
  const isLeveled = has('levels') || LEVEL_KEYS.every(has);
  const strangers = [...(has('noData') ? LEVELED_KEYS : []), ...(has('levels') ? LEVEL_KEYS : [])].filter(has);
  if (strangers.length > 0 || isSilence === isLeveled) {
    yaml.faultAt('rule-kind', strangers.join(', ') || '–', node);
    return null;
  }
  if (base === null) return null;
  return isSilence ? readNoData(context, members, base) : readLeveled(context, members, base, node);
}

type Base = Omit<NoDataRule, 'kind' | 'severity' | 'message' | 'afterMs' | 'afterCadences' | 'neverMs'>;

function readBase({ yaml, ids, contract, version, latenessMs, inputs }: RuleContext, members: Members): Base | null {
  const id = readName(yaml, members.get('id'));
  if (id !== null && ids.has(id)) yaml.faultAt('rule-repeated', id, members.get('id') as Node);
  if (id !== null) ids.add(id);
  const handling = readHandling(yaml, members, contract);
  const on = members.get('on');
  const name = on === undefined ? inputs[0]?.name : yaml.text(on, MESSAGE_MAX_LENGTH);
  const input = inputs.find((candidate) => candidate.name === name);
  if (on !== undefined && name != null && input === undefined) yaml.faultAt('input-unknown', name, on);
  if (id === null || input === undefined || handling === null) return null;
  return { id, contract, version, dataset: input.dataset, latenessMs, input, ...handling };
}

function readNoData({ yaml }: RuleContext, members: Members, base: Base): NoDataRule | null {
  const inner = yaml.members(members.get('noData') as Node, ['after'], ['never']);
  const after = inner?.get('after');
  const text = after === undefined ? null : yaml.text(after, MESSAGE_MAX_LENGTH);
  const cadences = /^(\d{1,3}) cadences$/.exec(text ?? '')?.[1];
  const afterMs = cadences !== undefined || text === null ? null : readDurationMs(yaml, after, NO_DATA_MIN_MS);
  if (cadences !== undefined && Number(cadences) < 2) yaml.faultAt('duration-range', text as string, after as Node);
  const never = inner?.get('never');
  const neverMs = never === undefined ? null : readDurationMs(yaml, never, NO_DATA_MIN_MS);
  const severity = readSeverity(yaml, members.get('severity'));
  const message = readBilingual(yaml, members.get('message'), MESSAGE_MAX_LENGTH, COMMON_PLACEHOLDERS);
  if (severity === null || message === null || (afterMs === null && cadences === undefined)) return null;
  return { kind: 'no-data', ...base, severity, message, afterMs, afterCadences: cadences === undefined ? null : Number(cadences), neverMs };
}

/** A condition as it stands in the document, with its place. */
interface Asked {
  readonly node: Node;
  readonly expression: Expression;
  readonly forMs: number;
  readonly times: Condition['times'];
}
interface AskedLevel {
  readonly node: Node;
  readonly severity: Severity;
  readonly raise: Asked;
  readonly clear: Asked;
  readonly message: Node;
}

function readLeveled(context: RuleContext, members: Members, base: Base, node: Node): Rule | null {
  const { yaml } = context;
  const vocabulary = context.vocabularyFor(base.input);
  const message = members.get('message') as Node;
  const list = members.get('levels');
  const items = list === undefined ? [] : yaml.items(list, LEVELS_MAX);
  const asked =
    list === undefined
      ? [readLevel(yaml, vocabulary, members, node, message)]
      : items.map((item) => {
          const own = yaml.members(item, LEVEL_KEYS, ['message']);
          return own === null ? null : readLevel(yaml, vocabulary, own, item, own.get('message') ?? message);
        });
  const times = readTimes(yaml, members, base.input);
  // Without conditions that were understood there is no telling which placeholders are right.
  if (asked.some((level) => level === null) || asked.length === 0 || times === null) return null;
  const levels = asked as AskedLevel[];
  const frame = frameOf(
    vocabulary,
    levels.flatMap(({ raise, clear }) => [raise.expression, clear.expression]),
  );
  const conditionOf = ({ expression, forMs, times: counted }: Asked): Condition => ({
    ...{ when: probeOf(expression, frame.names), reads: slotsRead(vocabulary, expression, frame.names), forMs, times: counted },
  });
  const built = levels.map(({ severity, raise, clear, message: text }) => {
    const condition = conditionOf(raise);
    const bilingual = readMessage(yaml, text, frame, condition);
    return bilingual === null ? null : { severity, raise: condition, clear: conditionOf(clear), message: bilingual };
  });
  if (built.some((level) => level === null)) return null;
  checkLevels(yaml, vocabulary, levels);
  return withKind(context, members, node, { ...base, ...times, frame, levels: built as Level[] });
}

function readLevel(yaml: ContractYaml, vocabulary: Vocabulary, members: Members, node: Node, message: Node): AskedLevel | null {
  const severity = readSeverity(yaml, members.get('severity'));
  const raise = readCondition(yaml, vocabulary, members.get('raise'));
  const clear = readCondition(yaml, vocabulary, members.get('clear'));
  return severity === null || raise === null || clear === null ? null : { node, severity, raise, clear, message };
}

function readMessage(yaml: ContractYaml, node: Node, { names, declarations }: Frame, { reads }: Condition): Bilingual | null {
  const scalars = reads.filter((slot) => declarations[slot]?.type !== 'numbers').map((slot) => names[slot] as string);
  return readBilingual(yaml, node, MESSAGE_MAX_LENGTH, [...COMMON_PLACEHOLDERS, ...scalars]);
}

function readCondition(yaml: ContractYaml, vocabulary: Vocabulary, node: Node | undefined): Asked | null {
  const members = node && yaml.members(node, ['when'], ['for', 'times', 'within']);
  if (!members) return null;
  const duration = members.get('for');
  const forMs = duration === undefined ? 0 : readDurationMs(yaml, duration, 0);
  const times = readRepeats(yaml, members, node as Node);
  const when = members.get('when');
  const text = yaml.text(when, EXPRESSION_MAX_LENGTH);
  if (text === null) return null;
  const outcome = vocabulary.compile(text);
  if (!outcome.ok) yaml.faultWithin(outcome.fault, outcome.detail, when as Node, outcome.offset);
  return outcome.ok && forMs !== null && times !== undefined ? { node: when as Node, expression: outcome.expression, forMs, times } : null;
}

/** `times: 3 of 5`, or `times: 3` with `within: PT1H`; null: neither. */
function readRepeats(yaml: ContractYaml, members: Members, node: Node): Condition['times'] | undefined {
  const times = members.get('times');
  const within = members.get('within');
  if (times === undefined) {
    if (within !== undefined) yaml.faultAt('key-missing', 'times', node);
    return within === undefined ? null : undefined;
  }
  if (members.has('for')) yaml.faultAt('key-unknown', 'for', members.get('for') as Node);
  if (within !== undefined) {
    const count = readNumber(yaml, times, 2, TIMES_WITHIN_MAX, true);
    const withinMs = readDurationMs(yaml, within, MAX_GAP_LEAST_MS);
    return count === null || withinMs === null ? undefined : { count, ofLast: null, withinMs };
  }
  const text = yaml.text(times, MESSAGE_MAX_LENGTH);
  const [, count, ofLast] = NAME_WORDS.exec(text ?? '') ?? [];
  const isPossible = Number(count) >= 1 && Number(count) <= Number(ofLast) && Number(ofLast) <= TIMES_OF_LAST_MAX;
  if (isPossible) return { count: Number(count), ofLast: Number(ofLast), withinMs: null };
  if (text !== null) yaml.faultAt('require', text, times);
  return undefined;
}

function readTimes(yaml: ContractYaml, members: Members, input: Input) {
  const gap = members.get('maxGap');
  const flap = members.get('flap');
  const expires = members.get('expires');
  const maxGapMs =
    gap === undefined ? Math.max(MAX_GAP_CADENCES * input.cadenceMs, MAX_GAP_MIN_MS) : readDurationMs(yaml, gap, MAX_GAP_LEAST_MS);
  const inner = flap && yaml.members(flap, ['changes', 'within']);
  const changes = inner == null ? null : readNumber(yaml, inner.get('changes'), 2, TIMES_WITHIN_MAX, true);
  const withinMs = inner == null ? null : readDurationMs(yaml, inner.get('within'), MAX_GAP_LEAST_MS);
  const expiresMs = expires === undefined ? null : readDurationMs(yaml, expires, NO_DATA_MIN_MS);
  if (maxGapMs === null) return null;
  return { maxGapMs, flap: changes === null || withinMs === null ? null : { changes, withinMs }, expiresMs };
}

type Leveled = Base & {
  frame: Frame;
  levels: readonly Level[];
  maxGapMs: number;
  flap: { changes: number; withinMs: number } | null;
  expiresMs: number | null;
};

/** What kind of rule it is follows from what it reads. */
function withKind(context: RuleContext, members: Members, node: Node, rule: Leveled): Rule | null {
  const { yaml } = context;
  const { frame, input } = rule;
  const subjectNode = members.get('subject');
  const subject = subjectNode === undefined ? 'producer' : readChoice(yaml, subjectNode, ['producer', 'region', 'agency', 'all']);
  const every = members.get('every');
  const settle = members.get('settle');
  const everyMs = every === undefined ? input.cadenceMs : readDurationMs(yaml, every, EVERY_LEAST_MS);
  const settleMs = settle === undefined ? input.cadenceMs : readDurationMs(yaml, settle, 0);
  if (subject === null || everyMs === null || settleMs === null) return null;
  if (frame.alerts.length > 0) return readOverAlerts(yaml, members, node, { kind: 'alerts', ...rule, subject });
  const isOverStations = frame.windows.some(({ window }) => window.across !== 'own' || window.input !== input);
  if (subject === 'producer' && !isOverStations && every === undefined && settle === undefined) {
    checkReach(yaml, node, rule);
    return { kind: 'series', ...rule };
  }
  if (subject !== 'producer') {
    const single =
      frame.properties[0]?.name ?? frame.windows.find(({ window: { across } }) => across === 'own' || across === 'neighbours')?.window.name;
    if (single !== undefined) yaml.faultAt('subject-station', single, node);
  }
  return { kind: 'grid', ...rule, subject, everyMs, settleMs };
}

function readOverAlerts(yaml: ContractYaml, members: Members, node: Node, rule: Extract<Rule, { kind: 'alerts' }>): Rule {
  const { frame, levels } = rule;
  const mixed = [
    ...frame.properties.map(({ name }) => name),
    ...frame.windows.map(({ window }) => window.name),
    ...['every', 'settle', 'expires'].filter((key) => members.has(key)),
    ...(levels.some(({ raise, clear }) => raise.forMs + clear.forMs > 0) ? ['for'] : []),
    ...(levels.some(({ raise, clear }) => raise.times !== null || clear.times !== null) ? ['times'] : []),
  ];
  if (mixed[0] !== undefined) yaml.faultAt('alerts-mixed', mixed[0], node);
  return rule;
}

/** What windows and lateness together make the engine keep of each producer. */
function checkReach(yaml: ContractYaml, node: Node, { frame, input, latenessMs }: Leveled): void {
  const reaches = frame.windows.map(({ window: { overMs, shape } }) => (shape === 'tumbling' ? 2 * overMs : overMs));
  const readings = Math.ceil((Math.max(0, ...reaches) + latenessMs) / input.cadenceMs);
  if (readings > READINGS_KEPT_MAX) yaml.faultAt('window-too-large', `${readings} > ${READINGS_KEPT_MAX}`, node);
}

export type { AskedLevel };
export { SEVERITIES };
