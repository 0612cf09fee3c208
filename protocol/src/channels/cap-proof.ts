/**
 * A CAP message held against the proven record of what it tells. The record has the alert's id, contract, rule, subject,
 * severity, values and texts; names of places, areas, times of validity, category, urgency and certainty stand in CAP alone.
 */
import type { CapAlert, CapInfo } from '@airtight/standards/cap.ts';
import { leafHash, type ProofBundle } from '@airtight/tlog';
import { type AlertTransition, SEVERITIES, type Severity, transitionIn } from '../alerts/alert.ts';
import { alertTextPattern } from '../alerts/alert-text.ts';
import { decodeRecord } from '../records/record.ts';

/** Names of `parameter` that say which record a message tells, and where it is proven. */
export const CAP_PARAMETERS = {
  /** Journal position. */
  record: 'airtight:record',
  /** Leaf hash of the record (RFC 6962), lower-case hex. */
  leaf: 'airtight:leaf-sha256',
  /** Origin of the ledger in which it is. */
  ledger: 'airtight:ledger',
  contract: 'airtight:contract',
  rule: 'airtight:rule',
  subject: 'airtight:subject',
} as const;
/** Before the name of a value. */
export const CAP_VALUE_PREFIX = 'airtight:value:';

export const CAP_SEVERITY = { minor: 'Minor', moderate: 'Moderate', severe: 'Severe', extreme: 'Extreme' } as const;

type Parameters = ReadonlyMap<string, string>;

/**
 * @param bundle what it says is worth what its own verification says
 * @returns what differs, by the path in the message; empty when the message says what the record says
 */
export function capDifferences(alert: CapAlert, bundle: Pick<ProofBundle, 'record' | 'position' | 'checkpoint'>): readonly string[] {
  const record = decodeRecord(bundle.record);
  const transition = record.ok ? transitionIn(record.value) : undefined;
  if (transition === undefined) return ['the record is no transition of an alert'];
  const { msgType, incidents = [], info = [] } = alert;
  const isEnd = transition.type === 'clear' || transition.type === 'close';
  const mayEnd = isEnd || transition.type === 'correct';
  return [
    ...(incidents.length === 1 && incidents[0] === transition.alert ? [] : ['incidents']),
    ...((msgType === 'Cancel' ? mayEnd : !isEnd) ? [] : ['msgType']),
    ...(info.length === 0 ? ['info'] : []),
    ...info.flatMap((one, i) => differencesIn(one, transition, bundle).map((name) => `info[${i}]/${name}`)),
  ];
}

function differencesIn(
  info: CapInfo,
  transition: AlertTransition,
  bundle: Pick<ProofBundle, 'record' | 'position' | 'checkpoint'>,
): string[] {
  const said: Parameters = new Map((info.parameter ?? []).map(({ valueName, value }) => [valueName, value]));
  const wanted: [string, string][] = [
    [CAP_PARAMETERS.record, String(bundle.position)],
    [CAP_PARAMETERS.leaf, hex(leafHash(bundle.record))],
    [CAP_PARAMETERS.ledger, bundle.checkpoint.split('\n', 1)[0] as string],
  ];
  if (transition.type === 'raise') {
    const { contract, version, rule, subject } = transition;
    wanted.push([CAP_PARAMETERS.contract, `${contract} ${version}`], [CAP_PARAMETERS.rule, `${contract}/${rule}`]);
    wanted.push([CAP_PARAMETERS.subject, subject]);
  }
  return [
    ...wanted.flatMap(([name, value]) => (said.get(name) === value ? [] : [`parameter[${name}]`])),
    ...severityDifference(info, transition),
    ...(transition.type === 'raise' || transition.type === 'update' ? toldDifferences(info, transition, said) : []),
    ...(info.headline?.endsWith(info.description ?? '') === false ? ['headline'] : []),
  ];
}

/** An escalation makes worse, and an update leaves that: then more may be told than the record of the update says. */
function severityDifference({ severity }: CapInfo, transition: AlertTransition): string[] {
  if (!('severity' in transition)) return [];
  const rank = Object.values(CAP_SEVERITY).indexOf(severity as (typeof CAP_SEVERITY)[Severity]);
  const own = SEVERITIES.indexOf(transition.severity);
  return (transition.type === 'update' ? rank >= own : rank === own) ? [] : ['severity'];
}

function toldDifferences(
  info: CapInfo,
  { type, since, values, message }: Extract<AlertTransition, { type: 'raise' | 'update' }>,
  said: Parameters,
): string[] {
  const names = new Set([...said.keys()].filter((name) => name.startsWith(CAP_VALUE_PREFIX)));
  for (const name of Object.keys(values)) names.add(CAP_VALUE_PREFIX + name);
  const differing = [...names].filter((name) => said.get(name) !== valueText(values[name.slice(CAP_VALUE_PREFIX.length)]));
  const text = message[info.language?.startsWith('zh') ? 'zh' : 'en'];
  const isText = alertTextPattern(xmlText(text), said.get(CAP_PARAMETERS.subject) ?? '')(info.description ?? '');
  return [
    ...differing.map((name) => `parameter[${name}]`),
    ...(isText ? [] : ['description']),
    ...(type === 'raise' && Date.parse(info.onset ?? '') !== Math.floor(since / 1000) * 1000 ? ['onset'] : []),
  ];
}

function valueText(value: number | string | boolean | undefined): string | undefined {
  return value === undefined ? undefined : xmlText(String(value));
}

/** XML 1.0 §2.2, Char. A text from a device may hold others: it must not keep the alert from being told. */
const NO_XML_CHAR = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** A text of ours as it stands in a CAP document. */
export function xmlText(text: string): string {
  return text.replace(NO_XML_CHAR, '\uFFFD');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
