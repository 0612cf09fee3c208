/** `airtight doctor`: is this machine, and what runs on it, in order? */
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import type { Check, Health } from '../doctor/check.ts';
import {
  checkCertificates,
  checkClock,
  checkDisk,
  checkFsync,
  checkMemory,
  checkNode,
  checkPermissions,
  checkPorts,
} from '../doctor/machine-checks.ts';
import { checkServices } from '../doctor/service-checks.ts';
import { readRunning } from '../endpoints.ts';
import { resolvePorts } from '../supervise/ports.ts';
import type { Terminal } from '../terminal.ts';

const PORT_MAX = 65_535;
const MARKS: { readonly [health in Health]: readonly ['green' | 'yellow' | 'red', string] } = {
  ok: ['green', '✓'],
  warning: ['yellow', '!'],
  problem: ['red', '✗'],
};

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: { zh: '检查本机与正在运行的服务，并说明怎么办', en: 'look at this machine and the running services, and say what to do' },
  details: {
    zh: '检查 Node、内存、磁盘、落盘时延（实测）、时钟、密钥权限、证书、端口、服务与滞后。退出码 1：有问题。',
    en: 'Node, memory, disk, the latency of durable writes (measured), clock, permissions of keys, certificates, ports, services and lags. Exit code 1: there is a problem.',
  },
  operands: '',
  options: { data: DATA_OPTION, json: JSON_OPTION },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const data = dataDirectory(values.data);
    const running = readRunning(data);
    const checks: Check[] = [
      checkNode(),
      checkMemory(),
      checkDisk(data),
      checkFsync(data),
      checkClock(data, Date.now()),
      checkPermissions(data),
      checkCertificates([data.serverCertificateFile, process.env['AIRTIGHT_INGEST_TLS_CERT_FILE'] ?? ''], Date.now()),
      ...(running === undefined ? [await checkPorts(portsToBe(process.env))] : await checkServices(running.ports, data)),
    ];
    const isWell = !checks.some(({ health }) => health === 'problem');
    if (values.json === true) terminal.json({ ok: isWell, running: running !== undefined, checks });
    else for (const check of checks) show(check, terminal);
    if (values.json !== true && running === undefined) terminal.say({ zh: '服务未运行。', en: 'The services are not running.' });
    return isWell ? EXIT.ok : EXIT.found;
  },
});

/** Doors that are shut by default, where the environment opens them. */
const OPENED_PORTS = ['MQTT_TLS', 'MQTT_WS', 'MQTT_WSS', 'HJ212'].map((door) => `AIRTIGHT_INGEST_${door}_PORT`);

function portsToBe(env: { readonly [name: string]: string | undefined }): number[] {
  const opened = OPENED_PORTS.map((name) => Number(env[name] ?? -1)).filter((port) => port > 0 && port <= PORT_MAX);
  return [...Object.values(resolvePorts({}, env, undefined)), ...opened];
}

function show({ health, found, advice }: Check, terminal: Terminal): void {
  const [colour, mark] = MARKS[health];
  terminal.say(`${terminal.style(colour, mark)} ${terminal.text(found)}`);
  if (advice !== undefined) terminal.say(`  → ${terminal.text(advice)}`);
}
