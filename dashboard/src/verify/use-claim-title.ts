/** What a claim is called on the screen it stands on. */
import { useAlertText } from '../alerts/use-alert-text.ts';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import type { ShownClaim } from './shown-claim.ts';

export function useClaimTitle(): (claim: ShownClaim) => string {
  const live = useLive();
  const message = useAlertText();
  const { t, name } = useFormat();
  const nameOf = (producer: string) => name(live.producers.get(producer)?.name) || producer;
  const propertyOf = (producer: string, property: string) => {
    const datasets = live.producers.get(producer)?.datasets ?? [];
    const title = datasets.map((dataset) => live.datasets.get(dataset)?.properties[property]?.title).find((one) => one !== undefined);
    return t(`pollutant.${property}`, '') || name(title) || property;
  };
  return (claim) => {
    switch (claim.kind) {
      case 'value':
        return `${nameOf(claim.producer)} ${propertyOf(claim.producer, claim.observedProperty)} ${String(claim.result)}`;
      case 'index':
        return `${nameOf(claim.producer)} AQI ${claim.index.aqi ?? '–'}`;
      case 'alert':
        return message(claim.alert);
      case 'release':
        return `${nameOf(claim.producer)} #${claim.record}`;
    }
  };
}
