/** What is told of an alert, whatever the way: built once from the record and the alert as it stands then, and kept. */
import type { AlertItem, AlertMessage, AlertTransition, ChannelRecord, ControlRecord, Severity } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';

/**
 * `acknowledgement`: of another region's alert; it goes back to that region. `proof`: of an alert of ours that another region
 * has received without one that holds.
 */
export type MessageKind = 'alert' | 'update' | 'cancel' | 'test' | 'acknowledgement' | 'proof';
/** What is told of an alert of our own. */
export type AlertMessageKind = Exclude<MessageKind, 'acknowledgement' | 'proof'>;
type Device = Extract<ControlRecord, { type: 'device' }>;
type Texts = { readonly zh?: string; readonly en?: string };

const TYPES = { alert: 'alert.raised', update: 'alert.updated', cancel: 'alert.cancelled', test: 'channel.test' } as const;

export interface Told {
  readonly position: number;
  /** Epoch ms of the record's receipt. */
  readonly receivedAt: number;
  readonly transition: AlertTransition;
  readonly item: AlertItem;
}

/** @param publicUrl without a slash at its end; may be empty, then addresses are relative */
export function alertMessage(
  kind: AlertMessageKind,
  told: Told,
  channel: ChannelRecord,
  control: ControlState,
  publicUrl: string,
): AlertMessage {
  const { item, transition, position, receivedAt } = told;
  const sources = sourcesOf(item, control);
  const device = control.producers.get(item.subject);
  const expires = transition.type === 'raise' ? transition.expires : undefined;
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
      place: spoken(placeOf(item, device), channel),
      ...(device?.location === undefined ? {} : { location: device.location }),
      since,
      ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
      values,
      message: spoken(item.message, channel),
      simulated: sources.some((source) => source.simulated),
      proof: `${publicUrl}/api/v1/records/${position}/proof`,
    },
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

/** Names under which a place can be asked for: the subject, its region in both languages, its agency. */
export function placeNames(item: Pick<AlertItem, 'subject' | 'agency'>, control: Pick<ControlState, 'producers'>): readonly string[] {
  const region = control.producers.get(item.subject)?.region;
  const named = item.subject.startsWith('region:') ? [item.subject.slice('region:'.length)] : [];
  const known = [...control.producers.values()].find((one) => one.region !== undefined && named.includes(one.region.en));
  const of = region ?? known?.region;
  return [item.subject, ...named, ...(of === undefined ? [] : [of.zh, of.en]), item.agency];
}

function placeOf({ subject }: AlertItem, device: Device | undefined): { readonly zh: string; readonly en: string } {
  const name = device?.name ?? { zh: subject.replace(/^(?:region|agency):/, ''), en: subject.replace(/^(?:region|agency):/, '') };
  const region = device?.region;
  return region === undefined || region.zh === name.zh ? name : { zh: `${region.zh} ${name.zh}`, en: `${region.en}, ${name.en}` };
}

/** Producers whose readings may be behind it. */
function sourcesOf(item: AlertItem, { producers }: ControlState): readonly Device[] {
  const own = producers.get(item.subject);
  if (own !== undefined) return [own];
  return [...producers.values()].filter(({ datasets, agency, region }) => {
    if (!datasets.includes(item.dataset)) return false;
    if (item.subject.startsWith('agency:')) return agency === item.subject.slice('agency:'.length);
    const name = item.subject.startsWith('region:') ? item.subject.slice('region:'.length) : undefined;
    return name === undefined || region?.en === name || region?.zh === name;
  });
}

function spoken(text: { readonly zh: string; readonly en: string }, { languages }: Pick<ChannelRecord, 'languages'>): Texts {
  return Object.fromEntries(languages.map((language) => [language, text[language]]));
}
