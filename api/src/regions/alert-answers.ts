/** What other regions answered to an alert of ours. */
import type { AlertDelivery, AlertItem, AlertRegionAnswer, RegionRecord } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import { type Answers, RegionBook } from './region-book.ts';

/** Of one alert: a receipt and some acknowledgements for each message to each region. */
const RECORDS_MAX = 2000;

interface AnswerSource {
  readonly store: Pick<Store, 'query'>;
  readonly control: Pick<ControlState, 'channels' | 'regionBook'>;
}

/** The alert with the answers at the deliveries that they answer. @param item with its deliveries */
export async function withAnswers(item: AlertItem, { store, control }: AnswerSource): Promise<AlertItem> {
  const isToRegion = ({ kind }: AlertDelivery) => kind === 'region';
  if (!item.timeline.some(({ deliveries = [] }) => deliveries.some(isToRegion))) return item;
  // An alert whose answers memory has let go is answered for by the table.
  const answers = control.regionBook.answers(item.alert) ?? (await recordedAnswers(item, store));
  const answered = (delivery: AlertDelivery): AlertDelivery => {
    const region = control.channels.get(delivery.channel)?.region;
    const answer = region === undefined || answers === undefined ? undefined : answerTo(answers, region, delivery.message);
    return answer === undefined ? delivery : { ...delivery, answer };
  };
  const timeline = item.timeline.map((entry) =>
    entry.deliveries === undefined ? entry : { ...entry, deliveries: entry.deliveries.map(answered) },
  );
  return { ...item, timeline };
}

async function recordedAnswers({ alert, timeline }: AlertItem, store: Pick<Store, 'query'>): Promise<Answers | undefined> {
  const book = new RegionBook();
  for (const { position, receivedAt, record } of await regionRecordsOf(alert, Number(timeline[0]?.record), store))
    book.take(position, receivedAt, record);
  return book.answers(alert);
}

/**
 * What is on record of an alert and other regions, in order; of an alert of theirs that has the same id too.
 * @param raisedAt position of its raise
 */
export async function regionRecordsOf(
  alert: string,
  raisedAt: number,
  store: Pick<Store, 'query'>,
): Promise<{ readonly position: number; readonly receivedAt: number; readonly record: RegionRecord }[]> {
  const rows = await store.query(
    `SELECT position, receivedAt, payload FROM ${DATABASE}.control
     WHERE dataset = 'sys.regions' AND position > ${wholeLiteral(raisedAt)}
       AND position(payload, ${quoteText(`"alert":"${alert}"`)}) > 0
     ORDER BY position LIMIT ${wholeLiteral(RECORDS_MAX)}`,
  );
  return rows.map((row) => {
    const [position, receivedAt, payload] = row as unknown as [number, number, string];
    return { position, receivedAt, record: JSON.parse(payload) as RegionRecord };
  });
}

/** What one region answered to one message; undefined: nothing yet. */
function answerTo({ receipts, acts }: Answers, region: string, delivery: string): AlertRegionAnswer | undefined {
  const receipt = receipts.find((one) => one.region === region && one.receipt.delivery === delivery);
  const own = acts.filter((one) => one.region === region && one.act.delivery === delivery);
  if (receipt === undefined && own.length === 0) return undefined;
  return {
    region,
    receipt:
      receipt === undefined
        ? null
        : {
            ...{ record: String(receipt.position), theirRecord: receipt.receipt.record, keyName: receipt.receipt.from },
            ...{ receivedAt: receipt.receipt.receivedAt, proof: receipt.receipt.proof, signature: 'valid' },
          },
    acknowledgements: own.map(({ position, act: { from, by, role, at, comment } }) => ({
      ...{ record: String(position), keyName: from, by, role, at, comment, signature: 'valid' },
    })),
  };
}
