/** How far back states and alerts of a rule are kept for what comes late. */
import { type GridRule, LATENESS_MAX_MS, type Rule } from '../contract.ts';

/**
 * Behind the newest instant that was judged, ms. Alerts that a rule reads come from subjects each at its own time: one that
 * was cut off for days tells of them when it is back, so what rules over alerts need is kept as long as any lateness may be.
 */
export function keptMs(rule: Rule): number {
  if (rule.kind === 'alerts') return LATENESS_MAX_MS;
  // Ticks have instants judged that lie this much after the newest reading.
  return rule.kind === 'grid' ? rule.latenessMs + reachOf(rule) : rule.latenessMs;
}

/** How long after a reading any window of a rule over stations still sees it. */
export function reachOf({ everyMs, frame }: GridRule): number {
  const reaches = frame.windows.map(({ window: { overMs, shape } }) =>
    shape === 'tumbling' ? 2 * overMs : shape === 'ahead' ? 0 : overMs,
  );
  return Math.max(everyMs, ...reaches);
}
