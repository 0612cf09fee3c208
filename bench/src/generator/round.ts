/** Runs one round of load over connections that are open: warm-up, measured part, drain. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMsOf, othersCoresBeside } from '../measure/process-usage.ts';
import type { RoundRequest, RoundResult } from './messages.ts';
import type { Publisher, RoundState } from './publisher.ts';

/** Acknowledgements that are still out this long after the last message are taken as lost. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Node's timers cannot be finer. */
const TICK_MS = 1;

interface Pace {
  readonly withheld: () => number;
  readonly lateMaxMs: () => number;
  readonly stop: () => void;
}

export async function runRound(publishers: readonly Publisher[], state: RoundState, request: RoundRequest): Promise<RoundResult> {
  state.sent = 0;
  state.acked = 0;
  state.ackedMeasured = 0;
  state.latency.reset();
  state.time.update(Date.now());
  const pace = request.ratePerSecond === undefined ? startClosedLoop(publishers, state) : startOpenLoop(publishers, state, request);
  await sleep(request.warmUpMs);

  const cpuBefore = cpuOf(request.pids);
  const othersCores = othersCoresBeside([...Object.values(request.pids), process.pid]);
  const ownBefore = process.cpuUsage();
  const measureStart = Date.now();
  const from = performance.now();
  state.measuring = true;
  const timeline = startTimeline(state, request.timelineMs);
  await sleep(request.measureMs);
  state.measuring = false;
  const measuredMs = performance.now() - from;
  const own = process.cpuUsage(ownBefore);
  const othersMeasured = othersCores();
  const cpuAfter = cpuOf(request.pids);
  timeline.stop();
  pace.stop();
  const acked = state.ackedMeasured;
  await drain(publishers);
  const cpuMs = Object.fromEntries(Object.keys(request.pids).map((name) => [name, (cpuAfter[name] ?? 0) - (cpuBefore[name] ?? 0)]));
  const generatorCpuMs = (own.user + own.system) / 1000;
  return {
    type: 'result',
    measuredMs,
    acked,
    acksPerSecond: (acked / measuredMs) * 1000,
    p50Ms: state.latency.percentile(50) / 1000,
    p99Ms: state.latency.percentile(99) / 1000,
    cpuMs,
    generatorCpuMs,
    othersCores: othersMeasured,
    sentTotal: state.sent,
    ackedTotal: state.acked,
    withheld: pace.withheld(),
    lateMaxMs: pace.lateMaxMs(),
    measureStart,
    timeline: timeline.counts,
  };
}

/** A round's state before any round: nothing is measured, acknowledgements are only counted. */
export function idleState(time: RoundState['time']): RoundState {
  const latency = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });
  return { time, latency, measuring: false, acked: 0, ackedMeasured: 0, sent: 0, onAcked: () => undefined };
}

function startClosedLoop(publishers: readonly Publisher[], state: RoundState): Pace {
  const clock = setInterval(() => state.time.update(Date.now()), TICK_MS);
  state.onAcked = (publisher, count) => {
    publisher.send(count);
  };
  for (const publisher of publishers) publisher.send(Number.POSITIVE_INFINITY);
  return {
    withheld: () => 0,
    lateMaxMs: () => 0,
    stop: () => {
      clearInterval(clock);
      state.onAcked = () => undefined;
    },
  };
}

function startOpenLoop(publishers: readonly Publisher[], state: RoundState, request: RoundRequest): Pace {
  const rate = request.ratePerSecond ?? 0;
  const burst = request.burst ?? 1;
  const start = performance.now();
  let last = start;
  let scheduled = 0;
  let withheld = 0;
  let lateMaxMs = 0;
  let turn = 0;
  const clock = setInterval(() => {
    const now = performance.now();
    if (state.measuring) lateMaxMs = Math.max(lateMaxMs, now - last - TICK_MS);
    last = now;
    state.time.update(Date.now());
    const due = Math.floor(((now - start) * rate) / 1000);
    while (due - scheduled >= burst) {
      const publisher = publishers[turn] as Publisher;
      turn = (turn + 1) % publishers.length;
      withheld += burst - publisher.send(burst);
      scheduled += burst;
    }
  }, TICK_MS);
  return { withheld: () => withheld, lateMaxMs: () => lateMaxMs, stop: () => clearInterval(clock) };
}

function startTimeline(state: RoundState, stepMs: number | undefined): { counts: number[]; stop: () => void } {
  const counts: number[] = [];
  if (stepMs === undefined) return { counts, stop: () => undefined };
  let before = state.ackedMeasured;
  const start = performance.now();
  const timer = setInterval(() => {
    // A late tick fills the steps it missed, so that index × step stays the time.
    const steps = Math.floor((performance.now() - start) / stepMs) - counts.length;
    for (let i = 0; i < steps; i++) counts.push((state.ackedMeasured - before) / steps);
    if (steps > 0) before = state.ackedMeasured;
  }, stepMs);
  return { counts, stop: () => clearInterval(timer) };
}

async function drain(publishers: readonly Publisher[]): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (performance.now() < deadline && publishers.some((publisher) => publisher.inFlight > 0)) await sleep(10);
}

function cpuOf(pids: { readonly [name: string]: number }): { [name: string]: number } {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMsOf(pid)]));
}
