/** From journal events to rows: which columns a table has, and what stands in them. */
import type { Observation } from '@airtight/protocol';
import type { AlertEvent, ControlEvent, ReadingsEvent, TickEvent } from '../decode/decoder.ts';
import { testsText, type Verdict, worstOf } from '../quality/verdict.ts';
import {
  type Columns,
  Float64Column,
  LowCardinalityColumn,
  NullableUInt16Column,
  TextColumn,
  UInt8Column,
  UInt32Column,
  WholeColumn,
} from './native-block.ts';

export const KIND_NUMBER = 0;
export const KIND_TEXT = 1;
export const KIND_BOOLEAN = 2;

/** Rows of one table that wait for the next insert. */
export interface Rows {
  readonly columns: Columns;
  readonly count: number;
  reset(): void;
}

export class ObservationRows implements Rows {
  readonly columns = {
    agency: new LowCardinalityColumn(),
    dataset: new LowCardinalityColumn(),
    producer: new LowCardinalityColumn(),
    observedProperty: new LowCardinalityColumn(),
    phenomenonTime: new WholeColumn('Int64'),
    receivedAt: new WholeColumn('Int64'),
    position: new WholeColumn('UInt64'),
    ordinal: new UInt32Column(),
    kind: new UInt8Column(),
    result: new Float64Column(),
    text: new TextColumn(),
    unit: new LowCardinalityColumn(),
    flags: new LowCardinalityColumn(),
  };
  count = 0;

  push(event: ReadingsEvent): void {
    const { columns } = this;
    let ordinal = 0;
    for (const observation of event.observations) {
      columns.agency.push(observation.agency);
      columns.dataset.push(observation.dataset);
      columns.producer.push(observation.producer);
      columns.observedProperty.push(observation.observedProperty);
      columns.phenomenonTime.push(observation.phenomenonTime);
      columns.receivedAt.push(observation.receivedAt);
      columns.position.push(observation.position);
      columns.ordinal.push(ordinal++);
      this.#pushResult(observation.result);
      columns.unit.push(observation.unit);
      columns.flags.push(flagsText(observation.flags));
    }
    this.count += ordinal;
  }

  #pushResult(result: Observation['result']): void {
    const { columns } = this;
    columns.kind.push(typeof result === 'number' ? KIND_NUMBER : typeof result === 'string' ? KIND_TEXT : KIND_BOOLEAN);
    columns.result.push(typeof result === 'string' ? 0 : Number(result));
    columns.text.push(typeof result === 'string' ? result : '');
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

export class IndexRows implements Rows {
  readonly columns = {
    agency: new LowCardinalityColumn(),
    dataset: new LowCardinalityColumn(),
    producer: new LowCardinalityColumn(),
    phenomenonTime: new WholeColumn('Int64'),
    receivedAt: new WholeColumn('Int64'),
    position: new WholeColumn('UInt64'),
    ordinal: new UInt32Column(),
    standard: new LowCardinalityColumn(),
    aqi: new NullableUInt16Column(),
    primaries: new LowCardinalityColumn(),
    reason: new LowCardinalityColumn(),
  };
  count = 0;

