/**
 * The ticks by which alerts came about. Most ticks change nothing; those are left out, so that evidence of a silence of hours
 * in a busy journal stays a file. Kept are: of each transition the ticks next to what caused it, of a silence so many that
 * there is no gap in which nothing could be heard, of rules over stations those by which a time was due.
 */
import { TICK_GAP_MAX_MS } from '@airtight/contracts-engine';
import { AirtightError, type AlertTransition } from '@airtight/protocol';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { type EvidenceAlert, marksOf } from './evidence-alerts.ts';
import { wholeLiteral } from './literal.ts';

/** Half a year of them. */
const TICKS_READ_MAX = 1_600_000;

interface Tick {
  readonly position: number;
  readonly at: number;
}

export interface TickRange {
  /** Event time of the first reading that is there, epoch ms, and its position. */
  readonly from: number;
  readonly firstPosition: number;
  readonly end: number;
  /** Times from which contracts came into force, with the position of their record. */
  readonly effective: readonly (readonly [position: number, from: number])[];
}

/** @returns positions @throws AirtightError EVIDENCE_TOO_LARGE */
export async function evidenceTicks(alerts: readonly EvidenceAlert[], range: TickRange, store: Pick<Store, 'query'>): Promise<number[]> {
  const ticks = await readTicks(alerts, range, store);
  const chosen = new Set<number>();
  const choose = (tick: Tick | undefined): void => {
    if (tick !== undefined) chosen.add(tick.position);
  };
  const byTime = new Map(ticks.map((tick) => [tick.at, tick]));
  for (const alert of alerts) {
    for (const recorded of alert.transitions) {
      choose(byTime.get(recorded.transition.at));
      for (const mark of marksOf(recorded)) {
        const after = indexAfter(ticks, mark);
        choose(ticks[after - 1]);
        choose(ticks[after]);
      }
      for (const tick of expiring(recorded.transition, alert, ticks)) choose(tick);
    }
    for (const tick of listening(alert, ticks)) choose(tick);
    for (const tick of due(alert, range, ticks)) choose(tick);
  }
  for (const tick of await enacting(range, store)) choose(tick);
  return [...chosen].filter((position) => position <= range.end);
}

async function readTicks(
  alerts: readonly EvidenceAlert[],
  { firstPosition, end, from }: TickRange,
  store: Pick<Store, 'query'>,
): Promise<Tick[]> {
  // A device that has never reported is watched from the tick at which it was known.
  const since = Math.min(from, ...alerts.map(({ raise }) => raise.since));
  const rows = await store.query(
    `SELECT position, at FROM ${DATABASE}.ticks
     WHERE position <= ${wholeLiteral(end)} AND (at >= ${wholeLiteral(Math.floor(since))} OR position >= (
       SELECT max(position) FROM ${DATABASE}.ticks WHERE position < ${wholeLiteral(firstPosition)}))
     ORDER BY position DESC LIMIT ${wholeLiteral(TICKS_READ_MAX + 1)}`,
  );
  if (rows.length > TICKS_READ_MAX) throw new AirtightError('EVIDENCE_TOO_LARGE', `its ticks are more than ${TICKS_READ_MAX}`);
  return rows.map((row) => ({ position: (row as unknown as [number])[0], at: (row as unknown as [number, number])[1] })).reverse();
}

/** Index of the first tick behind a position. */
function indexAfter(ticks: readonly Tick[], position: number): number {
  let [low, high] = [0, ticks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ticks[middle] as Tick).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The tick that cleared what nothing had confirmed. */
function expiring(transition: AlertTransition, { needs }: EvidenceAlert, ticks: readonly Tick[]): readonly Tick[] {
  if (transition.type !== 'clear' || transition.reason !== 'expired') return [];
  const first = ticks.find(({ at }) => at > transition.at + (needs?.latenessMs ?? 0));
  return first === undefined ? [] : [first];
}

/** Of a silence: from its beginning, or the end of the last gap in which nothing could be received, without a gap. */
function listening({ needs, raise }: EvidenceAlert, ticks: readonly Tick[]): readonly Tick[] {
  if (needs?.kind !== 'no-data') return [];
  const decisive = ticks.findIndex(({ position }) => position === raise.evidence.at(-1));
  if (decisive < 0) return [];
  const newest = raise.evidence.length > 1 ? (raise.evidence[0] as number) : -1;
  let first = decisive;
  while (first > 0 && isJoined(ticks[first - 1], ticks[first]) && isNeeded(ticks[first] as Tick, newest, raise.since)) first--;
  const chosen = [ticks[first] as Tick];
  for (let at = first; at < decisive; ) {
    let next = at + 1;
    while (next < decisive && (ticks[next + 1] as Tick).at - (ticks[at] as Tick).at <= TICK_GAP_MAX_MS) next++;
    chosen.push(ticks[next] as Tick);
    at = next;
  }
  return chosen;
}

/** True while there may be silence before a tick that it must show. */
function isNeeded({ position, at }: Tick, newest: number, since: number): boolean {
  return position > newest && at > since;
}

function isJoined(a: Tick | undefined, b: Tick | undefined): boolean {
  const gapMs = (b?.at ?? 0) - (a?.at ?? 0);
  return gapMs >= 0 && gapMs <= TICK_GAP_MAX_MS;
}

/** Of a rule over stations: the first at or after each time at which one of its instants was due. */
function due({ needs, transitions }: EvidenceAlert, { from }: TickRange, ticks: readonly Tick[]): readonly Tick[] {
  const [oldest] = ticks;
  if (needs?.grid == null || oldest === undefined) return [];
  const { from: instantFrom, settleMs } = needs.grid;
  const last = instantFrom(Math.max(...transitions.map(({ transition }) => transition.at)) + 1);
  const chosen: Tick[] = [];
  let index = 0;
  for (let at = instantFrom(Math.max(from, oldest.at - settleMs)); at <= last; at = instantFrom(at + 1)) {
    while (index < ticks.length && (ticks[index] as Tick).at < at + settleMs) index++;
    if (ticks[index] !== undefined) chosen.push(ticks[index] as Tick);
  }
  return chosen;
}

/** The first tick at or after the time from which a contract was to be in force. */
async function enacting({ effective }: TickRange, store: Pick<Store, 'query'>): Promise<readonly Tick[]> {
  const chosen: Tick[] = [];
  for (const [position, from] of effective) {
    const [row] = await store.query(
      `SELECT position, at FROM ${DATABASE}.ticks WHERE position > ${wholeLiteral(position)} AND at >= ${wholeLiteral(from)} ORDER BY position LIMIT 1`,
    );
    if (row !== undefined) chosen.push({ position: (row as unknown as [number])[0], at: (row as unknown as [number, number])[1] });
  }
  return chosen;
}
