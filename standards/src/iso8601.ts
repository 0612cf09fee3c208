/** ISO 8601-1 clause 5.5.2: durations, as far as they have one fixed length: days, hours, minutes, whole seconds. */

const DURATION = /^P(?=.)(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/;

/**
 * @param text e.g. "PT10M", "P1DT12H"; years, months and weeks are not taken, a month has no fixed length
 * @returns milliseconds; null when the text is no such duration
 */
export function parseDurationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number];
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}
