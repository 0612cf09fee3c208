/** The real-time air quality index of one reading, by the standard in force at its hour. */
import { type AqiReport, type CnPollutant, hourlyReport, standardAt } from '@airtight/standards/hj633.ts';
import { convert } from '@airtight/standards/units.ts';
import type { DatasetDefinition } from '../control.ts';
import type { Observation } from '../records/observation.ts';
import { failsAlone } from './value-tests.ts';

/** HJ 633 takes µg/m³, and CO in mg/m³. */
const UNIT_OF: { readonly [pollutant in CnPollutant]: string } = {
  so2: 'ug/m3',
  no2: 'ug/m3',
  co: 'mg/m3',
  o3: 'ug/m3',
  pm10: 'ug/m3',
  pm25: 'ug/m3',
};

/**
 * @param observations those of one producer and one phenomenonTime
 * @returns undefined when the dataset has no index, the clock is in the future, or none of its pollutants is among them
 */
export function airIndexOf(definition: DatasetDefinition | undefined, observations: readonly Observation[]): AqiReport | undefined {
  const first = observations[0];
  if (definition?.index !== 'cn-aqi' || first === undefined || first.flags.includes('future')) return undefined;
  const concentrations: { [pollutant in CnPollutant]?: number } = {};
  let any = false;
  for (const observation of observations) {
    if (!Object.hasOwn(UNIT_OF, observation.observedProperty)) continue;
    const pollutant = observation.observedProperty as CnPollutant;
    any = true;
    const rules = definition.quality?.properties[pollutant];
    const concentration = failsAlone(observation, rules) ? null : concentrationOf(observation, UNIT_OF[pollutant]);
    if (concentration === null) delete concentrations[pollutant];
    else concentrations[pollutant] = concentration;
  }
  return any ? hourlyReport(standardAt(first.phenomenonTime), concentrations) : undefined;
}

/** The value in the standard's unit; null for what is no number or cannot be converted. */
function concentrationOf(observation: Pick<Observation, 'result' | 'unit'>, unit: string): number | null {
  if (typeof observation.result !== 'number') return null;
  return observation.unit === unit ? observation.result : convert(observation.result, observation.unit, unit);
}
