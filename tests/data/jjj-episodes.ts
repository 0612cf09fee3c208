/**
 * Prints the tables of docs/reference/shipped-contracts.md: `node tests/data/jjj-episodes.ts`. Beijing from the eight stations of the UCI
 * files, the cities of Beijing-Tianjin-Hebei from the hourly publication of January 2019.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { JJJ_VERSIONS, type JjjVersion } from '@airtight/standards/jjj-alerts.ts';
import { aqiOf, cityAqi, mean, POLLUTANTS, type Pollutant, type StationHours } from '../harness/city-aqi.ts';
import { beijingTime, type Episode, episodesOf } from '../harness/jjj-episodes.ts';
import { root } from '../harness/programs.ts';
import { readUci, UCI_COLUMNS } from '../harness/uci.ts';

const DATA = join(root, '../shared/data');
const UCI = join(DATA, 'air-beijing-uci');
const CNEMC = join(DATA, 'air-china-cnemc');
const HOUR_MS = 3_600_000;
const UCI_START = Date.UTC(2013, 2, 1, -8);
const UCI_HOURS = 35_064;
const JANUARY_2019 = Date.UTC(2019, 0, 1, -8);
const JANUARY_HOURS = 744;
const YEARS = [2014, 2015, 2016, 2017];

/** Stations of the national network by city (its own list of stations). */
const CITIES: readonly (readonly [zh: string, en: string])[] = [
  ['北京市', 'Beijing'],
  ['天津市', 'Tianjin'],
  ['石家庄市', 'Shijiazhuang'],
  ['唐山市', 'Tangshan'],
  ['秦皇岛市', 'Qinhuangdao'],
  ['邯郸市', 'Handan'],
  ['邢台市', 'Xingtai'],
  ['保定市', 'Baoding'],
  ['张家口市', 'Zhangjiakou'],
  ['承德市', 'Chengde'],
  ['沧州市', 'Cangzhou'],
  ['廊坊市', 'Langfang'],
  ['衡水市', 'Hengshui'],
];

export function hasData(): boolean {
  return existsSync(UCI) && existsSync(CNEMC);
}

/** The table of Beijing's Januaries, then that of January 2019. */
export function tables(): string {
  const beijing = cityAqi(uciStations(), UCI_HOURS);
  const uci = JJJ_VERSIONS.map((version) => episodesOf(version, new Map([['Beijing', beijing]]), UCI_START));
  const region = cnemcCities();
  const cnemc = JJJ_VERSIONS.map((version) => episodesOf(version, region, JANUARY_2019));
  return `${januaries(uci)}\n\n${byCity(cnemc)}\n`;
}

function januaries(byVersion: readonly (readonly Episode[])[]): string {
  const rows = JJJ_VERSIONS.flatMap((version, index) =>
    YEARS.map((year) => {
      const [from, to] = [Date.UTC(year, 0, 1, -8), Date.UTC(year, 1, 1, -8)];
      const within = (byVersion[index] as readonly Episode[]).filter((episode) => episode.from < to && (episode.to ?? to) >= from);
      return `| \`${version}\` | ${year} | ${within.map(span).join('; ') || '–'} |`;
    }),
  );
  return ['| version | January | episodes |', '| --- | --- | --- |', ...rows].join('\n');
}

function span({ colour, from, to }: Episode): string {
  return `${colour} ${beijingTime(from).slice(5)} to ${to === null ? 'the end' : beijingTime(to).slice(5)}`;
}

function byCity(byVersion: readonly (readonly Episode[])[]): string {
  const rows = CITIES.map(([, en]) => {
    const cells = byVersion.map((episodes) => {
      const colours = episodes.filter(({ city }) => city === en).map(({ colour }) => colour);
      const counts = ['red', 'orange', 'yellow', 'blue'].flatMap((colour) => {
        const count = colours.filter((other) => other === colour).length;
        return count === 0 ? [] : [`${count} ${colour}`];
      });
      return counts.join(', ') || '–';
    });
    return `| ${en} | ${cells.join(' | ')} |`;
  });
  const head = JJJ_VERSIONS.map((version: JjjVersion) => `\`${version}\``).join(' | ');
  return [`| city | ${head} |`, `| --- |${' --- |'.repeat(JJJ_VERSIONS.length)}`, ...rows].join('\n');
}

function uciStations(): readonly StationHours[] {
  return readdirSync(UCI)
    .filter((name) => name.startsWith('PRSA_Data_'))
    .sort()
    .map((name) => {
      const hours = Object.fromEntries(POLLUTANTS.map((pollutant) => [pollutant, new Float64Array(UCI_HOURS).fill(Number.NaN)]));
      for (const { time, values } of readUci(join(UCI, name))) {
        for (const pollutant of POLLUTANTS) {
          const text = values.get(UCI_COLUMNS[pollutant] as string);
          // CO stands in µg/m³ in these files.
          const value = pollutant === 'co' ? Number(`${text}e-3`) : Number(text);
          if (text !== undefined) (hours[pollutant] as Float64Array)[(time - UCI_START) / HOUR_MS] = value;
        }
      }
      return hours as { [pollutant in Pollutant]: Float64Array };
    });
}

/** Means of 24 h as they were published with every hour. */
const PUBLISHED: readonly (readonly [type: string, pollutant: Pollutant])[] = [
  ['PM2.5_24h', 'pm25'],
  ['PM10_24h', 'pm10'],
  ['SO2_24h', 'so2'],
  ['NO2_24h', 'no2'],
  ['CO_24h', 'co'],
  ['O3_8h_24h', 'o3'],
];

function cnemcCities(): ReadonlyMap<string, readonly (number | null)[]> {
  const cities = stationsByCity();
  const aqis = new Map(CITIES.map(([, en]) => [en, new Array<number | null>(JANUARY_HOURS).fill(null)]));
  for (let day = 1; day <= 31; day++) {
    const file = join(CNEMC, `china_sites_201901${String(day).padStart(2, '0')}.csv.gz`);
    const lines = gunzipSync(readFileSync(file)).toString().split('\n');
    const columns = (lines[0] as string).trimEnd().split(',');
    const rows = new Map(lines.slice(1).map((line) => [line.split(',', 3).slice(1).join(','), line.trimEnd().split(',')]));
    for (const [zh, en] of CITIES) {
      const indices = (cities.get(zh) ?? []).map((code) => columns.indexOf(code)).filter((index) => index >= 0);
      for (let hour = 0; hour < 24; hour++) {
        const means = PUBLISHED.map(([type, pollutant]) => {
          const cells = rows.get(`${hour},${type}`) ?? [];
          return [pollutant, mean(indices.map((index) => ((cells[index] ?? '') === '' ? Number.NaN : Number(cells[index]))))] as const;
        });
        const known = Object.fromEntries(means.filter(([, value]) => !Number.isNaN(value)));
        (aqis.get(en) as (number | null)[])[(day - 1) * 24 + hour] = aqiOf(known);
      }
    }
  }
  return aqis;
}

function stationsByCity(): ReadonlyMap<string, readonly string[]> {
  const list = JSON.parse(gunzipSync(readFileSync(join(CNEMC, 'airnow.json.gz'))).toString()) as {
    readonly features: readonly { readonly properties: { readonly area: string; readonly stationcode: string } }[];
  };
  const cities = new Map<string, string[]>();
  for (const { properties } of list.features) cities.set(properties.area, [...(cities.get(properties.area) ?? []), properties.stationcode]);
  return cities;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(tables());
