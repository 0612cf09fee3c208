/** What is wrong with a channel before it is put on record. */
import type { ChannelRecord } from '@airtight/protocol';

/** Deliberately narrow: an address that could carry a header, a list or a display name is none. */
const MAIL_ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*$/;

/**
 * @param known the channel of this name, also a removed one
 * @param regions names of the regions that are known
 * @returns what is wrong; undefined when nothing is
 */
export function channelFault(channel: ChannelRecord, known: ChannelRecord | undefined, regions: ReadonlySet<string>): string | undefined {
  const { kind, confidential, areas = {} } = channel;
  if (known !== undefined && known.kind !== kind) return `${channel.channel} is of kind ${known.kind}`;
  if (kind === 'cap' && confidential) return 'everybody can read the CAP feed: no confidential alerts';
  if (kind === 'mqtt' && confidential) return 'whoever may subscribe hears the topics: no confidential alerts';
  if (kind === 'cap' && channel.sender === undefined) return 'sender is missing';
  if (kind === 'region' && confidential) return 'no confidential alerts go to another region';
  if (kind === 'region' && !regions.has(channel.region ?? '')) return 'region is the name of one in the file of regions';
  const isOpen = Object.values(areas).some(
    ({ polygon: [first, ...rest] = [] }) => first !== undefined && String(first) !== String(rest.at(-1)),
  );
  if (isOpen) return 'the last point of a polygon is the first';
  if (kind === 'mail' && (channel.to ?? []).length === 0) return 'to is missing';
  if (channel.to?.some((address) => !MAIL_ADDRESS.test(address)) === true) return 'an address in to is none';
  return kind === 'webhook' ? urlFault(channel.url) : undefined;
}

function urlFault(url: string | undefined): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return 'url is an address with https://';
  // It would stand in the journal.
  return parsed.username !== '' || parsed.password !== '' ? 'url holds a password' : undefined;
}
