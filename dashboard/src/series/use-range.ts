/** The range in the URL, resolved against the server's clock and the deployment's zone. */
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import { customQuery, type RangeName, readRange } from './series-range.ts';

/** A window that moves with the clock moves in these steps: a chart need not be drawn each second. */
const SLIDE_MS = 5000;

export function useRange(fallback: RangeName) {
  const route = useRoute();
  const router = useRouter();
  const live = useLive();
  const { time } = useFormat();
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const slid = computed(() => Math.ceil(live.now.value / SLIDE_MS) * SLIDE_MS);
  const range = computed(() => {
    const { range: name, from, to, bucket } = route.query;
    const query = { range: text(name), from: text(from), to: text(to), bucket: text(bucket) };
    return readRange(
      Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
      slid.value,
      time.value.zone,
      fallback,
    );
  });
  const zoom = (from: number, to: number) =>
    void router.push({ query: { ...route.query, range: undefined, ...customQuery(from, to, time.value.zone) } });
  return { range, zoom };
}
