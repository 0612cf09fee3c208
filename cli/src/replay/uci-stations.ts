/** The twelve stations of the UCI data set, with the places the national network (CNEMC) publishes for them. */
import type { Bilingual } from '@airtight/protocol';

export interface UciStation {
  readonly name: Bilingual;
  readonly location: { readonly lat: number; readonly lon: number };
}

const STATIONS: { readonly [station: string]: readonly [zh: string, en: string, lat: number, lon: number] } = {
  Aotizhongxin: ['奥体中心', 'Aotizhongxin', 40.0031, 116.407],
  Changping: ['昌平镇', 'Changping', 40.1952, 116.23],
  Dingling: ['定陵', 'Dingling', 40.2865, 116.17],
  Dongsi: ['东四', 'Dongsi', 39.9522, 116.434],
  Guanyuan: ['官园', 'Guanyuan', 39.9425, 116.361],
  Gucheng: ['古城', 'Gucheng', 39.9279, 116.225],
  Huairou: ['怀柔镇', 'Huairou', 40.3937, 116.644],
  Nongzhanguan: ['农展馆', 'Nongzhanguan', 39.9716, 116.473],
  Shunyi: ['顺义新城', 'Shunyi', 40.1438, 116.72],
  Tiantan: ['天坛', 'Tiantan', 39.8745, 116.434],
  Wanliu: ['海淀区万柳', 'Wanliu', 39.9934, 116.315],
  Wanshouxigong: ['万寿西宫', 'Wanshouxigong', 39.8673, 116.366],
};

export const UCI_REGION: Bilingual = { zh: '北京', en: 'Beijing' };

/** Undefined for a station the data set does not have. */
export function uciStation(station: string): UciStation | undefined {
  const entry = Object.hasOwn(STATIONS, station) ? STATIONS[station] : undefined;
  if (entry === undefined) return undefined;
  const [zh, en, lat, lon] = entry;
  return { name: { zh: `${zh}（2013–2017 历史回放）`, en: `${en} (2013–2017 replay)` }, location: { lat, lon } };
}
