/** Does something again and again while a screen is open and connected: what is not in the live stream is asked for. */
import { watch } from 'vue';
import { useLive } from '../live/live-store.ts';

const EVERY_MS = 5000;

export function useEvery(act: () => void): void {
  const live = useLive();
  let doneAt = live.clock.value;
  watch(live.clock, (clock) => {
    if (clock - doneAt < EVERY_MS || !live.current.value || document.hidden) return;
    doneAt = clock;
    act();
  });
}
