/** What became of telling others of an alert: by the records of deliveries, and by the outbox for what is under way. */
import type { AlertDelivery, AlertItem, DeliveriesRecord, DeliveryOutcome } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import type { Message, Outbox } from './outbox.ts';

/** Of one alert; 100 channels, ten attempts of the schedule each, and a record may hold two hundred. */
const RECORDS_MAX = 2000;

export interface RecordedOutcome {
  /** Journal position of the record that tells of it. */
  readonly position: number;
  readonly outcome: DeliveryOutcome;
}

interface DeliverySource {
  readonly store: Pick<Store, 'query'>;
  readonly control: Pick<ControlState, 'channels'>;
  readonly outbox: Pick<Outbox, 'allOfAlert' | 'attempts'>;
}

/**
 * The alert with who was told of each transition.
 * @param item as folded
 */
export async function withDeliveries(item: AlertItem, source: DeliverySource): Promise<AlertItem> {
  const recorded = await recordedOutcomes(item.alert, Number(item.timeline[0]?.record), source.store);
  const byTransition = Map.groupBy(deliveriesOf(item.alert, recorded, source), ({ told }) => told);
  const timeline = item.timeline.map((entry) => {
    const deliveries = byTransition.get(entry.record)?.map(({ delivery }) => delivery);
    return deliveries === undefined ? entry : { ...entry, deliveries };
  });
  return { ...item, timeline };
}

/** Every attempt to tell of an alert that the store's table has, in order. @param raisedAt position of its raise */
export async function recordedOutcomes(alert: string, raisedAt: number, store: Pick<Store, 'query'>): Promise<RecordedOutcome[]> {
  const rows = await store.query(
    `SELECT position, payload FROM ${DATABASE}.control
     WHERE dataset = 'sys.deliveries' AND position > ${wholeLiteral(raisedAt)}
       AND position(payload, ${quoteText(`"alert":"${alert}"`)}) > 0
     ORDER BY position LIMIT ${wholeLiteral(RECORDS_MAX)}`,
  );
  return rows.flatMap((row) => {
    const [position, payload] = row as unknown as [number, string];
    const { outcomes } = JSON.parse(payload) as DeliveriesRecord;
    return outcomes.filter((outcome) => outcome.alert === alert).map((outcome) => ({ position, outcome }));
  });
}

interface ToldOf {
  /** Record of the transition. */
  readonly told: string;
  readonly delivery: AlertDelivery;
}

/** Messages that the outbox has, as it has them; of those that it has forgotten, what the records say. */
function deliveriesOf(alert: string, recorded: readonly RecordedOutcome[], { outbox, control }: DeliverySource): ToldOf[] {
  const byMessage = Map.groupBy(recorded, ({ outcome }) => outcome.message);
  const known = outbox.allOfAlert(alert);
  const names = new Set(known.map(({ name }) => name));
  const forgotten = [...byMessage].filter(([name]) => !names.has(name)).map(([, outcomes]) => outcomes);
  return [
    ...forgotten.map((outcomes) => fromRecords(outcomes, control)),
    ...known.map((message) => fromOutbox(message, byMessage.get(message.name) ?? [], { outbox, control })),
  ];
}

function fromRecords(outcomes: readonly RecordedOutcome[], control: DeliverySource['control']): ToldOf {
  const { position, outcome } = outcomes.at(-1) as RecordedOutcome;
  return {
    told: String(outcome.record),
    delivery: {
      ...channelOf(outcome.channel, control),
      message: outcome.message,
      // Nothing is under way that the outbox does not have.
      state: outcome.outcome === 'delivered' ? 'delivered' : 'dead',
      ...lastAttempt(outcome),
      nextAt: null,
      record: String(position),
    },
  };
}

function fromOutbox(message: Message, recorded: readonly RecordedOutcome[], { outbox, control }: Omit<DeliverySource, 'store'>): ToldOf {
  const last = outbox.attempts(message.id, 1)[0];
  const onRecord = recorded.at(-1);
  // An outbox made anew knows how it ended, and the records how it came to that.
  const shown = last === undefined ? onRecord && { ...onRecord.outcome, n: onRecord.outcome.attempt, record: onRecord.position } : last;
  return {
    told: String(message.position),
    delivery: {
      ...channelOf(message.channel, control),
      message: message.name,
      state: message.state,
      ...lastAttempt(shown && { at: shown.at, detail: shown.detail, attempt: shown.n }),
      nextAt: message.state === 'waiting' ? new Date(message.nextAt).toISOString() : null,
      record: typeof shown?.record === 'number' ? String(shown.record) : null,
    },
  };
}

function lastAttempt(outcome: Pick<DeliveryOutcome, 'at' | 'detail' | 'attempt'> | undefined) {
  if (outcome === undefined) return { attempts: 0, at: null, detail: null };
  return { attempts: outcome.attempt, at: new Date(outcome.at).toISOString(), detail: outcome.detail };
}

function channelOf(name: string, { channels }: DeliverySource['control']): Pick<AlertDelivery, 'channel' | 'kind' | 'title'> {
  const channel = channels.get(name);
  if (channel === undefined) throw new Error(`a delivery tells of channel ${name}, which was never set up`);
  return { channel: name, kind: channel.kind, title: channel.title };
}
