/**
 * The land's outline (Natural Earth 1:50 million, public domain), from this server. Coasts only: drawing countries'
 * borders is for the deployment's own approved base map.
 */
import { feature } from 'topojson-client';
import landUrl from 'world-atlas/land-50m.json?url';

type LandTopology = Parameters<typeof feature>[0] & { readonly objects: { readonly land: Parameters<typeof feature>[1] } };

let loading: Promise<GeoJSON.GeoJSON | undefined> | undefined;

/** undefined when it cannot be loaded: the map is drawn without coasts then. */
export function loadLand(): Promise<GeoJSON.GeoJSON | undefined> {
  loading ??= fetch(landUrl)
    .then(async (response) => {
      const topology = (await response.json()) as LandTopology;
      return feature(topology, topology.objects.land);
    })
    .catch(() => {
      loading = undefined;
      return undefined;
    });
  return loading;
}
