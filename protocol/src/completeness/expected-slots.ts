/**
 * What each time at which a reading was expected got. A dataset's cadence cuts a range into slots; readings that come a
 * little before or after the minute belong to the same slot, whatever the second at which the device reports.
 *
 * | kind       | it means                                                                                          |
 * | ---------- | -------------------------------------------------------------------------------------------------- |
 * | present    | a reading of that time came in time                                                                  |
 * | late       | it came, later than the dataset allows                                                               |
 * | missing    | none came, and the device counted numbers around that time which never became records                 |
 * | deleted    | a record came about that time, and its payload was removed by policy                                  |
 * | withheld   | a record came about that time, and whoever made the proof does not show it                            |
 * | no-reading | none came, and no number is missing, or the device does not count                                     |
 */
import type { Bilingual } from '../control.ts';
import { LATE_AFTER_MS } from '../datasets/dataset-rules.ts';
import type { SequenceNumbers } from '../records/sequence-number.ts';
import { SequenceWatch } from '../records/sequence-watch.ts';

export type SlotKind = 'present' | 'late' | 'missing' | 'deleted' | 'withheld' | 'no-reading';

export interface SlotArrival {
  /** phenomenonTime, epoch ms. */
  readonly time: number;
  readonly receivedAt: number;
  readonly position: number;
  readonly numbers: SequenceNumbers | undefined;
}

export interface SlotRange {
  /** Epoch ms, [from, to). */
  readonly from: number;
  readonly to: number;
  readonly cadenceMs: number;
  readonly lateMs?: number;
  readonly arrivals: readonly SlotArrival[];
  /** Records whose own time cannot be read; about when they were received. */
  readonly lost: readonly { readonly kind: 'deleted' | 'withheld'; readonly receivedAt: number }[];
}

/** Slots one after the other with the same fate, other than present. */
export interface SlotRun {
  readonly kind: Exclude<SlotKind, 'present'>;
  /** Epoch ms: expected time of the first and the last slot. */
  readonly from: number;
  readonly to: number;
  readonly slots: number;
  /** Numbers that the device counted and that never came, first and last of each stretch. */
  readonly numbers?: readonly NumberStretch[];
  /** Of late ones the longest delay. */
  readonly delayMs?: number;
}

export type NumberStretch = readonly [first: number, last: number];

export interface ExpectedSlots {
  readonly cadenceMs: number;
  readonly expected: number;
  readonly counts: { readonly [kind in SlotKind]: number };
  readonly runs: readonly SlotRun[];
  /** All numbers that never came, whether or not a slot is empty for them. */
  readonly missingNumbers: readonly NumberStretch[];
}

/** Slots of one statement: a week of minutes, ten times over. A range with more is stated without slots. */
export const SLOTS_MAX = 100_000;

interface Slot {
  delayMs: number;
  kind: SlotKind;
  numbers?: readonly NumberStretch[];
}

/** @returns undefined when the range has more than SLOTS_MAX slots, or none */
export function expectedSlots(range: SlotRange): ExpectedSlots | undefined {
  const { from, to, cadenceMs, arrivals, lost, lateMs = LATE_AFTER_MS } = range;
  const expected = Math.ceil((to - from) / cadenceMs);
  if (!(expected >= 1 && expected <= SLOTS_MAX)) return undefined;
  const within = arrivals.filter(({ time }) => time >= from && time < to).sort((a, b) => a.time - b.time);
  const phaseMs = phaseOf(
    within.map(({ time }) => (time - from) % cadenceMs),
    cadenceMs,
  );
  const slotAt = (time: number): number => Math.min(expected - 1, Math.max(0, Math.round((time - from - phaseMs) / cadenceMs)));
  const slots = Array.from({ length: expected }, (): Slot => ({ kind: 'no-reading', delayMs: Number.POSITIVE_INFINITY }));
  for (const { time, receivedAt } of within) {
    const slot = slots[slotAt(time)] as Slot;
    slot.delayMs = Math.min(slot.delayMs, Math.max(0, receivedAt - time));
    slot.kind = slot.delayMs > lateMs ? 'late' : 'present';
  }
  for (const { kind, receivedAt } of lost) {
    if (receivedAt >= from && receivedAt < to + cadenceMs) markLost(slots, slotAt(receivedAt), kind);
  }
  const missingNumbers = missingOf(arrivals);
  markMissing(slots, within, slotAt, missingNumbers);
  const counts = { present: 0, late: 0, missing: 0, deleted: 0, withheld: 0, 'no-reading': 0 };
  for (const { kind } of slots) counts[kind]++;
  return { cadenceMs, expected, counts, runs: runsOf(slots, (at) => from + phaseMs + at * cadenceMs), missingNumbers };
}

