/** Formatters in the reader's language and the deployment's zone. */
import type { Bilingual } from '@airtight/protocol';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { useLive } from '../live/live-store.ts';
import { durationParts } from './duration.ts';
import { numberFormat } from './number-format.ts';
import { timeFormat } from './time-format.ts';

/** Before the status is there no time can be shown; UTC is the zone that claims nothing. */
const ZONE_UNKNOWN = 'UTC';

export function useFormat() {
  const { t, locale } = useI18n();
  const live = useLive();
  const time = computed(() => timeFormat(live.status.value?.timeZone ?? ZONE_UNKNOWN));
  const number = computed(() => numberFormat(locale.value));
  const name = (text: Bilingual | undefined): string => (text === undefined ? '' : locale.value === 'en' ? text.en : text.zh);
  /** "6 h 12 min", "38 s". */
  const duration = (ms: number): string =>
    durationParts(ms)
      .map(([unit, count]) => t(`duration.${unit}`, { n: count }))
      .join(' ');
  /** "4 min ago". */
  const ago = (ms: number): string => t('duration.ago', { duration: duration(ms) });
  return { t, locale, time, number, name, duration, ago };
}
