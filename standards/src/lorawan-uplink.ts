/**
 * Uplinks as LoRaWAN network servers publish them as JSON: ChirpStack v4 (`…/event/up`) and The Things Stack v3
 * (`…/up`). Both say which device sent a frame, in which session, and when a gateway received it.
 */
import { parseRfc3339 } from './rfc3339.ts';

export interface LorawanUplink {
  /** 16 hex digits, lower case. */
  readonly devEui: string;
  /** Address in this session: a device that joins anew gets another and counts its frames from 0 again. */
  readonly devAddr?: string;
  /** Frame counter of the session. */
  readonly fCnt: number;
  /** 1 to 223 carry the application's data; 0, and none, are the network's own. */
  readonly fPort: number;
  /** The decrypted application payload; empty when the frame had none. */
  readonly frame: Uint8Array;
  /** Epoch ms of reception at a gateway, as far as the network server knows it, else at the network server. */
  readonly receivedAt: number;
}

/** `shape`: no uplink of either form; `time`: its time cannot be read. */
export type LorawanOutcome =
  | { readonly ok: true; readonly uplink: LorawanUplink }
  | { readonly ok: false; readonly reason: 'shape' | 'time'; readonly detail: string };

/** LoRaWAN 1.0.4 §4.3.1: FCnt has 32 bits, of which 16 go over the air. */
const FCNT_MAX = 2 ** 32 - 1;
const FPORT_MAX = 255;
/** Regional parameters: no data rate carries more. */
export const LORAWAN_FRAME_MAX_BYTES = 242;
/** A gateway's clock may be wrong. Farther from the network server's than this, the server's counts. */
export const GATEWAY_CLOCK_TRUST_MS = 60_000;

type Members = { readonly [member: string]: unknown };

/** Does this parsed JSON look like an uplink, of ChirpStack (`deviceInfo`) or The Things Stack (`end_device_ids`)? */
export function isLorawanUplink(json: unknown): json is Members {
  return isObject(json) && (isObject(json['deviceInfo']) || isObject(json['end_device_ids']));
}

/** Reads an uplink of either form. @param json for which `isLorawanUplink` is true */
export function parseLorawanUplink(json: Members): LorawanOutcome {
  return isObject(json['deviceInfo']) ? chirpStackUplink(json, json['deviceInfo']) : thingsStackUplink(json);
}

/** ChirpStack v4, integration event `up`. Its JSON leaves out members that are 0 or empty. */
function chirpStackUplink(json: Members, deviceInfo: Members): LorawanOutcome {
  const { devAddr, fCnt = 0, fPort = 0, data = '', time } = json as { [name: string]: unknown };
  return uplinkOf({ devEui: deviceInfo['devEui'], devAddr, fCnt, fPort, data, receivedAt: timeOf(time) });
}

/** The Things Stack v3, message type ApplicationUp with `uplink_message`; members that are 0 or empty are left out too. */
function thingsStackUplink(json: Members): LorawanOutcome {
  const ids = json['end_device_ids'] as Members;
  const message = json['uplink_message'];
  if (!isObject(message)) return refuse('shape', 'no "uplink_message"');
  const { f_cnt: fCnt = 0, f_port: fPort = 0, frm_payload: data = '', received_at: atServer } = message as { [name: string]: unknown };
  const serverTime = timeOf(atServer ?? json['received_at']);
  const gateways = Array.isArray(message['rx_metadata']) ? message['rx_metadata'] : [];
  const gatewayTimes = gateways.map((gateway) => (isObject(gateway) ? timeOf(gateway['time']) : Number.NaN));
  const trusted = gatewayTimes.filter((time) => Math.abs(time - serverTime) <= GATEWAY_CLOCK_TRUST_MS);
  // The earliest: a frame is heard once, and reported by each gateway after its own delay.
  const receivedAt = Math.min(serverTime, ...trusted);
  return uplinkOf({ devEui: ids['dev_eui'], devAddr: ids['dev_addr'], fCnt, fPort, data, receivedAt });
}

function uplinkOf(source: { readonly [name in keyof Omit<LorawanUplink, 'frame'> | 'data']?: unknown }): LorawanOutcome {
  const { devEui, devAddr, fCnt, fPort, data, receivedAt } = source;
  if (typeof devEui !== 'string' || !/^[0-9A-Fa-f]{16}$/.test(devEui)) return refuse('shape', 'devEui is 16 hex digits');
  if (devAddr !== undefined && (typeof devAddr !== 'string' || !/^[0-9A-Fa-f]{8}$/.test(devAddr)))
    return refuse('shape', 'devAddr is 8 hex digits');
  if (!isWhole(fCnt, FCNT_MAX)) return refuse('shape', 'the frame counter is a whole number of 32 bits');
  if (!isWhole(fPort, FPORT_MAX)) return refuse('shape', 'the port is 0 to 255');
  const frame = typeof data === 'string' ? bytesOf(data) : undefined;
  if (frame === undefined) return refuse('shape', `the frame is base64 of at most ${LORAWAN_FRAME_MAX_BYTES} bytes`);
  if (typeof receivedAt !== 'number' || Number.isNaN(receivedAt)) return refuse('time', 'the time of reception is no RFC 3339');
  const address = devAddr === undefined ? {} : { devAddr: (devAddr as string).toLowerCase() };
  return { ok: true, uplink: { devEui: devEui.toLowerCase(), ...address, fCnt, fPort, frame, receivedAt } };
}

function bytesOf(base64: string): Uint8Array | undefined {
  if (base64.length > Math.ceil(LORAWAN_FRAME_MAX_BYTES / 3) * 4) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return bytes.length <= LORAWAN_FRAME_MAX_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function timeOf(text: unknown): number {
  return typeof text === 'string' ? parseRfc3339(text) : Number.NaN;
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function isObject(json: unknown): json is Members {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}

function refuse(reason: 'shape' | 'time', detail: string): LorawanOutcome {
  return { ok: false, reason, detail };
}
