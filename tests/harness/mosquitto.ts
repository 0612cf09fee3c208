/** mosquitto: devices and a broker that somebody else wrote. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import type { Device, Product } from './product.ts';
import { type Finished, finish, pathOf } from './programs.ts';
import { until } from './waiting.ts';

/** Publishes once with QoS 1 as `device`; exit code 0 means the broker acknowledged. */
export function mosquittoPub(product: Product, device: Device, topic: string, message: readonly string[]): Promise<Finished> {
  const connection = ['-h', '127.0.0.1', '-p', String(product.mqttPort), '-u', device.username, '-P', device.secret];
  return finish('mosquitto_pub', [...connection, '-q', '1', '-t', topic, ...message]);
}

/** Nothing that is queued for a node that is away may be dropped: the default is 1,000 messages. */
const CONFIGURATION = ['allow_anonymous true', 'max_queued_messages 0', 'persistence false', 'user root'];

/** Debian's broker on a port of loopback. */
export class MosquittoBroker {
  readonly mqttPort: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'airtight-mosquitto-'));
  #process: ChildProcess | undefined;

  private constructor(mqttPort: number) {
    this.mqttPort = mqttPort;
    writeFileSync(join(this.#folder, 'mosquitto.conf'), [`listener ${mqttPort} 127.0.0.1`, ...CONFIGURATION, ''].join('\n'));
  }

  /** On a free port; not running yet. */
  static async create(): Promise<MosquittoBroker> {
    return new MosquittoBroker(await freePort());
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`;
  }

  async start(): Promise<void> {
    this.#process = spawn(pathOf('mosquitto') ?? 'mosquitto', ['-c', join(this.#folder, 'mosquitto.conf')], { stdio: 'ignore' });
    await until('mosquitto listens', () => canConnect(this.mqttPort));
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    child.kill('SIGKILL');
    await until('mosquitto ends', () => child.signalCode !== null || child.exitCode !== null);
    this.#process = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
