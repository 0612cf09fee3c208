/**
 * Holds an alert against the records it is made of: its transitions, the readings that raised it, the contract, who was told,
 * and what other regions answered, by their signatures.
 */
import { contractVersion, ruleIdsOf } from '@airtight/contracts-engine/contract-version.ts';
import {
  type AlertItem,
  type AlertRaised,
  type AlertRegionAnswer,
  type AlertTransition,
  CONTRACTS_DATASET,
  CONTROL_PREFIX,
  type ContractRecord,
  decodeRecord,
  deliveriesIn,
  foldAlert,
  isEffect,
  type OpenedAnswer,
  openRegionAnswer,
  regionAnswerIn,
  transitionIn,
} from '@airtight/protocol';
import type { Proven, ShownFault } from './check-shown.ts';

/** @param proven every record of the alert's timeline and evidence is in it, and proven */
export function alertFault(item: AlertItem, proven: Proven): ShownFault | undefined {
  const transitions: AlertTransition[] = [];
  let folded: AlertItem | undefined;
  for (const { record } of item.timeline) {
    const transition = transitionAt(Number(record), proven);
    if (transition === undefined || transition.alert !== item.alert) return { step: 'value', detail: `#${record}` };
    transitions.push(transition);
    folded = foldAlert(folded, transition, Number(record));
  }
  const other = differing(withoutDeliveries(item), folded) ?? differingDelivery(item, proven) ?? differingAnswer(item, proven);
  if (other !== undefined) return { step: 'value', detail: other };
  const [raise] = transitions;
  if (raise?.type !== 'raise') return { step: 'value', detail: 'raise' };
  // The platform raises these itself, without a contract; a fork's evidence is no record, and its page checks that.
  if (raise.contract.startsWith(CONTROL_PREFIX)) return undefined;
  return contractFault(raise, Number(item.timeline[0]?.record), proven) ?? evidenceFault(transitions, raise, proven);
}

function transitionAt(position: number, { records }: Proven): AlertTransition | undefined {
  const bytes = records.get(position)?.record;
  const decoded = bytes === undefined ? undefined : decodeRecord(bytes);
  return decoded?.ok ? transitionIn(decoded.value) : undefined;
}

/** The first member in which the alert that is shown is not what its transitions make; times and values included. */
function differing(shown: AlertItem, made: AlertItem | undefined): string | undefined {
  const written = (item: AlertItem | undefined, key: string) => JSON.stringify(sorted(item?.[key as keyof AlertItem]));
  return Object.keys(shown).find((key) => written(shown, key) !== written(made, key));
}

function withoutDeliveries(item: AlertItem): AlertItem {
  return { ...item, timeline: item.timeline.map(({ deliveries: _, ...step }) => step) };
}

/** The first delivery that is not what its record says of it. One that is not on record yet claims nothing that could be proven. */
function differingDelivery({ alert, timeline }: AlertItem, { records }: Proven): string | undefined {
  for (const { record: told, deliveries = [] } of timeline) {
    for (const { channel, message, state, attempts, at, detail, record } of deliveries) {
      if (record === null) continue;
      const bytes = records.get(Number(record))?.record;
      const decoded = bytes === undefined ? undefined : decodeRecord(bytes);
      const outcomes = decoded?.ok ? (deliveriesIn(decoded.value) ?? []) : [];
      const isSaid = outcomes.some(
        (one) =>
          one.alert === alert &&
          one.record === Number(told) &&
          one.channel === channel &&
          one.message === message &&
          one.attempt === attempts &&
          one.detail === detail &&
          (state === 'waiting' || (state === 'delivered') === (one.outcome === 'delivered')) &&
          new Date(one.at).toISOString() === at,
      );
      if (!isSaid) return `#${record} ${channel}`;
    }
  }
  return undefined;
}

