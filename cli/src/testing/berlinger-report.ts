/** The text reports of Berlinger loggers, for tests that hold what a logger printed against its readings. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const FOLDER = join(import.meta.dirname, '../../../../shared/data/coldchain-berlinger');

/** undefined: the file is not there, and the test is skipped. */
export function berlingerReport(t: TestContext, name: string): string | undefined {
  try {
    return readFileSync(join(FOLDER, name), 'latin1').replaceAll('\r', '');
  } catch {
    t.skip(`${name} is not there`);
    return undefined;
  }
}

/** Epoch ms of the logger's own clock. */
export function loggerTime(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}:00Z`);
}

export interface LoggedReading {
  readonly at: number;
  readonly tvc: number;
}

export function loggedReadings(text: string): readonly LoggedReading[] {
  return [...text.matchAll(/^\t(\d{4}-\d\d-\d\d \d\d:\d\d)\t(-?\d+\.\d)\t/gm)].map(([, time, value]) => ({
    at: loggerTime(time as string),
    tvc: Number(value),
  }));
}

export interface PrintedEvent {
  readonly from: number;
  readonly alarmAt: number;
  /** undefined: it goes on. */
  readonly to: number | undefined;
}

/** Events of the alarm with this number that a Q-tag printed. */
export function printedEvents(text: string, alarm: number): readonly PrintedEvent[] {
  const block = new RegExp(`^Res:[\\s\\S]*?\\n {2}${alarm}:\\n((?: {3}TS S:.*\\n)+)`, 'm').exec(text)?.[1] ?? '';
  return [...block.matchAll(/TS S: (\S+ [\d:]+), t A: \d+, TS A: (\S+ [\d:]+)(?:, TS E: ?([\d:\- ]*),)?/g)].map(
    ([, from, alarmAt, to]) => ({
      from: loggerTime(from as string),
      alarmAt: loggerTime(alarmAt as string),
      to: to === undefined || to === '' ? undefined : loggerTime(to),
    }),
  );
}
