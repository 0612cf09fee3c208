/** The number that a producer gave a message, as its header tells it: `seq:17`, `seq:17-19`, `fcnt:{session}-{counter}`. */

export interface SequenceNumbers {
  /** Numbers of different sessions have nothing to do with each other; empty where there is but one. */
  readonly session: string;
  /** A message may hold several readings, numbered one after the other. */
  readonly first: number;
  readonly last: number;
}

const SEQ = /^seq:(\d{1,16})(?:-(\d{1,16}))?$/;
const FCNT = /^fcnt:(?:([^-]*)-)?(\d{1,16})$/;

/** @param messageId as in the record's header @returns undefined for a message without a number */
export function sequenceOf(messageId: string | undefined): SequenceNumbers | undefined {
  if (messageId === undefined) return undefined;
  const seq = SEQ.exec(messageId);
  if (seq !== null) return numbers('', Number(seq[1]), Number(seq[2] ?? seq[1]));
  const fcnt = FCNT.exec(messageId);
  return fcnt === null ? undefined : numbers(fcnt[1] ?? '', Number(fcnt[2]), Number(fcnt[2]));
}

function numbers(session: string, first: number, last: number): SequenceNumbers | undefined {
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last ? { session, first, last } : undefined;
}
