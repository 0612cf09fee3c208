/** What is told of an alert, whatever the way: built once from the record and the alert as it stands then, and kept. */
import { type AlertItem, type AlertMessage, type AlertTransition, alertText, type ChannelRecord, type Severity } from '@airtight/protocol';
import { capTime } from '@airtight/standards/cap.ts';
import { zoneOffsetMs } from '../query/time-zone.ts';
import type { AlertPlace } from './alert-place.ts';

/**
 * `acknowledgement`: of another region's alert; it goes back to that region. `proof`: of an alert of ours that another region
 * has received without one that holds.
 */
export type MessageKind = 'alert' | 'update' | 'cancel' | 'test' | 'acknowledgement' | 'proof';
/** What is told of an alert of our own. */
export type AlertMessageKind = Exclude<MessageKind, 'acknowledgement' | 'proof'>;
type Texts = { readonly zh?: string; readonly en?: string };

const TYPES = { alert: 'alert.raised', update: 'alert.updated', cancel: 'alert.cancelled', test: 'channel.test' } as const;

export interface Told {
  readonly position: number;
  /** Epoch ms of the record's receipt. */
  readonly receivedAt: number;
  readonly transition: AlertTransition;
  readonly item: AlertItem;
  /** Of the record: RFC 6962 leaf hash, lower-case hex. */
  readonly leafHash: string;
  readonly place: AlertPlace;
}

export interface ToldWhere {
  /** Without a slash at its end; may be empty, then addresses are relative. */
  readonly publicUrl: string;
  /** IANA zone in which times of texts stand. */
  readonly timeZone: string;
}

export function alertMessage(
  kind: AlertMessageKind,
  { item, transition, position, receivedAt, place }: Told,
  channel: ChannelRecord,
  { publicUrl, timeZone }: ToldWhere,
): AlertMessage {
  const { alert, severity, contract, version, rule, agency, dataset, subject, since, values } = item;
  return {
    type: TYPES[kind],
    timestamp: new Date(receivedAt).toISOString(),
    data: {
      ...{
        alert,
        record: String(position),
        transition: item.timeline.findIndex((entry) => entry.record === String(position)),
        cause: transition.type,
      },
      ...{ severity: severity as Severity, contract, version, rule, agency, dataset, subject },
      place: spoken(place.text, channel),
      ...(place.location === undefined ? {} : { location: place.location }),
      since,
      ...(item.expires === null || kind === 'cancel' ? {} : { expires: item.expires }),
      values,
      message: spoken(readable(item, channel, place, timeZone), channel),
      simulated: place.isSimulated,
      proof: `${publicUrl}/api/v1/records/${position}/proof`,
    },
  };
}

/** Names instead of ids, and times of the zone. Another region holds the text against the record: it gets what the record says. */
function readable({ message, subject }: AlertItem, { kind }: ChannelRecord, place: AlertPlace, timeZone: string): AlertItem['message'] {
  if (kind === 'region') return message;
  // CAP writes -00:00 for UTC, which reads oddly in a sentence.
  const time = (epochMs: number) => capTime(epochMs, zoneOffsetMs(timeZone, epochMs) / 60_000).replace(/-00:00$/, 'Z');
  return {
    zh: alertText(message.zh, subject, place.subject.zh, time),
    en: alertText(message.en, subject, place.subject.en, time),
  };
}

/** What the test button sends: the shape of an alert, and nobody can take it for one. */
export function testMessage(channel: ChannelRecord, nowMs: number): AlertMessage {
  const text = { zh: '测试消息，无需处置', en: 'A test message; nothing is to be done' };
  return {
    type: 'channel.test',
    timestamp: new Date(nowMs).toISOString(),
    data: {
      ...{
        alert: '',
        transition: 0,
        cause: 'test',
        severity: 'minor',
        contract: 'sys.test',
        version: '',
        rule: 'test',
        agency: 'airtight',
        dataset: 'alerts',
      },
      ...{ subject: 'test', place: spoken({ zh: '测试', en: 'Test' }, channel), since: new Date(nowMs).toISOString(), values: {} },
      ...{ message: spoken(text, channel), simulated: true },
    },
  };
}

function spoken(text: { readonly zh: string; readonly en: string }, { languages }: Pick<ChannelRecord, 'languages'>): Texts {
  return Object.fromEntries(languages.map((language) => [language, text[language]]));
}
