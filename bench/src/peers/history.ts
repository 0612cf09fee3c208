/**
 * A made-up year of hourly readings, by arithmetic alone: the same numbers come out of JavaScript, which publishes them,
 * and of SQL, which fills the peer's table, so that both must give the same answers.
 */

export const HOUR_MS = 3_600_000;
export const PROPERTIES = ['pm25', 'pm10', 'so2', 'no2', 'co', 'o3'] as const;
const CO = PROPERTIES.indexOf('co');

export interface History {
  readonly stations: number;
  readonly hours: number;
  /** Epoch ms of the first hour. */
  readonly start: number;
}

export function observationsIn({ stations, hours }: History): number {
  return stations * hours * PROPERTIES.length;
}

/** Tenths of a µg/m³ for most, hundredths of a mg/m³ for CO. */
export function valueAt(station: number, property: number, hour: number): number {
  return (10 + ((station * 31 + property * 17 + hour * 7) % 900)) / (property === CO ? 100 : 10);
}

/** The payload of some hours of a station: an array of readings. */
export function payloadOf(history: History, station: number, fromHour: number, toHour: number): Buffer {
  const readings: string[] = [];
  for (let hour = fromHour; hour < toHour; hour++) {
    const measurements = PROPERTIES.map((property, p) => `"${property}":${valueAt(station, p, hour)}`);
    readings.push(`{"t":${history.start + hour * HOUR_MS},"m":{${measurements.join(',')}}}`);
  }
  return Buffer.from(`[${readings.join(',')}]`, 'latin1');
}

/** A SELECT of (producer, observedProperty, phenomenonTime, result) in the order of time. */
export function selectHistory(history: History): string {
  const perHour = history.stations * PROPERTIES.length;
  const names = PROPERTIES.map((property) => `'${property}'`).join(', ');
  return `WITH intDiv(number, ${perHour}) AS hour, intDiv(number % ${perHour}, ${PROPERTIES.length}) AS station, number % ${PROPERTIES.length} AS property
    SELECT concat('station-', leftPad(toString(station), 5, '0')), arrayElement([${names}], property + 1),
      toInt64(${history.start} + hour * ${HOUR_MS}), (10 + (station * 31 + property * 17 + hour * 7) % 900) / if(property = ${CO}, 100, 10)
    FROM numbers(${observationsIn(history)})`;
}
