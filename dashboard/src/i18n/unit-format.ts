/** UCUM codes as people write the units. */
const WRITTEN: { readonly [ucum: string]: string } = {
  'ug/m3': 'µg/m³',
  'mg/m3': 'mg/m³',
  Cel: '°C',
  '[ppb]': 'ppb',
  '[ppm]': 'ppm',
  deg: '°',
  'm/s': 'm/s',
  '1': '',
  '{bool}': '',
  '{count}': '',
};

export function unitText(ucum: string): string {
  return WRITTEN[ucum] ?? ucum;
}
