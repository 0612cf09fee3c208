/** The form of a channel's settings, and the request it becomes. */
import { CHANNEL_KINDS, type ChannelFilter, type ChannelKind, SEVERITIES, type Severity } from '@airtight/protocol';
import type { ChannelItem } from './channel-items.ts';

/** Part of file names, message ids and topics (docs/reference/channels.md). */
export const CHANNEL_NAME_PATTERN = '[a-z0-9][a-z0-9\\-]{0,31}';
export const FORM_KINDS: readonly ChannelKind[] = CHANNEL_KINDS;
/** Ways by which alerts of confidential datasets may go. */
export const CONFIDENTIAL_KINDS: readonly ChannelKind[] = ['webhook', 'mail'];
/** Parts of a filter that are written as a list of names. */
export const NAME_FILTERS = ['contracts', 'regions', 'agencies', 'datasets'] as const;

export interface ChannelForm {
  channel: string;
  kind: ChannelKind;
  zh: string;
  en: string;
  /** webhook: its address; mail: addresses, one a line; cap: who sends; region: its name; mqtt: nothing. */
  target: string;
  languages: ('zh' | 'en')[];
  severities: Severity[];
  contracts: string;
  regions: string;
  agencies: string;
  datasets: string;
  namedOnly: boolean;
  confidential: boolean;
}

/** @param known the channel that is changed; undefined: a new one */
export function formOf(known: ChannelItem | undefined): ChannelForm {
  const { contracts = [], regions = [], agencies = [], datasets = [], severities = SEVERITIES } = known?.filter ?? {};
  return {
    channel: known?.channel ?? '',
    kind: known?.kind ?? 'webhook',
    zh: known?.title.zh ?? '',
    en: known?.title.en ?? '',
    target: known?.url ?? known?.to?.join('\n') ?? known?.sender ?? known?.region ?? '',
    languages: [...(known?.languages ?? (['zh', 'en'] as const))],
    severities: [...severities],
    ...{ contracts: contracts.join(', '), regions: regions.join(', '), agencies: agencies.join(', '), datasets: datasets.join(', ') },
    namedOnly: known?.namedOnly ?? false,
    confidential: known?.confidential ?? false,
  };
}

/** @param known its areas of CAP messages stay as they are: the form has no field for them */
export function bodyOf(form: ChannelForm, known: ChannelItem | undefined): object {
  const { kind, zh, en, languages, namedOnly, confidential } = form;
  return {
    ...{
      kind,
      title: { zh: zh.trim(), en: en.trim() },
      languages,
      namedOnly,
      confidential: confidential && CONFIDENTIAL_KINDS.includes(kind),
      filter: filterOf(form),
    },
    ...targetOf(form),
    ...(known?.areas === undefined ? {} : { areas: known.areas }),
  };
}

function targetOf({ kind, target }: ChannelForm): object {
  switch (kind) {
    case 'mail':
      return { to: namesIn(target) };
    case 'webhook':
      return { url: target.trim() };
    case 'cap':
      return { sender: target.trim() };
    case 'region':
      return { region: target };
    case 'mqtt':
      return {};
  }
}

/** What is not asked for is left out; all severities are none asked for. */
function filterOf(form: ChannelForm): ChannelFilter {
  const severities = SEVERITIES.filter((severity) => form.severities.includes(severity));
  const named = NAME_FILTERS.map((part) => [part, namesIn(form[part])] as const).filter(([, names]) => names.length > 0);
  return { ...(severities.length === SEVERITIES.length ? {} : { severities }), ...Object.fromEntries(named) };
}

/** Names with commas (also Chinese ones), semicolons or line ends between them. */
function namesIn(text: string): string[] {
  const names = text.split(/[,，、;；\n]/).map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}
