/** Numbers of measurements: as many digits as were sent, at most three after the point, grouped, with a true minus. */
export function numberFormat(locale: string): (value: number) => string {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
  return (value) => (Number.isFinite(value) ? format.format(value).replace('-', '−') : '–');
}
