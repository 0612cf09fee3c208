/** Watches how late the event loop is: a timer that is set again and again, and the time by which it comes late. */
const INTERVAL_MS = 20;

/** @param observe told the delay in seconds, some fifty times a second @returns stops watching */
export function watchLoopDelay(observe: (seconds: number) => void): () => void {
  let due = performance.now() + INTERVAL_MS;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const now = performance.now();
    observe(Math.max(0, now - due) / 1000);
    due = now + INTERVAL_MS;
    timer = setTimeout(look, INTERVAL_MS);
  };
  timer = setTimeout(look, INTERVAL_MS);
  return () => clearTimeout(timer);
}
