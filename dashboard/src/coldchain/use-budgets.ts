/** The last 24 hours of a fridge's temperature and the alarm budgets that follow from them. */
import type { ObservationItem } from '@airtight/protocol';
import { computed } from 'vue';
import { getJson } from '../http/http-client.ts';
import { useResource } from '../http/use-resource.ts';
import { useLive } from '../live/live-store.ts';
import { RANGE_MS } from '../series/series-range.ts';
import { useSeries } from '../series/use-series.ts';
import type { FridgeView } from './fridge-view.ts';
import { alarmBudgets, type Budgets, fromFirstReading, type TemperatureReading } from './who-pqs.ts';

/** Minutes of a day: fine enough that a run's length is right to the minute. */
const DAY_POINTS = 1441;
const SLIDE_MS = 60_000;
const GAP_CADENCES = 3;
/** Flags that say nothing against the value: the rule that alarms takes such readings too. */
const ACCEPTED: readonly string[] = ['late', 'historical'];
const EDGE_READINGS_MAX = 1000;

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
    return { producer: view.id, dataset: view.dataset, properties: [view.temperatureProperty], range: range.value, good: false };
  });
  const temperature = computed(() => series.loaded.value.get(fridge()?.temperatureProperty ?? ''));
  const gapMs = computed(() => GAP_CADENCES * Math.max(fridge()?.cadenceMs ?? 0, temperature.value?.bucketMs ?? 0));
  const newest = computed(() =>
    Math.max(temperature.value?.points.at(-1)?.[0] ?? 0, Date.parse(fridge()?.latest?.phenomenonTime ?? '') || 0),
  );
  const coarse = computed(() => {
    const spans = (temperature.value?.points ?? []).map(([start, , minC, maxC]) => ({ start, minC, maxC }));
    return alarmBudgets(spans, newest.value, gapMs.value);
  });
  const heat = useEdge(
    fridge,
    () => coarse.value.heat.since ?? undefined,
    () => temperature.value?.bucketMs ?? SLIDE_MS,
  );
  const freeze = useEdge(
    fridge,
    () => coarse.value.freeze.since ?? undefined,
    () => temperature.value?.bucketMs ?? SLIDE_MS,
  );
  const budgets = computed<Budgets>(() => ({
    heat: fromFirstReading(coarse.value.heat, 'heat', heat.value, newest.value),
    freeze: fromFirstReading(coarse.value.freeze, 'freeze', freeze.value, newest.value),
  }));
  return { range, series, temperature, gapMs, budgets };
}

/** The single readings around the span in which a run begins: asked for once a run. */
function useEdge(fridge: () => FridgeView | undefined, since: () => number | undefined, bucketMs: () => number) {
  const key = computed(() => {
    const { id: producer, dataset, temperatureProperty: observedProperty } = fridge() ?? {};
    const start = since();
    if (producer === undefined || dataset === undefined || observedProperty === undefined || start === undefined) return undefined;
    return JSON.stringify({ producer, dataset, observedProperty, start, from: start - bucketMs(), to: start + bucketMs() });
  });
  const answer = useResource(
    () => key.value,
    async (asked, signal) => {
      const { start, from, to, ...series } = JSON.parse(asked);
      const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: EDGE_READINGS_MAX };
      const page = await getJson<{ items: readonly ObservationItem[] }>('/observations', { ...series, ...range }, signal);
      return page.ok ? { ...page, value: { start, readings: readingsOf(page.value.items) } } : page;
    },
  );
  return computed(() => (answer.data.value?.start === since() ? answer.data.value?.readings : undefined) ?? []);
}

/** In order of time; of a moment that was told twice the later record counts. */
function readingsOf(items: readonly ObservationItem[]): readonly TemperatureReading[] {
  const byTime = new Map<number, number>();
  for (const { phenomenonTime, result, flags } of items) {
    if (typeof result === 'number' && flags.every((flag) => ACCEPTED.includes(flag))) byTime.set(Date.parse(phenomenonTime), result);
  }
  return [...byTime].map(([at, celsius]) => ({ at, celsius })).sort((a, b) => a.at - b.at);
}
