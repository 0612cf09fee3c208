/** LoRaWAN uplinks as readings: one frame is one reading, decoded by the table in the dataset's definition. */
import { codecFault, decodeFrame, type LorawanCodec } from '@airtight/standards/lorawan-codec.ts';
import { isLorawanUplink, parseLorawanUplink } from '@airtight/standards/lorawan-uplink.ts';
import { isPropertyName } from '../names.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { MEASUREMENTS_MAX, type Measurement, TIME_MAX, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';
import { parseJson } from './json-text.ts';

/** What is wrong with a table, empty for nothing: looked for once, a definition never changes. */
const faults = new WeakMap<LorawanCodec, string>();

function faultOf(codec: LorawanCodec): string {
  let fault = faults.get(codec);
  if (fault === undefined) {
    fault = codecFault(codec, isPropertyName) ?? '';
    faults.set(codec, fault);
  }
  return fault;
}

/**
 * The reading's time is that of reception: the frame has none of its own. Its identity is session and frame counter, the
 * device being the record's producer. A frame without application data (port 0, or empty) says nothing: no reading.
 * @param json for which `isLorawanUplink` is true
 * @returns PAYLOAD_SHAPE, TIME_INVALID, NUMBER_NOT_FINITE; DATASET_INVALID when the codec itself is faulty
 */
export function toLorawanReadings(
  json: { readonly [member: string]: unknown },
  codec: LorawanCodec | undefined,
): Outcome<readonly Reading[]> {
  const parsed = parseLorawanUplink(json);
  if (!parsed.ok) return refuse(parsed.reason === 'time' ? 'TIME_INVALID' : 'PAYLOAD_SHAPE', `LoRaWAN: ${parsed.detail}`);
  const { devAddr, fCnt, fPort, frame, receivedAt: time } = parsed.uplink;
  if (time < 0 || time > TIME_MAX) return refuse('TIME_INVALID', `LoRaWAN: ${time} ms`);
  if (fPort === 0 || frame.length === 0) return accept([]);
  if (codec === undefined) return refuse('PAYLOAD_SHAPE', 'LoRaWAN: the dataset has no codec');
  const fault = faultOf(codec);
  if (fault !== '') return refuse('DATASET_INVALID', `codec: ${fault}`);
  const decoded = decodeFrame(codec, fPort, frame);
  if (!decoded.ok) return refuse('PAYLOAD_SHAPE', `LoRaWAN frame ${frame.toHex().slice(0, 64)}: ${decoded.detail}`);
  if (decoded.values.length > MEASUREMENTS_MAX) return refuse('PAYLOAD_SHAPE', `more than ${MEASUREMENTS_MAX} measurements`);
  const measurements: Measurement[] = [];
  for (const { property, result, unit } of decoded.values) {
    const measurement = toPlainMeasurement(property, result);
    if ('ok' in measurement) return measurement;
    measurements.push(unit === undefined ? measurement : { ...measurement, unit });
  }
  if (measurements.length === 0) return accept([]);
  return accept([{ messageId: idOf(devAddr, fCnt), time, measurements }]);
}

/** The identity of an uplink without application data: the device has counted it all the same. Undefined for any other payload. */
export function lorawanIdOf(payload: Uint8Array): string | undefined {
  const json = parseJson(new TextDecoder().decode(payload));
  if (!json.ok || !isLorawanUplink(json.value)) return undefined;
  const parsed = parseLorawanUplink(json.value);
  return parsed.ok ? idOf(parsed.uplink.devAddr, parsed.uplink.fCnt) : undefined;
}

function idOf(devAddr: string | undefined, fCnt: number): string {
  return `fcnt:${devAddr === undefined ? '' : `${devAddr}-`}${fCnt}`;
}
