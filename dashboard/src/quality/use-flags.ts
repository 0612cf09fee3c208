/** Flags of people, the newest first, page by page; fetched anew when one is placed or withdrawn anywhere. */
import type { FlagItem } from '@airtight/protocol';
import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import { getJson } from '../http/http-client.ts';
import { useResource } from '../http/use-resource.ts';
import { useLive } from '../live/live-store.ts';

export interface FlagsAsked {
  readonly dataset?: string;
  readonly producer?: string;
}

interface FlagsPage {
  readonly items: readonly FlagItem[];
  readonly next: string | null;
}

/** @param asked undefined: not yet known */
export function useFlags(asked: () => FlagsAsked | undefined, limit: number) {
  const live = useLive();
  const older = shallowRef<readonly FlagItem[]>([]);
  const next = shallowRef<string | null | undefined>();
  const busy = ref(false);
  const first = useResource(
    () => {
      const wanted = asked();
      return wanted && { ...wanted, generation: live.generation.value };
    },
    async ({ generation: _, ...wanted }, signal) => {
      const answer = await getJson<FlagsPage>('/observations/flags', { ...wanted, limit }, signal);
      older.value = [];
      next.value = undefined;
      return answer;
    },
  );
  const flags = computed(() => [...(first.data.value?.items ?? []), ...older.value]);
  const cursor = computed(() => (next.value === undefined ? (first.data.value?.next ?? null) : next.value));

  async function more(): Promise<void> {
    const wanted = asked();
    if (wanted === undefined || cursor.value === null || busy.value) return;
    busy.value = true;
    const answer = await getJson<FlagsPage>('/observations/flags', { ...wanted, limit, cursor: cursor.value });
    busy.value = false;
    first.problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    older.value = [...older.value, ...answer.value.items];
    next.value = answer.value.next;
  }

  onScopeDispose(
    live.onQuality((event) => {
      if (event.type !== 'flag') return;
      const { producer } = asked() ?? {};
      if (producer === undefined || producer === event.flag.producer) first.reload();
    }),
  );
  return { flags, first, hasMore: computed(() => cursor.value !== null), more, busy };
}
