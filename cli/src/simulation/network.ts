/**
 * The simulated network: which stations and fridges there are. Districts and cities are real, the stations are not:
 * their names say so, and their device records carry `simulated`.
 */
import type { Bilingual, ProducerKind } from '@airtight/protocol';

export interface SimulatedDevice {
  readonly producer: string;
  readonly agency: string;
  readonly kind: ProducerKind;
  readonly dataset: 'air' | 'coldchain';
  readonly name: Bilingual;
  readonly region: Bilingual;
  readonly location: { readonly lat: number; readonly lon: number };
  /** Place in the network: part of the seed of everything random about this device. */
  readonly index: number;
}

interface Place {
  readonly id: string;
  readonly zh: string;
  readonly en: string;
  readonly lat: number;
  readonly lon: number;
}
/** `he` is Hebei, as in ISO 3166-2:CN. */
export const PROVINCES = ['bj', 'tj', 'he'] as const;
export type Province = (typeof PROVINCES)[number];

const REGIONS: { readonly [P in Province]: Bilingual } = {
  bj: { zh: '北京', en: 'Beijing' },
  tj: { zh: '天津', en: 'Tianjin' },
  he: { zh: '河北', en: 'Hebei' },
};

/** Districts and cities, WGS 84. */
const AIR_PLACES: readonly (readonly [Province, string, string, string, number, number])[] = [
  ['bj', 'dongcheng', '东城', 'Dongcheng', 39.928, 116.416],
  ['bj', 'xicheng', '西城', 'Xicheng', 39.912, 116.366],
  ['bj', 'chaoyang', '朝阳', 'Chaoyang', 39.921, 116.486],
  ['bj', 'haidian', '海淀', 'Haidian', 39.96, 116.298],
  ['bj', 'fengtai', '丰台', 'Fengtai', 39.858, 116.287],
  ['bj', 'shijingshan', '石景山', 'Shijingshan', 39.906, 116.223],
  ['bj', 'tongzhou', '通州', 'Tongzhou', 39.909, 116.657],
  ['bj', 'shunyi', '顺义', 'Shunyi', 40.13, 116.655],
  ['bj', 'changping', '昌平', 'Changping', 40.22, 116.231],
  ['bj', 'daxing', '大兴', 'Daxing', 39.727, 116.341],
  ['bj', 'fangshan', '房山', 'Fangshan', 39.748, 116.143],
  ['bj', 'yanqing', '延庆', 'Yanqing', 40.457, 115.975],
  ['bj', 'miyun', '密云', 'Miyun', 40.376, 116.843],
  ['tj', 'heping', '和平', 'Heping', 39.117, 117.215],
  ['tj', 'nankai', '南开', 'Nankai', 39.138, 117.15],
  ['tj', 'hexi', '河西', 'Hexi', 39.11, 117.223],
  ['tj', 'xiqing', '西青', 'Xiqing', 39.142, 117.009],
  ['tj', 'binhai', '滨海', 'Binhai', 39.003, 117.711],
  ['tj', 'wuqing', '武清', 'Wuqing', 39.384, 117.044],
  ['tj', 'baodi', '宝坻', 'Baodi', 39.717, 117.31],
  ['tj', 'jizhou', '蓟州', 'Jizhou', 40.046, 117.408],
  ['tj', 'jinghai', '静海', 'Jinghai', 38.947, 116.974],
  ['he', 'shijiazhuang', '石家庄', 'Shijiazhuang', 38.037, 114.539],
  ['he', 'baoding', '保定', 'Baoding', 38.874, 115.465],
  ['he', 'xiongan', '雄安', "Xiong'an", 39.043, 115.863],
  ['he', 'langfang', '廊坊', 'Langfang', 39.538, 116.684],
  ['he', 'tangshan', '唐山', 'Tangshan', 39.631, 118.18],
  ['he', 'cangzhou', '沧州', 'Cangzhou', 38.304, 116.839],
  ['he', 'hengshui', '衡水', 'Hengshui', 37.739, 115.67],
  ['he', 'xingtai', '邢台', 'Xingtai', 37.071, 114.505],
  ['he', 'handan', '邯郸', 'Handan', 36.626, 114.539],
  ['he', 'zhangjiakou', '张家口', 'Zhangjiakou', 40.768, 114.886],
  ['he', 'chengde', '承德', 'Chengde', 40.951, 117.963],
  ['he', 'qinhuangdao', '秦皇岛', 'Qinhuangdao', 39.935, 119.6],
  ['he', 'dingzhou', '定州', 'Dingzhou', 38.516, 114.99],
  ['he', 'zhuozhou', '涿州', 'Zhuozhou', 39.485, 115.974],
];

