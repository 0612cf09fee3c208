/** Tells tests and wall displays that the first screen with data is drawn. */
import { nextTick, watch } from 'vue';

/** @param hasData the screen's own condition */
export function markReadyWhen(hasData: () => boolean): void {
  const stop = watch(
    hasData,
    async (ready) => {
      if (!ready) return;
      await nextTick();
      stop();
      requestAnimationFrame(() => {
        document.documentElement.dataset['ready'] = 'true';
      });
    },
    { immediate: true },
  );
}
