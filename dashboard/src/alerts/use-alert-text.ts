/** Messages of alerts in the reader's language, with names and local times. */
import type { AlertItem } from '@airtight/protocol';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import { alertText } from './alert-text.ts';

export function useAlertText(): (alert: AlertItem) => string {
  const live = useLive();
  const { name, time } = useFormat();
  return (alert) => alertText(name(alert.message), alert.subject, name(live.producers.get(alert.subject)?.name), time.value.dayMinute);
}
