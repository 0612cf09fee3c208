/** The last 24 hours of a fridge's temperature and the alarm budgets that follow from them. */
import { computed } from 'vue';
import { useLive } from '../live/live-store.ts';
import { RANGE_MS } from '../series/series-range.ts';
import { useSeries } from '../series/use-series.ts';
import type { FridgeView } from './fridge-view.ts';
import { alarmBudgets } from './who-pqs.ts';

/** Minutes of a day: fine enough that a run's length is right to the minute. */
const DAY_POINTS = 1441;
const SLIDE_MS = 60_000;
const GAP_CADENCES = 3;

export function useBudgets(fridge: () => FridgeView | undefined) {
  const live = useLive();
  const until = computed(() => Math.ceil(live.now.value / SLIDE_MS) * SLIDE_MS);
  const range = computed(() => ({
    name: '24h' as const,
    from: until.value - RANGE_MS['24h'],
    to: until.value,
    bucket: 'auto' as const,
    maxPoints: DAY_POINTS,
  }));
  const series = useSeries(() => {
    const view = fridge();
    if (view?.dataset === undefined || view.temperatureProperty === undefined) return undefined;
    return { producer: view.id, dataset: view.dataset, properties: [view.temperatureProperty], range: range.value };
  });
  const temperature = computed(() => series.loaded.value.get(fridge()?.temperatureProperty ?? ''));
  const gapMs = computed(() => GAP_CADENCES * Math.max(fridge()?.cadenceMs ?? 0, temperature.value?.bucketMs ?? 0));
  const budgets = computed(() => {
    const points = temperature.value?.points ?? [];
    const newest = Math.max(points.at(-1)?.[0] ?? 0, Date.parse(fridge()?.latest?.phenomenonTime ?? '') || 0);
    const spans = points.map(([start, , minC, maxC]) => ({ start, minC, maxC }));
    return alarmBudgets(spans, newest, gapMs.value);
  });
  return { range, series, temperature, gapMs, budgets };
}
