/** What is done with the alerts of a rule: who is told, who must approve, what goes on when nobody acts. */
import type { Node } from 'yaml';
import { ESCALATION_STEPS_MAX, type Escalation, type Inhibition, LIST_MAX, NO_DATA_MIN_MS, type Rule } from './contract.ts';
import type { ContractYaml, Members } from './contract-yaml.ts';
import { readChoice, readDurationMs, readName, readNames, readSeverity } from './read-fields.ts';

export type Handling = Pick<Rule, 'notify' | 'approvals' | 'escalation' | 'group' | 'inhibitedBy'>;

/** Approvals that `require: two-person` asks for. */
const TWO_PERSONS = 2;
const INHIBITIONS_MAX = 8;

/** @param contract the document's own name, meant where none is given */
export function readHandling(yaml: ContractYaml, members: Members, contract: string): Handling | null {
  const notify = readNames(yaml, members.get('notify'), LIST_MAX);
  const require = members.get('require');
  const isApproved = require === undefined ? null : readChoice(yaml, require, ['two-person']);
  const escalation = readEscalation(yaml, members.get('escalate'));
  const by = members.get('group');
  const inner = by && yaml.members(by, ['by']);
  const group = inner == null ? null : readChoice(yaml, inner.get('by'), ['region', 'agency', 'all']);
  const inhibitedBy = readInhibitions(yaml, members.get('inhibit'), contract);
  return { notify, approvals: isApproved === null ? 0 : TWO_PERSONS, escalation, group, inhibitedBy };
}

function readEscalation(yaml: ContractYaml, node: Node | undefined): readonly Escalation[] {
  const steps = yaml.items(node, ESCALATION_STEPS_MAX).flatMap((item): Escalation[] => {
    const members = yaml.members(item, ['after', 'notify'], ['severity']);
    if (members === null) return [];
    const afterMs = readDurationMs(yaml, members.get('after'), NO_DATA_MIN_MS);
    const severityNode = members.get('severity');
    const severity = severityNode === undefined ? null : readSeverity(yaml, severityNode);
    return afterMs === null ? [] : [{ afterMs, notify: readNames(yaml, members.get('notify'), LIST_MAX), severity }];
  });
  const late = steps.findIndex(({ afterMs }, index) => index > 0 && afterMs <= (steps[index - 1] as Escalation).afterMs);
  if (late > 0) yaml.faultAt('duration-range', 'after', yaml.items(node, ESCALATION_STEPS_MAX)[late] as Node);
  return steps;
}

function readInhibitions(yaml: ContractYaml, node: Node | undefined, contract: string): readonly Inhibition[] {
  return yaml.items(node, INHIBITIONS_MAX).flatMap((item): Inhibition[] => {
    const members = yaml.members(item, ['rule'], ['contract', 'of']);
    if (members === null) return [];
    const rule = readName(yaml, members.get('rule'));
    const other = members.get('contract');
    const of = members.get('of');
    const scope = of === undefined ? 'subject' : readChoice(yaml, of, ['subject', 'region', 'agency', 'all']);
    const from = other === undefined ? contract : readName(yaml, other);
    return rule === null || scope === null || from === null ? [] : [{ contract: from, rule, of: scope }];
  });
}
