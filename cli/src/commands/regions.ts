/** `airtight regions`: Beijing, Tianjin and Hebei on one machine, each a witness of the other two; one of them may fork. */
import { resolve } from 'node:path';
import { defineCommand, EnvironmentError, type ExitCode, UsageError, wholeNumber } from '../command.ts';
import { orderFork, readOwner } from '../regions/fork-order.ts';
import { PORT_STEP, REGION_IDS, type Region, regionsIn } from '../regions/region.ts';
import { runRegions } from '../regions/run-regions.ts';
import { RunningRegion } from '../regions/running-region.ts';
import { setUpRegions } from '../regions/set-up-regions.ts';
import { watchFork } from '../regions/watch-fork.ts';
import { STATIONS_MAX } from '../simulation/network.ts';
import { isPortFree } from '../supervise/ports.ts';

export const regionsCommand = defineCommand({
  name: 'regions',
  summary: {
    zh: '演示：在本机运行北京、天津、河北三地，互为见证；可令其中一地篡改账本历史',
    en: 'demonstration: Beijing, Tianjin and Hebei on this machine, witnesses of each other; one of them may fork its history',
  },
  details: {
    zh: '三个数据目录、三套服务、三份账本，各带本地区的模拟设备。--fork 令一地签出另一份历史：其余两地拒绝联署并留存证据，三地均出现最高级别告警。在运行中可另开终端执行。',
    en: 'Three data directories, three sets of services, three ledgers, each with simulated devices of its region. With --fork a region signs another history: the others refuse it and keep the evidence, and all three raise an alert of the highest severity. While they run, say it in another terminal.',
  },
  operands: '',
  options: {
    data: {
      type: 'string',
      value: 'DIR',
      default: './airtight-regions',
      doc: { zh: '三个数据目录所在目录', en: 'folder of the three data directories' },
    },
    port: {
      type: 'string',
      value: 'PORT',
      default: '8110',
      doc: { zh: '首个网页端口；其余端口随后', en: 'first port of pages; the other ports follow it' },
    },
    stations: { type: 'string', value: 'N', default: '6', doc: { zh: '每地空气站数', en: 'air stations of each region' } },
    fridges: { type: 'string', value: 'N', default: '2', doc: { zh: '每地疫苗冰箱数', en: 'vaccine fridges of each region' } },
    fork: {
      type: 'string',
      value: 'REGION',
      doc: { zh: '令此地篡改历史：beijing、tianjin 或 hebei', en: 'this one forks: beijing, tianjin or hebei' },
    },
  },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const root = resolve(values.data);
    const { fork } = values;
    if (fork !== undefined && !REGION_IDS.includes(fork)) {
      throw new UsageError({ zh: `--fork 应为 ${REGION_IDS.join('、')} 之一`, en: `--fork takes one of ${REGION_IDS.join(', ')}` });
    }
    const owner = readOwner(root);
    if (owner !== undefined && fork === undefined) {
      throw new EnvironmentError({ zh: `${root} 已由进程 ${owner.pid} 运行。`, en: `Process ${owner.pid} runs ${root} already.` });
    }
    if (owner !== undefined)
      return await watchFork(regionsIn(root, owner.firstPort), fork as string, terminal, () => orderFork(root, fork as string));
    const size = {
      stations: wholeNumber('stations', values.stations, 0, STATIONS_MAX),
      fridges: wholeNumber('fridges', values.fridges, 0, STATIONS_MAX),
    };
    const firstPort = wholeNumber('port', values.port, 1024, 65_535 - 3 * PORT_STEP);
    const regions = regionsIn(root, firstPort);
    await assertPortsFree(regions);
    await setUpRegions(root, regions);
    const crashed = (name: string) =>
      terminal.note({ zh: `${name} 意外结束，正在重启`, en: `${name} ended unexpectedly; starting it again` });
    const running = regions.map((region) => new RunningRegion(region, size, process.env, (name) => crashed(`${region.id}: ${name}`)));
    return await runRegions(root, { pid: process.pid, firstPort }, running, fork, terminal);
  },
});

async function assertPortsFree(regions: readonly Region[]): Promise<void> {
  for (const port of regions.flatMap(({ ports }) => Object.values(ports) as number[])) {
    if (await isPortFree(port)) continue;
    throw new EnvironmentError({
      zh: `端口 ${port} 已被占用，请用 --port 另选。`,
      en: `Port ${port} is taken: choose others with --port.`,
    });
  }
}
