/** Where a channel leads to, in a line, without what may be secret in an address. */
import { useFormat } from '../i18n/use-format.ts';
import type { ChannelItem } from './channel-items.ts';

export function useTarget() {
  const { t } = useFormat();
  return ({ url, to, sender }: Pick<ChannelItem, 'url' | 'to' | 'sender'>): string => {
    if (to !== undefined) {
      const [first = '', ...rest] = to;
      return rest.length === 0 ? first : t('channels.andMore', { first, n: rest.length });
    }
    // Path and query of a webhook often hold its key.
    return url === undefined ? (sender ?? '') : (URL.parse(url)?.host ?? '');
  };
}
