/** One measured value, whatever form it came in, and the bounds that every form keeps. */
import { parseRfc3339 } from '@airtight/standards/rfc3339.ts';
import { type Refusal, refuse } from '../outcome.ts';

export type Result = number | string | boolean;

export interface Measurement {
  readonly property: string;
  readonly result: Result;
  /** Unit as the producer wrote it; absent: the dataset's unit for that property. */
  readonly unit?: string;
  /** The producer's own quality mark (e.g. an HJ 212 flag letter). */
  readonly quality?: string;
  /** Held back by the producer and sent later; no live value. */
  readonly historical?: true;
}

/** Readings in one payload. */
export const READINGS_MAX = 1000;
/** Of one reading. */
export const MEASUREMENTS_MAX = 64;
/** 9999-12-31T23:59:59.999Z in epoch ms: beyond it no RFC 3339 text exists. */
export const TIME_MAX = 253_402_300_799_999;
export const TEXT_MAX_LENGTH = 256;

/** @returns a measurement without unit and quality mark, or NUMBER_NOT_FINITE, PAYLOAD_SHAPE */
export function toPlainMeasurement(property: string, v: unknown): Measurement | Refusal {
  if (typeof v === 'number') {
    // JSON has no NaN; a number too large for a double parses as Infinity.
    return Number.isFinite(v) ? { property, result: v } : refuse('NUMBER_NOT_FINITE', property);
  }
  if (typeof v === 'boolean') return { property, result: v };
  if (typeof v === 'string' && v.length <= TEXT_MAX_LENGTH && v.isWellFormed()) return { property, result: v };
  return refuse('PAYLOAD_SHAPE', `value of ${property}`);
}

/** A time as our JSON forms write it: epoch ms, or RFC 3339 with a zone. Undefined for what is none from 1970 to TIME_MAX. */
export function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? parseRfc3339(value) : value;
  return Number.isSafeInteger(ms) && (ms as number) >= 0 && (ms as number) <= TIME_MAX ? (ms as number) : undefined;
}