  push(event: ReadingsEvent): void {
    const { columns } = this;
    let ordinal = -1;
    for (const { phenomenonTime, index } of event.readings) {
      ordinal++;
      if (index === undefined) continue;
      columns.agency.push(event.header.agency);
      columns.dataset.push(event.header.dataset);
      columns.producer.push(event.header.producer);
      columns.phenomenonTime.push(phenomenonTime);
      columns.receivedAt.push(event.header.receivedAt);
      columns.position.push(event.position);
      columns.ordinal.push(ordinal);
      columns.standard.push(index.standard);
      columns.aqi.push(index.aqi);
      columns.primaries.push(index.primary.length === 0 ? '' : JSON.stringify(index.primary));
      columns.reason.push(index.reason ?? '');
      this.count++;
    }
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

export class VerdictRows implements Rows {
  readonly columns = {
    dataset: new LowCardinalityColumn(),
    producer: new LowCardinalityColumn(),
    observedProperty: new LowCardinalityColumn(),
    phenomenonTime: new WholeColumn('Int64'),
    receivedAt: new WholeColumn('Int64'),
    judged: new WholeColumn('UInt64'),
    judgedOrdinal: new UInt32Column(),
    position: new WholeColumn('UInt64'),
    ordinal: new UInt32Column(),
    flag: new UInt8Column(),
    tests: new LowCardinalityColumn(),
  };
  count = 0;

  push({ position, header: { dataset, producer } }: Pick<ReadingsEvent, 'position' | 'header'>, verdicts: readonly Verdict[]): void {
    const { columns } = this;
    let ordinal = 0;
    for (const verdict of verdicts) {
      columns.dataset.push(dataset);
      columns.producer.push(producer);
      columns.observedProperty.push(verdict.observedProperty);
      columns.phenomenonTime.push(verdict.phenomenonTime);
      columns.receivedAt.push(verdict.receivedAt);
      columns.judged.push(verdict.judged);
      columns.judgedOrdinal.push(verdict.judgedOrdinal);
      columns.position.push(position);
      columns.ordinal.push(ordinal++);
      columns.flag.push(worstOf(verdict.bits));
      columns.tests.push(testsText(verdict.bits));
    }
    this.count += ordinal;
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

export class AlertRows implements Rows {
  readonly columns = {
    position: new WholeColumn('UInt64'),
    agency: new LowCardinalityColumn(),
    producer: new LowCardinalityColumn(),
    receivedAt: new WholeColumn('Int64'),
    alert: new TextColumn(),
    type: new LowCardinalityColumn(),
    payload: new TextColumn(),
  };
  count = 0;

  push(event: AlertEvent): void {
    const { columns } = this;
    columns.position.push(event.position);
    columns.agency.push(event.header.agency);
    columns.producer.push(event.header.producer);
    columns.receivedAt.push(event.header.receivedAt);
    columns.alert.push(String(event.transition.alert));
    columns.type.push(String(event.transition.type));
    columns.payload.push(event.text);
    this.count++;
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

export class TickRows implements Rows {
  readonly columns = { position: new WholeColumn('UInt64'), at: new WholeColumn('Int64') };
  count = 0;

  push({ position, at }: TickEvent): void {
    this.columns.position.push(position);
    this.columns.at.push(at);
    this.count++;
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

export class ControlRows implements Rows {
  readonly columns = {
    position: new WholeColumn('UInt64'),
    agency: new LowCardinalityColumn(),
    dataset: new LowCardinalityColumn(),
    producer: new LowCardinalityColumn(),
    receivedAt: new WholeColumn('Int64'),
    payload: new TextColumn(),
  };
  count = 0;

  push(event: ControlEvent): void {
    const { columns } = this;
    columns.position.push(event.position);
    columns.agency.push(event.header.agency);
    columns.dataset.push(event.header.dataset);
    columns.producer.push(event.header.producer);
    columns.receivedAt.push(event.header.receivedAt);
    columns.payload.push(event.text);
    this.count++;
  }

  reset(): void {
    resetAll(this.columns);
    this.count = 0;
  }
}

/** Flags as one text: JSON, because a producer's own mark may hold any character. */
export function flagsText(flags: readonly string[]): string {
  return flags.length === 0 ? '' : JSON.stringify(flags);
}

function flagsOf(text: string): string[] {
  return text === '' ? [] : (JSON.parse(text) as string[]);
}

/** What `observationOf` reads, in its order; a query may select more behind it. */
export const OBSERVATION_COLUMNS =
  'agency, dataset, producer, observedProperty, phenomenonTime, receivedAt, position, kind, result, text, unit, flags';
type ObservationRow = readonly [string, string, string, string, number, number, number, number, number, string, string, string];

/** A stored row as the observation it was made from. */
export function observationOf(row: readonly unknown[]): Observation {
  const [agency, dataset, producer, observedProperty, phenomenonTime, receivedAt, position, kind, result, text, unit, flags] =
    row as unknown as ObservationRow;
  const value = resultOf(kind, result, text);
  const names = { agency, dataset, producer, observedProperty };
  return { ...names, phenomenonTime, receivedAt, position, result: value, unit, flags: flagsOf(flags) as Observation['flags'] };
}

/** The result as it was sent, from its three columns. */
function resultOf(kind: number, result: number, text: string): number | string | boolean {
  if (kind === KIND_TEXT) return text;
  return kind === KIND_BOOLEAN ? result === 1 : result;
}

function resetAll(columns: Columns): void {
  for (const column of Object.values(columns)) column.reset();
}
