/** A message as CAP 1.2: one Alert for each raise, Updates and a Cancel that refer to it, texts in each language. */
import {
  type AlertMessage,
  type Bilingual,
  CAP_PARAMETERS,
  CAP_SEVERITY,
  CAP_VALUE_PREFIX,
  type ChannelRecord,
  xmlText,
} from '@airtight/protocol';
import {
  type CapAlert,
  type CapArea,
  type CapInfo,
  type CapNamedValue,
  capReference,
  capTime,
  parseCap,
  writeCap,
} from '@airtight/standards/cap.ts';
import { zoneOffsetMs } from '../query/time-zone.ts';
import type { AlertMessageKind } from './alert-message.ts';

/** A message that says no end of its own is void after a day, unless an Update comes. */
export const CAP_EXPIRES_MS = 24 * 3_600_000;
/** So long holds what has outlived the end that its contract named, and each renewal at least. */
export const CAP_HOLDS_MIN_MS = 3_600_000;
/** A message is renewed when a quarter of its time is left, not earlier than this before its end. */
const RENEW_AHEAD_MAX_MS = 3_600_000;
/** Around a station, where neither code nor polygon of its place is known. */
const STATION_RADIUS_KM = 1;
/** References to earlier messages: an alert that changes for ever must not grow a list for ever. */
const REFERENCES_MAX = 50;
/** GB/T 2260 codes of administrative divisions, as valueName. */
const GEOCODE_NAME = 'GB/T 2260';
const HEADLINES = {
  alert: { zh: '', en: '' },
  update: { zh: '更新：', en: 'Update: ' },
  renewal: { zh: '仍然有效：', en: 'Still in force: ' },
  cancel: { zh: '解除：', en: 'Cancelled: ' },
  test: { zh: '', en: '' },
} as const;

/** What CAP says of the kind of alert. */
export interface CapSubject {
  /** §3.2.2 `event`: what the contract is about, in each language. */
  readonly event: Bilingual;
  readonly category: readonly CapInfo['category'][number][];
  /** The alert is about what is forecast. */
  readonly isForetold: boolean;
}

/** Where what a message tells is proven. */
export interface CapProof {
  /** Of the record: RFC 6962 leaf hash, lower-case hex. */
  readonly leafHash: string;
  /** Of the ledger; empty while it has never answered. */
  readonly origin: string;
  /** Absolute address of the proof bundle; undefined where we do not know our own. */
  readonly url: string | undefined;
}

export interface CapSource {
  readonly kind: AlertMessageKind;
  /** Identifier: no space, comma, `<`, `&`. */
  readonly name: string;
  readonly message: AlertMessage;
  readonly channel: ChannelRecord;
  /** Epoch ms; not before that of what it refers to. */
  readonly sentAt: number;
  readonly timeZone: string;
  /** Documents of the alert on this channel, oldest first. */
  readonly earlier: readonly string[];
  /** Names by which the channel's areas may know the place, the narrowest first. */
  readonly areas: readonly string[];
  readonly about: CapSubject;
  /** Absent for a test. */
  readonly proof?: CapProof | undefined;
}

export type CapOutcome =
  | { readonly ok: true; readonly document: string; readonly renewAt: number | undefined }
  | { readonly ok: false; readonly detail: string };

/** @returns the document, and when it is to be renewed; or why there is none: text of the alert that XML cannot hold */
export function capDocument(source: CapSource): CapOutcome {
  const isOpen = source.kind === 'alert' || source.kind === 'update';
  const expires = expiryOf(source);
  return written(capAlert(source, expires), isOpen ? renewalTime(source.sentAt, expires) : undefined);
}

/**
 * The last message of an alert once more, as an Update that holds as long again: nothing is new but the time.
 * @param earlier documents of the alert, oldest first; the last one is renewed
 */
export function renewedDocument(
  earlier: readonly string[],
  { name, sentAt, timeZone, proofUrl }: Pick<CapSource, 'name' | 'sentAt' | 'timeZone'> & { readonly proofUrl: string | undefined },
): CapOutcome {
  const last = parseCap(new TextEncoder().encode(earlier.at(-1) ?? ''));
  if (!last.ok) return { ok: false, detail: last.detail };
  const { sent, info = [] } = last.alert;
  const holdsMs = Date.parse(info[0]?.expires ?? sent) - Date.parse(sent);
  const expires = sentAt + Math.max(holdsMs, CAP_HOLDS_MIN_MS);
  const time = timeIn(timeZone);
  const renewed = info.map((one) => {
    const language = one.language?.startsWith('zh') ? 'zh' : 'en';
    const resource = proofUrl === undefined ? {} : { resource: [proofResource(language, proofUrl)] };
    return { ...one, expires: time(expires), headline: `${HEADLINES.renewal[language]}${one.description ?? ''}`, ...resource };
  });
  const { references: _references, ...rest } = last.alert;
  return written(
    { ...rest, identifier: name, sent: time(sentAt), msgType: 'Update', references: referencesTo(earlier), info: renewed },
    renewalTime(sentAt, expires),
  );
}

