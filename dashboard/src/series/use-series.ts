/** Series of one producer: history from the server, then live values from the stream on top of it. */
import type { JudgedValue, Series } from '@airtight/protocol';
import { computed, onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue';
import { getJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { type ObservationEvent, useLive } from '../live/live-store.ts';
import { isDoubtful } from '../quality/quality-flag.ts';
import { appendValue, type SeriesPoint, worsened } from './series-points.ts';
import { type ChosenRange, RANGE_MS } from './series-range.ts';

export interface LoadedSeries {
  readonly property: string;
  /** UCUM. */
  readonly unit: string;
  readonly bucketMs: number;
  /** Epoch ms at which the fetched history begins. */
  readonly from: number;
  readonly points: readonly SeriesPoint[];
}

export interface SeriesRequest {
  readonly producer: string;
  readonly dataset: string;
  readonly properties: readonly string[];
  readonly range: ChosenRange;
  /** Without values that are suspect or failed. */
  readonly good: boolean;
}

/** A relative window is fetched anew when it has moved by a twentieth of its length, so that old buckets leave. */
const SLIDE_SHARE = 20;
/** A device that reports faster than the stream tells has its newest value on the chart every second, and the rest so often. */
const SKIPPED_RELOAD_MS = 5000;

export function useSeries(request: () => SeriesRequest | undefined) {
  const live = useLive();
  const loaded: ShallowRef<ReadonlyMap<string, LoadedSeries>> = shallowRef(new Map());
  const problem: ShallowRef<RequestProblem | null> = shallowRef(null);
  const loading = shallowRef(true);
  let running: AbortController | undefined;

  /** Everything that decides what is fetched; the passing of time only in coarse steps. */
  const key = computed(() => {
    const wanted = request();
    if (wanted === undefined) return undefined;
    const { range } = wanted;
    const step = range.name === null ? 0 : Math.floor(range.to / (RANGE_MS[range.name] / SLIDE_SHARE));
    const edge = range.name === null ? `${range.from}-${range.to}` : `${range.name}-${step}`;
    return [wanted.producer, wanted.dataset, wanted.properties.join(), edge, range.bucket, wanted.good, live.generation.value].join('|');
  });

  async function load(): Promise<void> {
    const wanted = request();
    if (wanted === undefined || wanted.properties.length === 0) return;
    running?.abort();
    const own = new AbortController();
    running = own;
    loading.value = true;
    const { from, to, maxPoints } = wanted.range;
    const answers = await Promise.all(
      wanted.properties.map((observedProperty) =>
        getJson<Series>(
          '/series',
          {
            producer: wanted.producer,
            dataset: wanted.dataset,
            observedProperty,
            from: new Date(from).toISOString(),
            to: new Date(to).toISOString(),
            maxPoints,
            good: wanted.good ? 'true' : undefined,
          },
          own.signal,
        ),
      ),
    );
    if (own.signal.aborted) return;
    loading.value = false;
    const next = new Map<string, LoadedSeries>();
    let failed: RequestProblem | null = null;
    for (const answer of answers) {
      if (!answer.ok) failed = answer.problem;
      else next.set(answer.value.observedProperty, toLoaded(answer.value));
    }
    problem.value = failed;
    if (failed === null || next.size > 0) loaded.value = next;
  }

  watch(key, (wanted) => wanted !== undefined && void load(), { immediate: true });
  const stop = live.onObservation((event) => {
    const wanted = request();
    if (wanted === undefined || wanted.range.name === null) return;
    if (event.producer !== wanted.producer || event.dataset !== wanted.dataset) return;
    loaded.value = withLive(loaded.value, event, wanted);
  });
  const stopQuality = live.onQuality((event) => {
    const wanted = request();
    const judged = event.type === 'flag' ? [event.flag] : event.values;
    if (!judged.some(({ producer, dataset }) => producer === wanted?.producer && dataset === wanted.dataset)) return;
    // What a point without some of its values is, and what holds where a person's word is gone, the server knows.
    if (event.type === 'flag' || wanted?.good === true) void load();
    else loaded.value = withVerdicts(loaded.value, event.values);
  });
  let reload: ReturnType<typeof setTimeout> | undefined;
  const stopSkipped = live.onSkipped((producers) => {
    const wanted = request();
    if (reload !== undefined || wanted === undefined || !producers.has(`${wanted.dataset}/${wanted.producer}`)) return;
    reload = setTimeout(() => {
      reload = undefined;
      void load();
    }, SKIPPED_RELOAD_MS);
  });
  onScopeDispose(() => {
    stop();
    stopSkipped();
    clearTimeout(reload);
    stopQuality();
    running?.abort();
  });
  return { loaded, problem, loading, reload: load };
}

/** The window that moves with the clock takes the values of a reading in. */
function withLive(
  loaded: ReadonlyMap<string, LoadedSeries>,
  event: ObservationEvent,
  { range, good }: SeriesRequest,
): ReadonlyMap<string, LoadedSeries> {
  const time = Date.parse(event.phenomenonTime);
  const next = new Map(loaded);
  for (const [property, series] of next) {
    const value = event.values[property];
    if (value === undefined || typeof value.result === 'string' || (good && isDoubtful(value.quality.flag))) continue;
    const one = { time, value: Number(value.result), flagged: value.flags.length > 0, quality: value.quality.flag };
    next.set(property, { ...series, points: appendValue(series.points, series.bucketMs, one, range.from) });
  }
  return next;
}

/** @param values all of the producer whose series these are: one event is about one record */
function withVerdicts(loaded: ReadonlyMap<string, LoadedSeries>, values: readonly JudgedValue[]): ReadonlyMap<string, LoadedSeries> {
  const next = new Map(loaded);
  for (const { observedProperty, phenomenonTime, quality } of values) {
    const series = next.get(observedProperty);
    if (series === undefined) continue;
    const points = worsened(series.points, series.bucketMs, Date.parse(phenomenonTime), quality.flag);
    next.set(observedProperty, { ...series, points });
  }
  return next;
}

function toLoaded(series: Series): LoadedSeries {
  return {
    property: series.observedProperty,
    unit: series.unit,
    bucketMs: series.bucketMs,
    from: Date.parse(series.from),
    points: series.points,
  };
}
