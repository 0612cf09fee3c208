/** mosquitto_pub: a device that somebody else wrote. */
import type { Device, Product } from './product.ts';
import { type Finished, finish } from './programs.ts';

/** Publishes once with QoS 1 as `device`; exit code 0 means the broker acknowledged. */
export function mosquittoPub(product: Product, device: Device, topic: string, message: readonly string[]): Promise<Finished> {
  const connection = ['-h', '127.0.0.1', '-p', String(product.mqttPort), '-u', device.username, '-P', device.secret];
  return finish('mosquitto_pub', [...connection, '-q', '1', '-t', topic, ...message]);
}