/** Where in the cadence a device reports: the mean on a circle, so that 59.9 s and 0.1 s are neighbours. */
function phaseOf(offsets: readonly number[], cadenceMs: number): number {
  let [x, y] = [0, 0];
  for (const offset of offsets) {
    x += Math.cos((2 * Math.PI * offset) / cadenceMs);
    y += Math.sin((2 * Math.PI * offset) / cadenceMs);
  }
  const phase = Math.round((Math.atan2(y, x) / (2 * Math.PI)) * cadenceMs);
  return (phase + cadenceMs) % cadenceMs;
}

/** The slot of the time of receipt, or the one before: a reading comes after its own time. */
function markLost(slots: Slot[], at: number, kind: 'deleted' | 'withheld'): void {
  const slot = [slots[at], slots[at - 1]].find((one) => one?.kind === 'no-reading');
  if (slot !== undefined) slot.kind = kind;
}

/** Numbers that are not among these records, in the order in which they came to the journal. */
function missingOf(arrivals: readonly SlotArrival[]): NumberStretch[] {
  const watch = new SequenceWatch();
  let last = -1;
  for (const { numbers, position, receivedAt } of [...arrivals].sort((a, b) => a.position - b.position)) {
    if (numbers === undefined || position === last) continue;
    watch.take(numbers, { position, receivedAt });
    last = position;
  }
  return watch.holes.flatMap(({ missing }) => missing.map(([first, end]): NumberStretch => [first, end]));
}

/** Gives each empty run the missing numbers that lie between those of the readings around it. */
function markMissing(
  slots: Slot[],
  within: readonly SlotArrival[],
  slotAt: (time: number) => number,
  missing: readonly NumberStretch[],
): void {
  if (missing.length === 0) return;
  for (let i = 1; i < within.length; i++) {
    const [before, after] = [within[i - 1] as SlotArrival, within[i] as SlotArrival];
    if (before.numbers === undefined || after.numbers === undefined) continue;
    const [low, high] = [before.numbers.last, after.numbers.first];
    const between = missing.filter(([first, last]) => first > low && last < high);
    for (let at = slotAt(before.time) + 1; between.length > 0 && at < slotAt(after.time); at++) {
      const slot = slots[at] as Slot;
      if (slot.kind === 'no-reading') Object.assign(slot, { kind: 'missing', numbers: between });
    }
  }
}

function runsOf(slots: readonly Slot[], timeOf: (at: number) => number): SlotRun[] {
  const runs: SlotRun[] = [];
  for (let at = 0; at < slots.length; ) {
    const { kind, numbers } = slots[at] as Slot;
    let end = at + 1;
    while (end < slots.length && slots[end]?.kind === kind && slots[end]?.numbers === numbers) end++;
    if (kind !== 'present') {
      const delayMs = kind === 'late' ? Math.max(...slots.slice(at, end).map((slot) => slot.delayMs)) : undefined;
      runs.push({
        ...{ kind, from: timeOf(at), to: timeOf(end - 1), slots: end - at },
        ...(numbers === undefined ? {} : { numbers }),
        ...(delayMs === undefined ? {} : { delayMs }),
      });
    }
    at = end;
  }
  return runs;
}

/** Stretches of numbers that a sentence names; the rest is counted. */
const STRETCHES_TOLD_MAX = 5;

/** The statement in a sentence: `complete: 1,440 of 1,440; 3 late; numbers 17–19 never arrived`. */
export function slotsText({ expected, counts, missingNumbers }: Pick<ExpectedSlots, 'expected' | 'counts' | 'missingNumbers'>): Bilingual {
  const came = counts.present + counts.late;
  const of = (n: number): string => n.toLocaleString('en-US');
  const zh = [`${came === expected ? '完整' : '到达'}：${of(expected)} 个中有 ${of(came)} 个`];
  const en = [`${came === expected ? 'complete' : 'received'}: ${of(came)} of ${of(expected)}`];
  const tell = (n: number, zhText: string, enText: string): void => {
    if (n === 0) return;
    zh.push(`${of(n)} 个${zhText}`);
    en.push(`${of(n)} ${enText}`);
  };
  tell(counts.late, '迟到', 'late');
  tell(counts['no-reading'], '没有读数', 'without a reading');
  tell(counts.deleted, '已按保留策略删除', 'removed by policy');
  tell(counts.withheld, '被隐瞒', 'withheld');
  if (missingNumbers.length > 0) {
    const told = missingNumbers.slice(0, STRETCHES_TOLD_MAX).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
    const more = missingNumbers.length - told.length;
    zh.push(`编号 ${told.join('、')} ${more > 0 ? `及另外 ${more} 段` : ''}从未到达`);
    en.push(`numbers ${told.join(', ')}${more > 0 ? ` and ${more} more stretches` : ''} never arrived`);
  }
  return { zh: zh.join('；'), en: en.join('; ') };
}