/** The first receipt or acknowledgement that no region has signed as it is shown. */
function differingAnswer({ alert, timeline }: AlertItem, { records }: Proven): string | undefined {
  for (const { message, answer } of timeline.flatMap(({ deliveries = [] }) => deliveries)) {
    if (answer === undefined) continue;
    for (const shown of [...(answer.receipt === null ? [] : [answer.receipt]), ...answer.acknowledgements]) {
      const bytes = records.get(Number(shown.record))?.record;
      const decoded = bytes === undefined ? undefined : decodeRecord(bytes);
      const onRecord = decoded?.ok ? regionAnswerIn(decoded.value) : undefined;
      const isOfIt = onRecord?.region === answer.region && onRecord.alert === alert && onRecord.delivery === message;
      if (onRecord === undefined || !isOfIt) return `#${shown.record} ${answer.region}`;
      const opened = openRegionAnswer(onRecord);
      if (!opened.ok) return `#${shown.record} ${answer.region}: ${opened.code}`;
      if (!isSaid(shown, opened.value)) return `#${shown.record} ${answer.region}`;
    }
  }
  return undefined;
}

function isSaid(
  shown: AlertRegionAnswer['acknowledgements'][number] | NonNullable<AlertRegionAnswer['receipt']>,
  { value }: OpenedAnswer,
): boolean {
  if (shown.keyName !== value.from) return false;
  if ('act' in value)
    return 'by' in shown && shown.by === value.by && shown.role === value.role && shown.at === value.at && shown.comment === value.comment;
  return 'proof' in shown && shown.proof === value.proof && shown.receivedAt === value.receivedAt && shown.theirRecord === value.record;
}

/** With the members of objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}

/** The contract must be on record before the alert, its text must hash to the version, and have the rule. */
function contractFault({ contract, version, rule }: AlertRaised, position: number, proven: Proven): ShownFault | undefined {
  const onRecord = [...proven.records.values()].find((one) => {
    const named = one.faults.length === 0 && one.position < position ? contractIn(one.record) : undefined;
    return named?.contract === contract && named.version === version;
  });
  const text = onRecord === undefined ? undefined : contractIn(onRecord.record)?.text;
  if (text === undefined) return { step: 'contract', detail: `${contract} ${version.slice(0, 12)}` };
  try {
    const computed = contractVersion(text);
    if (computed !== version) return { step: 'contract', detail: `${contract}: ${computed.slice(0, 12)}` };
    return ruleIdsOf(text).includes(rule) ? undefined : { step: 'contract', detail: `${contract}: ${rule}` };
  } catch {
    return { step: 'contract', detail: contract };
  }
}

function contractIn(bytes: Uint8Array): ContractRecord | undefined {
  const decoded = decodeRecord(bytes);
  if (!decoded.ok || decoded.value.header.dataset !== CONTRACTS_DATASET || decoded.value.header.door !== 'internal') return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decoded.value.payload)) as ContractRecord;
  } catch {
    return undefined;
  }
}

/**
 * Every value a transition names as read by its rule must be that of a reading among its evidence, of the subject. What is
 * no property of the dataset a rule has computed, and what it reads of several subjects too: not computed again here.
 */
function evidenceFault(
  transitions: readonly AlertTransition[],
  { subject, dataset }: AlertRaised,
  { values }: Proven,
): ShownFault | undefined {
  if (subject === 'all' || subject.includes(':')) return undefined;
  for (const transition of transitions) {
    if (!isEffect(transition) || !('values' in transition)) continue;
    const read = transition.evidence
      .flatMap((position) => values.of(position))
      .filter((one) => one.producer === subject && one.dataset === dataset);
    const properties = values.definitionAt(dataset, Math.max(...transition.evidence))?.properties ?? {};
    for (const [name, value] of Object.entries(transition.values)) {
      if (
        Object.hasOwn(properties, name) &&
        !read.some(({ observedProperty, result }) => observedProperty === name && Object.is(result, value))
      )
        return { step: 'value', detail: `${name} = ${String(value)}` };
    }
  }
  return undefined;
}
