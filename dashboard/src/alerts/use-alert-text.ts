/** Messages of alerts in the reader's language, with names and local times. */
import { type AlertItem, alertText } from '@airtight/protocol';
import { useFormat } from '../i18n/use-format.ts';
import { useSubjectName } from './use-subject-name.ts';

export function useAlertText(): (alert: AlertItem) => string {
  const subjectName = useSubjectName();
  const { name, time } = useFormat();
  return (alert) => alertText(name(alert.message), alert.subject, subjectName(alert.subject), time.value.dayMinute);
}
