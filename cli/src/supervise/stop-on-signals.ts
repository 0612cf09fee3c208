/** Ctrl-C for a command that has processes of its own. */
import type { Terminal } from '../terminal.ts';

/** One Ctrl-C comes twice when it was started through npx or pnpm: from the terminal, and handed on by them. */
const SAME_PRESS_MS = 500;

/** The first signal aborts `stop`, which stops everything in order; the second one calls `kill`. */
export function stopOnSignals(stop: AbortController, kill: () => void, terminal: Terminal): void {
  let firstAt = Number.POSITIVE_INFINITY;
  const onSignal = () => {
    if (stop.signal.aborted) {
      if (performance.now() - firstAt > SAME_PRESS_MS) kill();
      return;
    }
    firstAt = performance.now();
    terminal.note({ zh: '正在停止……（再按一次 Ctrl-C 立即结束）', en: 'Stopping … (Ctrl-C again ends at once)' });
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
}
