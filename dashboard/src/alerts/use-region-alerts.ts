/** Alerts of other regions. The live stream does not carry them, so they are asked for while the page is open. */
import type { RegionAlertItem, RegionsDetail } from '@airtight/protocol';
import { type ComputedRef, computed, watch } from 'vue';
import { getJson } from '../http/http-client.ts';
import { type Resource, useResource } from '../http/use-resource.ts';
import { useLive } from '../live/live-store.ts';

const LOOK_EVERY_MS = 3000;
/** Of one page: more than a person works through. */
const SHOWN_MAX = 500;

interface AlertsPage {
  readonly items: readonly RegionAlertItem[];
}

/** @returns `list`: those that are open, newest first; `isMember`: this deployment exchanges alerts with others */
export function useRegionAlerts(): { readonly list: Resource<AlertsPage>; readonly isMember: ComputedRef<boolean> } {
  const live = useLive();
  const regions = useResource(
    () => live.generation.value,
    (_, signal) => getJson<RegionsDetail>('/regions', {}, signal),
  );
  const isMember = computed(() => regions.data.value?.own !== null && (regions.data.value?.items.length ?? 0) > 0);
  let askedAt = 0;
  const list = useResource(
    () => (isMember.value ? live.generation.value : undefined),
    (_, signal) => {
      askedAt = live.clock.value;
      return getJson<AlertsPage>('/region-alerts', { limit: SHOWN_MAX }, signal);
    },
  );
  watch(live.clock, (clock) => {
    if (isMember.value && !list.loading.value && clock - askedAt >= LOOK_EVERY_MS) list.reload();
  });
  return { list, isMember };
}
