/** The CAP messages of a deployment as an Atom feed (RFC 4287). */
import { CAP_MEDIA_TYPE } from '@airtight/standards/cap.ts';
import { escapeXml } from '@airtight/standards/xml.ts';
import type { Message, Outbox } from './outbox.ts';

/** Newest messages: readers come every few minutes; the files of older ones stay where they are. */
export const FEED_NEWEST_MAX = 200;
/** Messages in force, however old: who reads only the feed must not take an alert for over because others came. */
export const FEED_IN_FORCE_MAX = 1000;

/** What the feed lists, newest first. @param channels names of the CAP channels */
export function feedMessages(channels: readonly string[], outbox: Pick<Outbox, 'log' | 'inForce'>): readonly Message[] {
  const newestFirst = (messages: readonly Message[]) => messages.toSorted((a, b) => b.sentAt - a.sentAt || b.id - a.id);
  const newest = newestFirst(channels.flatMap((channel) => outbox.log(channel, 'delivered', undefined, FEED_NEWEST_MAX)));
  const inForce = newestFirst(channels.flatMap((channel) => outbox.inForce(channel, FEED_IN_FORCE_MAX)));
  const listed = [...newest.slice(0, FEED_NEWEST_MAX), ...inForce.slice(0, FEED_IN_FORCE_MAX)];
  return newestFirst([...new Map(listed.map((message) => [message.id, message])).values()]);
}

/** Where a message of the feed is served, and the proof of the record that it tells. @param name of the message */
export function capPath(name: string): string {
  return `/cap/${name}.xml`;
}
export function capProofPath(name: string): string {
  return `/cap/${name}.airtight-proof.json`;
}

/** @param messages newest first @param publicUrl without a slash at its end; may be empty */
export function atomFeed(messages: readonly Message[], publicUrl: string): string {
  const updated = new Date(messages[0]?.sentAt ?? 0).toISOString();
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  <id>${escapeXml(publicUrl === '' ? 'urn:airtight:cap' : `${publicUrl}/cap/feed.atom`)}</id>`,
    '  <title>Airtight 清鉴 CAP</title>',
    `  <updated>${updated}</updated>`,
    '  <author><name>Airtight</name></author>',
    `  <link rel="self" type="application/atom+xml" href="${escapeXml(publicUrl)}/cap/feed.atom"/>`,
    ...messages.flatMap((message) => entryLines(message, publicUrl)),
    '</feed>',
  ];
  return `${lines.join('\n')}\n`;
}

function entryLines({ name, body, sentAt }: Message, publicUrl: string): string[] {
  // Our own document: the first headline, escaped already.
  const headline = /<headline>([^<]*)<\/headline>/.exec(body)?.[1] ?? name;
  const at = new Date(sentAt).toISOString();
  return [
    '  <entry>',
    `    <id>urn:airtight:cap:${escapeXml(name)}</id>`,
    `    <title>${headline}</title>`,
    `    <updated>${at}</updated>`,
    `    <published>${at}</published>`,
    `    <link rel="alternate" type="${CAP_MEDIA_TYPE}" href="${escapeXml(publicUrl + capPath(name))}"/>`,
    '  </entry>',
  ];
}
