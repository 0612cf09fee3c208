/** What a screen claims, in the form in which it can be held against proofs. Data alone: the checking is loaded on demand. */
import type { AirIndex, AlertItem, LatestItem, QuarantineItem, Result } from '@airtight/protocol';

/** A value that stands on the screen as a record has it. */
export interface ShownNumber {
  readonly kind: 'value';
  /** Names the cell: changes with the value's record, so that no mark outlives what it was about. */
  readonly key: string;
  readonly record: number;
  readonly producer: string;
  readonly observedProperty: string;
  /** Epoch ms. */
  readonly phenomenonTime: number;
  readonly result: Result;
}

/** An index that was computed from the values of one moment. */
export interface ShownIndex {
  readonly kind: 'index';
  readonly key: string;
  readonly dataset: string;
  readonly producer: string;
  readonly phenomenonTime: number;
  /** Record of each value of that moment. */
  readonly inputs: readonly { readonly observedProperty: string; readonly record: number }[];
  readonly index: AirIndex;
}

/** An alert: its transitions, the readings that raised it, the contract, and who was told. */
export interface ShownAlert {
  readonly kind: 'alert';
  readonly key: string;
  readonly alert: AlertItem;
}

/** A message that was let out of quarantine: the record that it is said to have become. */
export interface ShownRelease {
  readonly kind: 'release';
  readonly key: string;
  readonly record: number;
  readonly producer: string;
  /** Base64 of what is shown of it, and how many bytes the message has. */
  readonly payload: string;
  readonly size: number;
}

export type ShownClaim = ShownNumber | ShownIndex | ShownAlert | ShownRelease;

export const valueKey = (producer: string, property: string, record: string): string => `${producer} ${property} ${record}`;
export const indexKey = ({ producer, record }: Pick<LatestItem, 'producer' | 'record'>): string => valueKey(producer, 'aqi', record);
export const alertKey = ({ alert, timeline }: AlertItem): string => `${alert} ${timeline.length}`;

/** The values of a latest reading that a screen shows, and its index when that is shown too. */
export function latestClaims(latest: LatestItem, isShown: (property: string) => boolean = () => true): ShownClaim[] {
  const { producer, dataset, index } = latest;
  const phenomenonTime = Date.parse(latest.phenomenonTime);
  const values = Object.entries(latest.values);
  const recordOf = (own: string | undefined) => own ?? latest.record;
  const claims = values
    .filter(([property]) => isShown(property))
    .map(([observedProperty, { result, record }]): ShownClaim => {
      const key = valueKey(producer, observedProperty, recordOf(record));
      return { kind: 'value', key, record: Number(recordOf(record)), producer, observedProperty, phenomenonTime, result };
    });
  if (index === undefined) return claims;
  const inputs = values.map(([observedProperty, { record }]) => ({ observedProperty, record: Number(recordOf(record)) }));
  return [...claims, { kind: 'index', key: indexKey(latest), dataset, producer, phenomenonTime, inputs, index }];
}

export function alertClaim(alert: AlertItem): ShownAlert {
  return { kind: 'alert', key: alertKey(alert), alert };
}

/** undefined while it is in quarantine: what was not admitted is no record. */
export function releaseClaim({ id, released, producer, payload, size }: QuarantineItem): ShownRelease | undefined {
  return released === null ? undefined : { kind: 'release', key: `quarantine ${id}`, record: Number(released), producer, payload, size };
}

/** Of a transition, and of those deliveries that are on record, with what other regions answered. */
function recordsOfStep({ record, deliveries = [] }: AlertItem['timeline'][number]): readonly string[] {
  const answers = deliveries.flatMap(({ answer }) => [...(answer?.receipt ? [answer.receipt] : []), ...(answer?.acknowledgements ?? [])]);
  return [record, ...new Set([...deliveries.flatMap((delivery) => delivery.record ?? []), ...answers.map((answer) => answer.record)])];
}

/** Journal positions of the records that a claim rests on. */
export function recordsOf(claim: ShownClaim): readonly number[] {
  switch (claim.kind) {
    case 'value':
    case 'release':
      return [claim.record];
    case 'index':
      return claim.inputs.map(({ record }) => record);
    case 'alert':
      return [...claim.alert.timeline.flatMap(recordsOfStep), ...claim.alert.evidence].map(Number);
  }
}
