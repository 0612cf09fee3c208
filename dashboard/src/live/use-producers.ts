/** Stations and fridges of this moment, from the live store. */
import { computed } from 'vue';
import { fridgeViews } from '../coldchain/fridge-view.ts';
import { stationViews } from '../stations/station-view.ts';
import { useLive } from './live-store.ts';

export function useProducers() {
  const live = useLive();
  const sources = computed(() => ({
    producers: [...live.producers.values()],
    datasets: live.datasets,
    latest: live.latest,
    now: live.now.value,
  }));
  const stations = computed(() => stationViews(sources.value));
  const fridges = computed(() => fridgeViews(sources.value));
  return { stations, fridges };
}
