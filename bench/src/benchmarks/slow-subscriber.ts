/**
 * What one subscriber that stops reading does to everyone who publishes: acknowledgements per second before it comes,
 * while it stands there, and once the broker has dealt with it.
 */
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Generator } from '../generator/generator.ts';
import { SEQ_MIN } from '../generator/publish-frames.ts';
import { median } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { MqttSession } from '../processes/mqtt-session.ts';
import { printTable, printVerdicts, progress } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';
import { startTargets } from '../targets/start.ts';
import type { Target } from '../targets/target.ts';

export const SLOW_SUBSCRIBER_OPTIONS = {
  rounds: { default: '3', about: 'rounds of every target' },
  targets: { default: 'aedes,mosquitto,airtight', about: 'which to measure' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

const CONNECTIONS = 20;
const IN_FLIGHT = 10;
/** The rate before is the measure of everything: code must be compiled by then. */
const WARM_UP_MS = 3000;
const BEFORE_MS = 3000;
/** Publishers are to be back within this time of the subscriber's coming. */
const RECOVERY_MS = 3000;
const AFTER_MS = 4000;
const STEP_MS = 100;
/** A rate counts as recovered when it holds for this long. */
const HOLD_STEPS = 5;
const RECOVERED = 0.9;
/** What ingest's log says of it. */
const DROPPED = 'subscriber dropped';

interface Outcome {
  /** Acknowledgements per second. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
  /** From the subscription to the beginning of the first half second at RECOVERED of the rate before; Infinity: never. */
  readonly recoveryMs: number;
}

export async function runSlowSubscriber(args: readonly string[]): Promise<void> {
  const options = new Options(args, SLOW_SUBSCRIBER_OPTIONS);
  using scratch = new ScratchDirectory(options.text('directory'));
  await using stack = new AsyncDisposableStack();
  const targets = await startTargets(options.list('targets'), scratch.path, stack);
  const outcomes = new Map<Target, Outcome[]>(targets.map((target) => [target, []]));
  for (let round = 1; round <= options.count('rounds'); round++) {
    for (const [target, list] of outcomes) {
      const outcome = await measure(target, scratch.path, SEQ_MIN * round);
      list.push(outcome);
      const { before, during, after, recoveryMs } = outcome;
      progress(
        `round ${round}: ${target.name} ${Math.round(before)} → ${Math.round(during)} → ${Math.round(after)} acks/s, back after ${recoveryMs} ms`,
      );
    }
  }
  const rows = [...outcomes].map(([{ name }, list]) => {
    const of = (value: (outcome: Outcome) => number): number => median(list.map(value));
    return {
      name,
      before: of((o) => o.before),
      during: of((o) => o.during),
      ratio: of((o) => o.after / o.before),
      recoveryMs: of((o) => o.recoveryMs),
    };
  });
  printTable(
    ['target', 'before acks/s', `first ${RECOVERY_MS / 1000} s`, 'after : before', 'back after ms'],
    rows.map((row) => [row.name, row.before, row.during, row.ratio, row.recoveryMs]),
  );
  const airtight = targets.find((target) => target instanceof AirtightTarget);
  if (airtight !== undefined) progress(`ingest's log tells of ${airtight.log('ingest').split(DROPPED).length - 1} dropped subscribers`);
  const verdicts = rows
    .filter((row) => row.name === 'airtight')
    .flatMap((row) => [
      {
        name: 'after/before',
        value: row.ratio,
        target: { atLeast: RECOVERED },
        meaning: 'acks/s of publishers, 3 s after the subscriber came : before',
      },
      { name: 'recoveryMs', value: row.recoveryMs, target: { atMost: RECOVERY_MS }, meaning: 'back at 0.9 of the rate after ms' },
    ]);
  printVerdicts('slow-subscriber', verdicts, { targets: rows });
}

async function measure(target: Target, directory: string, firstSeq: number): Promise<Outcome> {
  const devices = await target.devices(CONNECTIONS);
  const monitor = await target.monitor();
  await using generator = await Generator.connect(`generator-${target.name}`, directory, {
    host: '127.0.0.1',
    port: target.port,
    devices,
    inFlight: IN_FLIGHT,
    firstSeq,
  });
  const measureMs = BEFORE_MS + RECOVERY_MS + AFTER_MS;
  const running = generator.roundWithLosses({ warmUpMs: WARM_UP_MS, measureMs, pids: target.pids, timelineMs: STEP_MS });
  await sleep(WARM_UP_MS + BEFORE_MS);
  const subscribedAt = Date.now();
  using subscriber = await MqttSession.open(target.port, monitor);
  await subscriber.subscribeAndFreeze('#');
  const result = await running;
  const subscribed = Math.ceil((subscribedAt - result.measureStart) / STEP_MS);
  return judge(result.timeline, subscribed);
}

/** @param timeline acknowledgements per STEP_MS @param subscribed index of the first full step after the subscription */
function judge(timeline: readonly number[], subscribed: number): Outcome {
  const rate = (from: number, to: number): number => {
    const part = timeline.slice(from, to);
    return (part.reduce((sum, count) => sum + count, 0) / part.length / STEP_MS) * 1000;
  };
  const before = rate(0, subscribed - 1);
  const recovered = subscribed + RECOVERY_MS / STEP_MS;
  let recoveryMs = Number.POSITIVE_INFINITY;
  for (let i = subscribed; i + HOLD_STEPS <= timeline.length; i++) {
    if (rate(i, i + HOLD_STEPS) < RECOVERED * before) continue;
    recoveryMs = (i - subscribed) * STEP_MS;
    break;
  }
  return { before, during: rate(subscribed, recovered), after: rate(recovered, timeline.length), recoveryMs };
}