function written(alert: CapAlert, renewAt: number | undefined): CapOutcome {
  const outcome = writeCap(alert);
  return outcome.ok ? { ok: true, document: new TextDecoder().decode(outcome.document), renewAt } : { ok: false, detail: outcome.detail };
}

function renewalTime(sentAt: number, expires: number): number {
  return expires - Math.floor(Math.min((expires - sentAt) / 4, RENEW_AHEAD_MAX_MS));
}

/** What the contract says, while that lies ahead. */
function expiryOf({ message: { data }, sentAt }: CapSource): number {
  if (data.expires === undefined) return sentAt + CAP_EXPIRES_MS;
  const expires = Date.parse(data.expires);
  return expires > sentAt ? expires : sentAt + CAP_HOLDS_MIN_MS;
}

function referencesTo(earlier: readonly string[]) {
  return earlier.slice(-REFERENCES_MAX).flatMap((document) => {
    const read = parseCap(new TextEncoder().encode(document));
    return read.ok ? [capReference(read.alert)] : [];
  });
}

function timeIn(timeZone: string): (epochMs: number) => string {
  return (epochMs) => capTime(epochMs, zoneOffsetMs(timeZone, epochMs) / 60_000);
}

function capAlert(source: CapSource, expires: number): CapAlert {
  const { kind, name, message, channel, sentAt, timeZone, earlier } = source;
  return {
    identifier: name,
    sender: channel.sender ?? 'airtight',
    sent: timeIn(timeZone)(sentAt),
    // Nobody must take made-up data for real.
    status: kind === 'test' ? 'Test' : message.data.simulated ? 'Exercise' : 'Actual',
    msgType: kind === 'update' ? 'Update' : kind === 'cancel' ? 'Cancel' : 'Alert',
    scope: 'Public',
    ...(kind === 'alert' || kind === 'test' || earlier.length === 0 ? {} : { references: referencesTo(earlier) }),
    ...(message.data.alert === '' ? {} : { incidents: [message.data.alert] }),
    info: channel.languages.map((language) => infoIn(language, source, expires)),
  };
}

function infoIn(
  language: 'zh' | 'en',
  { kind, message: { data }, channel, areas, timeZone, about, proof }: CapSource,
  expires: number,
): CapInfo {
  const text = xmlText(data.message[language] ?? '');
  const time = timeIn(timeZone);
  return {
    language: language === 'zh' ? 'zh-CN' : 'en-US',
    category: about.category,
    event: about.event[language],
    responseType: [kind === 'cancel' ? 'AllClear' : kind === 'test' ? 'None' : 'Monitor'],
    urgency: kind === 'cancel' ? 'Past' : kind === 'test' ? 'Unknown' : about.isForetold ? 'Future' : 'Immediate',
    severity: CAP_SEVERITY[data.severity as keyof typeof CAP_SEVERITY],
    certainty: kind === 'test' ? 'Unknown' : about.isForetold ? 'Likely' : 'Observed',
    onset: time(Date.parse(data.since)),
    expires: time(expires),
    senderName: channel.title[language],
    headline: `${HEADLINES[kind][language]}${text}`,
    description: text,
    parameter: [...parametersOf(data, proof)],
    ...(proof?.url === undefined ? {} : { resource: [proofResource(language, proof.url)] }),
    area: [areaIn(language, data, channel, areas)],
  };
}

function proofResource(language: 'zh' | 'en', uri: string) {
  return { resourceDesc: language === 'zh' ? '证据包' : 'Proof bundle', mimeType: 'application/json', uri };
}

function* parametersOf(data: AlertMessage['data'], proof: CapProof | undefined): Iterable<CapNamedValue> {
  const { record, leaf, ledger, contract, rule, subject } = CAP_PARAMETERS;
  if (data.record !== undefined) yield { valueName: record, value: data.record };
  if (proof !== undefined) yield { valueName: leaf, value: proof.leafHash };
  if (proof !== undefined && proof.origin !== '') yield { valueName: ledger, value: proof.origin };
  if (data.version !== '') yield { valueName: contract, value: `${data.contract} ${data.version}` };
  yield { valueName: rule, value: `${data.contract}/${data.rule}` };
  yield { valueName: subject, value: xmlText(data.subject) };
  for (const [name, value] of Object.entries(data.values)) yield { valueName: CAP_VALUE_PREFIX + name, value: xmlText(String(value)) };
}

function areaIn(
  language: 'zh' | 'en',
  { place, location, subject }: AlertMessage['data'],
  { areas = {} }: ChannelRecord,
  names: readonly string[],
): CapArea {
  const areaDesc = xmlText(place[language] ?? subject);
  const name = names.find((known) => Object.hasOwn(areas, known));
  const known = name === undefined ? undefined : areas[name];
  if (known !== undefined)
    return {
      areaDesc,
      ...(known.polygon === undefined ? {} : { polygon: [known.polygon] }),
      ...(known.geocode === undefined ? {} : { geocode: [{ valueName: GEOCODE_NAME, value: known.geocode }] }),
    };
  return location === undefined
    ? { areaDesc }
    : { areaDesc, circle: [{ centre: [location.lat, location.lon], radiusKm: STATION_RADIUS_KM }] };
}
