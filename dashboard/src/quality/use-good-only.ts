/** Whether charts leave out what is suspect or failed; it lives in the URL. */
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';

export function useGoodOnly() {
  const route = useRoute();
  const router = useRouter();
  const good = computed(() => route.query['good'] === '1');
  const toggle = () => void router.replace({ query: { ...route.query, good: good.value ? undefined : '1' } });
  return { good, toggle };
}
