/** Who was told of an alert. The stream does not say it, so it is asked for, and again while something is under way. */
import type { AlertItem } from '@airtight/protocol';
import { type ComputedRef, computed, type ShallowRef, watch } from 'vue';
import { getJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useResource } from '../http/use-resource.ts';
import { useLive } from '../live/live-store.ts';

/** While an attempt is due or its outcome not on record yet. */
const LOOK_SOON_MS = 2000;
/** While people of another region may acknowledge it still. */
const LOOK_LATER_MS = 10_000;

/** @returns the alert with its deliveries as far as known; `isKnown`: they are the whole of it */
export function useDeliveries(alert: () => AlertItem): {
  readonly told: ComputedRef<AlertItem>;
  readonly isKnown: ComputedRef<boolean>;
  readonly problem: ShallowRef<RequestProblem | null>;
  readonly reload: () => void;
} {
  const live = useLive();
  let askedAt = 0;
  const asked = useResource(
    () => ({ id: alert().alert, steps: alert().timeline.length, generation: live.generation.value }),
    ({ id }, signal) => {
      askedAt = live.clock.value;
      return getJson<AlertItem>(`/alerts/${encodeURIComponent(id)}`, {}, signal);
    },
  );
  const told = computed(() => {
    const known = new Map(asked.data.value?.timeline.map((step) => [step.record, step.deliveries]));
    const timeline = alert().timeline.map(({ deliveries: _, ...step }) => {
      const deliveries = known.get(step.record);
      return deliveries === undefined ? step : { ...step, deliveries };
    });
    return { ...alert(), timeline };
  });
  const isKnown = computed(() => (asked.data.value?.timeline.length ?? 0) >= alert().timeline.length);
  watch(live.clock, (clock) => {
    if (!asked.loading.value && clock - askedAt >= lookAgainAfterMs(told.value, live.now.value)) asked.reload();
  });
  return { told, isKnown, problem: asked.problem, reload: asked.reload };
}

/** @param now epoch ms */
function lookAgainAfterMs({ timeline, clearedAt }: AlertItem, now: number): number {
  const deliveries = timeline.flatMap((step) => step.deliveries ?? []);
  const isUnderWay = deliveries.some(({ state, record, nextAt }) =>
    state === 'waiting' ? Date.parse(nextAt as string) <= now : record === null,
  );
  if (isUnderWay) return LOOK_SOON_MS;
  const awaitsAnswer =
    clearedAt === null && deliveries.some(({ kind, answer }) => kind === 'region' && (answer?.acknowledgements.length ?? 0) === 0);
  return awaitsAnswer ? LOOK_LATER_MS : Number.POSITIVE_INFINITY;
}
