/** A message as CAP 1.2: one Alert for each raise, Updates and a Cancel that refer to it, texts in each language. */
import type { AlertMessage, ChannelRecord } from '@airtight/protocol';
import { type CapAlert, type CapArea, type CapInfo, capReference, capTime, parseCap, writeCap } from '@airtight/standards/cap.ts';
import type { AlertMessageKind } from './alert-message.ts';

/** A message that says no end of its own is void after a day, unless an Update comes. */
export const CAP_EXPIRES_MS = 24 * 3_600_000;
/** Around a station, where neither code nor polygon of its place is known. */
const STATION_RADIUS_KM = 1;
/** References to earlier messages: an alert that changes for ever must not grow a list for ever. */
const REFERENCES_MAX = 50;
/** GB/T 2260 codes of administrative divisions, as valueName. */
const GEOCODE_NAME = 'GB/T 2260';
const SEVERITY = { minor: 'Minor', moderate: 'Moderate', severe: 'Severe', extreme: 'Extreme' } as const;
const HEADLINES = {
  alert: { zh: '', en: '' },
  update: { zh: '更新：', en: 'Update: ' },
  cancel: { zh: '解除：', en: 'Cancelled: ' },
  test: { zh: '', en: '' },
} as const;

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
  readonly places: readonly string[];
}

/** @returns the document, or why there is none: text of the alert that XML cannot hold */
export function capDocument(
  source: CapSource,
): { readonly ok: true; readonly document: string } | { readonly ok: false; readonly detail: string } {
  const written = writeCap(capAlert(source));
  return written.ok ? { ok: true, document: new TextDecoder().decode(written.document) } : { ok: false, detail: written.detail };
}

function capAlert({ kind, name, message, channel, sentAt, timeZone, earlier, places }: CapSource): CapAlert {
  const references = earlier.slice(-REFERENCES_MAX).flatMap((document) => {
    const read = parseCap(new TextEncoder().encode(document));
    return read.ok ? [capReference(read.alert)] : [];
  });
  const time = (epochMs: number) => capTime(epochMs, offsetMinutes(timeZone, epochMs));
  return {
    identifier: name,
    sender: channel.sender ?? 'airtight',
    sent: time(sentAt),
    // Nobody must take made-up data for real.
    status: kind === 'test' ? 'Test' : message.data.simulated ? 'Exercise' : 'Actual',
    msgType: kind === 'update' ? 'Update' : kind === 'cancel' ? 'Cancel' : 'Alert',
    scope: 'Public',
    ...(kind === 'alert' || kind === 'test' ? {} : { references }),
    ...(message.data.alert === '' ? {} : { incidents: [message.data.alert] }),
    info: channel.languages.map((language) => infoIn(language, { kind, message, channel, sentAt, places, time })),
  };
}

type InfoSource = Pick<CapSource, 'kind' | 'message' | 'channel' | 'sentAt' | 'places'> & { readonly time: (epochMs: number) => string };

function infoIn(language: 'zh' | 'en', { kind, message: { data }, channel, sentAt, places, time }: InfoSource): CapInfo {
  const text = data.message[language] ?? '';
  const expires = data.expires === undefined ? sentAt + CAP_EXPIRES_MS : Math.max(Date.parse(data.expires), sentAt);
  return {
    language: language === 'zh' ? 'zh-CN' : 'en-US',
    category: [data.dataset === 'air' ? 'Env' : 'Other'],
    event: `${data.contract}/${data.rule}`,
    responseType: [kind === 'cancel' ? 'AllClear' : kind === 'test' ? 'None' : 'Monitor'],
    urgency: kind === 'cancel' ? 'Past' : kind === 'test' ? 'Unknown' : 'Immediate',
    severity: SEVERITY[data.severity as keyof typeof SEVERITY],
    certainty: kind === 'test' ? 'Unknown' : 'Observed',
    onset: time(Date.parse(data.since)),
    expires: time(expires),
    senderName: channel.title[language],
    headline: `${HEADLINES[kind][language]}${text}`,
    description: text,
    parameter: [
      ...(data.record === undefined ? [] : [{ valueName: 'airtight:record', value: data.record }]),
      ...(data.version === '' ? [] : [{ valueName: 'airtight:contract', value: `${data.contract} ${data.version}` }]),
      ...Object.entries(data.values).map(([name, value]) => ({ valueName: `airtight:value:${name}`, value: String(value) })),
    ],
    ...(data.proof === undefined
      ? {}
      : { resource: [{ resourceDesc: language === 'zh' ? '证据包' : 'Proof bundle', mimeType: 'application/json', uri: data.proof }] }),
    area: [areaIn(language, data, channel, places)],
  };
}

function areaIn(
  language: 'zh' | 'en',
  { place, location, subject }: AlertMessage['data'],
  { areas = {} }: ChannelRecord,
  places: readonly string[],
): CapArea {
  const areaDesc = place[language] ?? subject;
  const name = places.find((known) => Object.hasOwn(areas, known));
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

/** Of a zone at a moment, east positive. */
function offsetMinutes(timeZone: string, epochMs: number): number {
  const name = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(epochMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