const FRIDGE_PLACES: readonly (readonly [Province, string, string, string, number, number])[] = [
  ['bj', 'dongcheng', '东城疾控', 'Dongcheng CDC', 39.931, 116.419],
  ['bj', 'haidian', '海淀疾控', 'Haidian CDC', 39.968, 116.291],
  ['bj', 'fengtai', '丰台疾控', 'Fengtai CDC', 39.853, 116.293],
  ['bj', 'changping', '昌平接种门诊', 'Changping clinic', 40.214, 116.238],
  ['bj', 'daxing', '大兴接种门诊', 'Daxing clinic', 39.731, 116.335],
  ['tj', 'heping', '和平疾控', 'Heping CDC', 39.12, 117.211],
  ['tj', 'binhai', '滨海疾控', 'Binhai CDC', 39.008, 117.702],
  ['tj', 'wuqing', '武清接种门诊', 'Wuqing clinic', 39.388, 117.051],
  ['he', 'shijiazhuang', '石家庄疾控', 'Shijiazhuang CDC', 38.042, 114.53],
  ['he', 'baoding', '保定疾控', 'Baoding CDC', 38.87, 115.47],
  ['he', 'langfang', '廊坊接种门诊', 'Langfang clinic', 39.534, 116.69],
  ['he', 'tangshan', '唐山疾控', 'Tangshan CDC', 39.635, 118.175],
];

/** One person's machine holds so many connections easily; a larger network is a load test. */
export const STATIONS_MAX = 500;
export const FRIDGES_MAX = 500;

/**
 * The first `stations` air stations and `fridges` vaccine fridges of the network, or of one province of it; beyond the
 * listed places numbered ones follow beside them.
 */
export function simulatedNetwork(stations: number, fridges: number, only?: Province): readonly SimulatedDevice[] {
  const within = (places: typeof AIR_PLACES) => places.filter(([province]) => only === undefined || province === only);
  const [airPlaces, fridgePlaces] = [within(AIR_PLACES), within(FRIDGE_PLACES)];
  return [
    ...Array.from({ length: stations }, (_, index) => airStation(airPlaces, index)),
    ...Array.from({ length: fridges }, (_, index) => vaccineFridge(fridgePlaces, index)),
  ];
}

function airStation(places: typeof AIR_PLACES, index: number): SimulatedDevice {
  const { province, place, suffix } = pick(places, index);
  return {
    producer: `sim-air-${province}-${place.id}${suffix.id}`,
    agency: `${province}-eco`,
    kind: 'air-station',
    dataset: 'air',
    name: { zh: `${place.zh}${suffix.name}（模拟）`, en: `${place.en}${suffix.name} (simulated)` },
    region: REGIONS[province],
    location: { lat: place.lat, lon: place.lon },
    index,
  };
}

function vaccineFridge(places: typeof AIR_PLACES, index: number): SimulatedDevice {
  const { province, place, suffix } = pick(places, index);
  return {
    producer: `sim-fridge-${province}-${place.id}${suffix.id}`,
    agency: `${province}-cdc`,
    kind: 'fridge',
    dataset: 'coldchain',
    name: { zh: `${place.zh}疫苗冰箱${suffix.name}（模拟）`, en: `${place.en} vaccine fridge${suffix.name} (simulated)` },
    region: REGIONS[province],
    location: { lat: place.lat, lon: place.lon },
    index,
  };
}

function pick(places: typeof AIR_PLACES, index: number) {
  const round = Math.floor(index / places.length);
  const entry = places[index % places.length];
  if (entry === undefined) throw new RangeError(`no place for index ${index}`);
  const [province, id, zh, en, lat, lon] = entry;
  // Numbered ones stand some 2 km apart, so that a map shows each.
  const place: Place = { id, zh, en, lat: lat + 0.02 * (round % 10), lon: lon + 0.02 * Math.floor(round / 10) };
  return { province, place, suffix: round === 0 ? { id: '', name: '' } : { id: `-${round + 1}`, name: ` ${round + 1}` } };
}
