/** Where a channel leads to, in a line, without what may be secret in an address. */
import { useFormat } from '../i18n/use-format.ts';
import type { ChannelItem } from './channel-items.ts';

/** docs/reference/mqtt.md. */
export const ALERT_TOPICS = 'v1/{agency}/alerts/{severity}/{contract}';

export function useTarget() {
  const { t } = useFormat();
  return ({ kind, url, to, sender, region }: ChannelItem): string => {
    if (to !== undefined) {
      const [first = '', ...rest] = to;
      return rest.length === 0 ? first : t('channels.andMore', { first, n: rest.length });
    }
    if (kind === 'mqtt') return ALERT_TOPICS;
    // Path and query of a webhook often hold its key.
    return url === undefined ? (sender ?? region ?? '') : (URL.parse(url)?.host ?? '');
  };
}
