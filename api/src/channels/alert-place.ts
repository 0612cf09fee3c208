/** Where an alert is: the names by which it can be asked for, what people call it, and whose data are behind it. */
import { type AlertItem, type AlertSubject, alertSubject, type Bilingual, type DeviceRecord } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';

export interface AlertPlace {
  /** For the filter of a channel: the subject, its region in both languages, its agency; of a group or of everything every region concerned. */
  readonly names: readonly string[];
  /** For the areas of a CAP feed: the narrowest first. */
  readonly areas: readonly string[];
  /** For people: with the region, where it is in one. */
  readonly text: Bilingual;
  /** What stands for the subject in texts. */
  readonly subject: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
  /** Made-up data are behind it. */
  readonly isSimulated: boolean;
}

type About = Pick<AlertItem, 'subject' | 'agency' | 'dataset'>;
type Producers = Pick<ControlState, 'producers'>;

const EVERYWHERE: Bilingual = { zh: '所有站点', en: 'all stations' };

/** @param members alerts of the group, as far as they are known; empty for a single alert */
export function alertPlace(item: About, members: readonly About[], { producers }: Producers): AlertPlace {
  const about = alertSubject(item.subject);
  const sources = new Set((members.length === 0 ? [item] : members).flatMap((one) => sourcesOf(one, producers)));
  const regions = regionsOf(about, sources);
  const device = about.kind === 'producer' ? producers.get(about.name) : undefined;
  const named = regions.flatMap(({ zh, en }) => [zh, en]);
  const own = about.name === '' ? ['all'] : [about.name];
  return {
    names: [...new Set([item.subject, ...own, ...named, item.agency])],
    areas: [...new Set([...own, ...(about.kind === 'producer' || about.kind === 'region' ? [...named, item.agency] : [])])],
    text: textOf(about, device, regions[0]),
    subject: nameOf(about, device, regions[0]),
    ...(device?.location === undefined ? {} : { location: device.location }),
    isSimulated: members.length === 0 ? [...sources].some(isMadeUp) : members.every((one) => sourcesOf(one, producers).some(isMadeUp)),
  };
}

function isMadeUp({ simulated }: DeviceRecord): boolean {
  return simulated;
}

/** Producers whose readings may be behind it. */
function sourcesOf({ subject, dataset }: About, producers: ReadonlyMap<string, DeviceRecord>): readonly DeviceRecord[] {
  const { kind, name } = alertSubject(subject);
  const own = kind === 'producer' ? producers.get(name) : undefined;
  if (own !== undefined) return [own];
  return [...producers.values()].filter(({ datasets, agency, region }) => {
    if (!datasets.includes(dataset)) return false;
    if (kind === 'agency') return agency === name;
    return kind !== 'region' || region?.en === name || region?.zh === name;
  });
}

function regionsOf({ kind, name }: AlertSubject, sources: ReadonlySet<DeviceRecord>): readonly Bilingual[] {
  const known = new Map([...sources].flatMap(({ region }) => (region === undefined ? [] : [[region.en, region] as const])));
  if (kind !== 'region') return [...known.values()];
  return [known.get(name) ?? [...known.values()].find(({ zh }) => zh === name) ?? { zh: name, en: name }];
}

function nameOf({ kind, name }: AlertSubject, device: DeviceRecord | undefined, region: Bilingual | undefined): Bilingual {
  if (kind === 'all') return EVERYWHERE;
  if (kind === 'region' && region !== undefined) return region;
  return device?.name ?? { zh: name, en: name };
}

function textOf(about: AlertSubject, device: DeviceRecord | undefined, region: Bilingual | undefined): Bilingual {
  const name = nameOf(about, device, region);
  if (device === undefined || region === undefined || region.zh === name.zh) return name;
  return { zh: `${region.zh} ${name.zh}`, en: `${region.en}, ${name.en}` };
}
