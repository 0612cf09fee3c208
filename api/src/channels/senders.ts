/** The way of each kind of channel. */
import { AirtightError, type ChannelRecord } from '@airtight/protocol';
import type { ApiConfig } from '../config.ts';
import type { RegionSender } from '../regions/region-sender.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { ChannelSecrets } from './channel-secrets.ts';
import type { Send } from './deliverer.ts';
import { MailSender, type MailSettings } from './mail.ts';
import { announce } from './mqtt.ts';
import { parseNetworks, WebhookSender } from './webhook.ts';

interface SenderParts {
  readonly secrets: ChannelSecrets;
  readonly ingest: Pick<IngestClient, 'announce'>;
  readonly regions: RegionSender;
}

/** @throws AirtightError CONFIG_INVALID */
export function sendersOf(config: Pick<ApiConfig, 'webhookNetworks'> & MailSettings, { secrets, ingest, regions }: SenderParts): Send {
  const allowed = parseNetworks(config.webhookNetworks);
  if (allowed === null) throw new AirtightError('CONFIG_INVALID', `webhookNetworks: ${config.webhookNetworks}`);
  const mail = new MailSender(config);
  const webhook = new WebhookSender(allowed);
  const senders: { readonly [kind in ChannelRecord['kind']]: Send } = {
    // It is in the feed as soon as it counts as delivered.
    cap: async () => ({ ok: true, detail: 'published' }),
    webhook: (channel, message) => webhook.send(channel.url ?? '', message, secrets.of(channel.channel)),
    mail: (channel, message) => mail.send(channel, message),
    mqtt: (_channel, message) => announce(ingest, message),
    region: (channel, message) => regions.send(channel, message),
  };
  return (channel, message) => senders[channel.kind](channel, message);
}
