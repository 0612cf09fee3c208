/** What an alert is about, for people: a device by its name; a region, an agency or everything by what it is. */
import { alertSubject } from '@airtight/protocol';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';

export function useSubjectName(): (subject: string) => string {
  const live = useLive();
  const { t, name } = useFormat();
  return (subject) => {
    const known = name(live.producers.get(subject)?.name);
    if (known !== '') return known;
    const about = alertSubject(subject);
    if (about.kind === 'all') return t('alerts.everywhere');
    return about.name;
  };
}
