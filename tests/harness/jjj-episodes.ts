/** Heavy pollution episodes as the shipped contract jjj-alert tells them, by version of the grading conditions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractVersion, Engine } from '@airtight/contracts-engine';
import { checkDatasetDefinition, type DatasetDefinition, toObservations } from '@airtight/protocol';
import type { JjjVersion } from '@airtight/standards/jjj-alerts.ts';
import { parse } from 'yaml';
import { root } from './programs.ts';

const COLOURS: { readonly [severity: string]: string } = { minor: 'blue', moderate: 'yellow', severe: 'orange', extreme: 'red' };
const HOUR_MS = 3_600_000;
const UTC8_MS = 8 * HOUR_MS;

export interface Episode {
  readonly city: string;
  /** The highest it reached. */
  readonly colour: string;
  /** Epoch ms of the hour at which the first level was reached. */
  readonly from: number;
  /** When 36 h below the condition had passed; null: after the data. */
  readonly to: number | null;
}

/** @param cities running AQI by city, hour by hour from `start` on (epoch ms) */
export function episodesOf(
  version: JjjVersion,
  cities: ReadonlyMap<string, readonly (number | null)[]>,
  start: number,
): readonly Episode[] {
  const definition = cityAir();
  const engine = new Engine();
  const shipped = readFileSync(join(root, 'contracts-engine/contracts/jjj-alert.yaml'), 'utf8');
  const text = shipped
    .replace('jjj_level(hours)', `jjj_level("${version}", hours)`)
    .replace('jjj_threshold()', `jjj_threshold("${version}")`);
  const record = {
    type: 'contract',
    contract: 'jjj-alert',
    version: contractVersion(text) as string,
    text,
    author: 'a',
    approver: 'b',
  } as const;
  engine.apply({ kind: 'dataset', position: 0, definition });
  engine.apply({ kind: 'contract', position: 1, record });
  const episodes = new Map<string, { city: string; colour: string; from: number; to: number | null }>();
  let position = 2;
  const hours = Math.max(...[...cities.values()].map(({ length }) => length));
  for (let hour = 0; hour < hours; hour++) {
    for (const [city, aqis] of cities) {
      const aqi = aqis[hour] ?? null;
      if (aqi === null) continue;
      const time = start + hour * HOUR_MS;
      const header = { v: 1, agency: 'mee', dataset: 'city-air', producer: city, receivedAt: time, door: 'mqtt', contentType: '' } as const;
      const readings = [{ time, measurements: [{ property: 'aqi_24h', result: aqi }] }];
      const observations = toObservations(header, position, readings, definition);
      for (const effect of engine.apply({ kind: 'observations', position: position++, observations })) {
        const known = episodes.get(effect.alert);
        if (effect.type === 'raise' && effect.rule === 'city')
          episodes.set(effect.alert, { city, colour: COLOURS[effect.severity] as string, from: effect.at, to: null });
        else if (known !== undefined && effect.type === 'update' && effect.severity !== undefined)
          known.colour = COLOURS[effect.severity] as string;
        else if (known !== undefined && effect.type === 'clear') known.to = effect.at;
      }
    }
  }
  return [...episodes.values()];
}

function cityAir(): DatasetDefinition {
  const checked = checkDatasetDefinition(parse(readFileSync(join(root, 'cli/defaults/templates/city-air.yaml'), 'utf8')));
  if (!checked.ok) throw new Error(checked.detail);
  return checked.value;
}

/** `2016-12-17 10:00` at UTC+8: the end of the hour that completes it. */
export function beijingTime(at: number): string {
  return new Date(at + HOUR_MS + UTC8_MS).toISOString().slice(0, 16).replace('T', ' ');
}
