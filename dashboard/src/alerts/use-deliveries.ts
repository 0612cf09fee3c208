/** Who was told of an alert. The stream does not say it, so it is asked for, and again while something is under way. */
import type { AlertItem } from '@airtight/protocol';
import { type ComputedRef, computed, type ShallowRef, watch } from 'vue';
import { getJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useResource } from '../http/use-resource.ts';
import { useLive } from '../live/live-store.ts';

const LOOK_EVERY_MS = 2000;
/** People of another region acknowledge when they do. */
const ANSWER_LOOK_EVERY_MS = 10_000;

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
    if (!asked.loading.value && clock - askedAt >= LOOK_EVERY_MS && isUnderWay(told.value, live.now.value)) asked.reload();
    if (!asked.loading.value && clock - askedAt >= ANSWER_LOOK_EVERY_MS && isUnanswered(told.value)) asked.reload();
  });
  return { told, isKnown, problem: asked.problem, reload: asked.reload };
}

/** An attempt is due, or its outcome is not on record yet. @param now epoch ms */
function isUnderWay({ timeline }: AlertItem, now: number): boolean {
  return timeline
    .flatMap(({ deliveries = [] }) => deliveries)
    .some(({ state, record, nextAt }) => (state === 'waiting' ? Date.parse(nextAt as string) <= now : record === null));
}

/** Another region has not acknowledged yet. */
function isUnanswered({ timeline, clearedAt }: AlertItem): boolean {
  const last = timeline.flatMap(({ deliveries = [] }) => deliveries).filter(({ kind }) => kind === 'region');
  return clearedAt === null && last.some(({ answer }) => (answer?.acknowledgements.length ?? 0) === 0);
}
