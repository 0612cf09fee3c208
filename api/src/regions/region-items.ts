/** Alerts of other regions as the interface shows them. */
import type { RegionAlertItem } from '@airtight/protocol';
import type { Message } from '../channels/outbox.ts';
import type { KnownRegion } from './known-regions.ts';
import { isAcknowledged } from './region-acts.ts';
import { type ReceivedAlert, type ReceivedMessage, VERIFIED } from './region-book.ts';

/** @param region undefined when it is not in the file of regions any more */
export function regionAlertItem(
  { region: name, alert, messages, acts }: ReceivedAlert,
  { region, stateOf }: { readonly region: KnownRegion | undefined; readonly stateOf: (act: string) => Message['state'] | undefined },
): RegionAlertItem {
  const last = messages.at(-1) as ReceivedMessage;
  const { type, data } = last.value.message;
  const { severity, contract, version, rule, agency, dataset, subject, place, since, values, message, simulated } = data;
  return {
    ...{ region: name, title: region?.title ?? { zh: name, en: name }, keyName: last.value.from, alert },
    ...{ severity, contract, version, rule, agency, dataset, subject, place, since, values, message, simulated },
    state:
      type === 'alert.cancelled' ? 'over' : isAcknowledged({ region: name, alert, messages, acts }) ? 'acknowledged' : 'unacknowledged',
    verified: last.verdict === VERIFIED,
    messages: messages.map(({ position, receivedAt, verdict, provenAt, value }) => ({
      ...{ record: String(position), receivedAt: time(receivedAt), type: value.message.type, severity: value.message.data.severity },
      ...{ delivery: value.delivery, senderRecord: value.message.data.record ?? '', proof: verdict },
      provenRecord: provenAt === null ? null : String(provenAt),
    })),
    acknowledgements: acts.map(({ position, act: { act, by, role, at, comment, delivery } }) => ({
      ...{ record: String(position), by, role, at, comment, delivery },
      // The outbox forgets what has arrived after a time.
      state: stateOf(act) ?? 'delivered',
    })),
  };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
