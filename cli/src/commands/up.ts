/** `airtight up`: everything on one machine, under one supervisor. */
import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode } from '../command.ts';
import { createDataDirectory, type DataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Running, readRunning } from '../endpoints.ts';
import { type NewAccount, writeFirstRecords } from '../first-start/first-records.ts';
import { createLedgerIdentity } from '../first-start/ledger-key.ts';
import { createServerCertificate, serverHosts } from '../first-start/server-certificate.ts';
import { IngestClient } from '../ingest-client.ts';
import { assertPortsFree, readConfigFile, resolvePorts } from '../supervise/ports.ts';
import { Readiness, type ServiceName } from '../supervise/readiness.ts';
import type { Crash } from '../supervise/service-process.ts';
import { type Deployment, serviceSpecs } from '../supervise/services.ts';
import { stopOnSignals } from '../supervise/stop-on-signals.ts';
import { Supervisor } from '../supervise/supervisor.ts';
import type { Terminal } from '../terminal.ts';
import { waitUntil } from '../waiting.ts';
import { accountLines, welcome } from '../welcome.ts';

const SERVICES: readonly ServiceName[] = ['ledger', 'ingest', 'api'];
const RETRY_MS = 250;
const IDLE_MS = 60_000;
/** chDB and a journal of many segments take their time on a slow machine; beyond this something is wrong. */
const READY_TIMEOUT_MS = 120_000;
/** A service that was never ready and crashed so often will not start by itself: its reason is shown instead. */
const START_CRASHES_MAX = 4;

export const upCommand = defineCommand({
  name: 'up',
  summary: {
    zh: '在本机启动全部服务（首次启动时创建数据目录、密钥与管理员账户）',
    en: 'start everything on this machine; the first start creates data directory, keys and administrator',
  },
  details: {
    zh: 'ingest、ledger、api 各为独立进程；崩溃的会自动重启。Ctrl-C 有序停止全部，再按一次立即结束。',
    en: 'ingest, ledger and api run as processes of their own; one that crashes is started again. Ctrl-C stops all in order, a second one at once.',
  },
  operands: '',
  options: {
    simulate: {
      type: 'boolean',
      doc: { zh: '同时运行模拟网络（无需登录即可查看）', en: 'run the simulated network too (nobody needs to sign in to look)' },
    },
    data: DATA_OPTION,
    port: { type: 'string', value: 'PORT', doc: { zh: '网页与 API 端口（默认 8080）', en: 'port of pages and API (default: 8080)' } },
    'mqtt-port': { type: 'string', value: 'PORT', doc: { zh: 'MQTT 端口（默认 1883）', en: 'MQTT port (default: 1883)' } },
    tls: {
      type: 'boolean',
      doc: {
        zh: '同时监听 MQTT over TLS：用本部署的 CA 签发本机服务器证书，并接受该 CA 签发的设备证书',
        en: 'MQTT over TLS too: a server certificate for this machine by our own CA, whose device certificates are taken',
      },
    },
    'mqtt-tls-port': { type: 'string', value: 'PORT', doc: { zh: '--tls 的端口（默认 8883）', en: 'port of --tls (default: 8883)' } },
    'ingest-port': {
      type: 'string',
      value: 'PORT',
      doc: { zh: 'ingest 内部端口（默认 7071）', en: 'internal port of ingest (default: 7071)' },
    },
    'ledger-port': {
      type: 'string',
      value: 'PORT',
      doc: { zh: 'ledger 内部端口（默认 7072）', en: 'internal port of the ledger (default: 7072)' },
    },
    config: {
      type: 'string',
      value: 'FILE',
      doc: { zh: '配置文件（YAML，按服务分节）', en: 'configuration file (YAML, a section per service)' },
    },
  },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const asked = {
      ...{ http: values.port, mqtt: values['mqtt-port'], mqttTls: values['mqtt-tls-port'] },
      ...{ ingest: values['ingest-port'], ledger: values['ledger-port'] },
    };
    const wantsTls = values.tls === true;
    const configFile = values.config === undefined ? undefined : resolve(values.config);
    const config = readConfigFile(configFile);
    const ports = resolvePorts(asked, process.env, config, wantsTls);
    const data = dataDirectory(values.data);
    assertNotRunning(data);
    await assertPortsFree(ports);
    createDataDirectory(data);
    await createLedgerIdentity(data, config?.['ledger'], process.env);
    // Who has a certificate names it in the settings: then none is made.
    const hasOwn = process.env['AIRTIGHT_INGEST_TLS_CERT_FILE'] !== undefined || config?.['ingest']?.['tlsCertFile'] !== undefined;
    const tls = wantsTls && !hasOwn ? await createServerCertificate(data, serverHosts(), Date.now()) : undefined;
    return await supervise({ data, ports, configFile, simulate: values.simulate === true, tls }, terminal);
  },
});

function assertNotRunning(data: DataDirectory): void {
  const running = readRunning(data);
  if (running === undefined) return;
  throw new EnvironmentError({
    zh: `数据目录 ${data.root} 已由进程 ${running.pid} 使用（http://${LOOPBACK}:${running.ports.http}/）。`,
    en: `The data directory ${data.root} is in use by process ${running.pid} (http://${LOOPBACK}:${running.ports.http}/).`,
  });
}

async function supervise(deployment: Deployment, terminal: Terminal): Promise<ExitCode> {
  const { data, ports } = deployment;
  const begunAt = performance.now();
  const stop = new AbortController();
  let isReady = false;
  let exitCode: ExitCode = EXIT.ok;
  const supervisor = new Supervisor(serviceSpecs(deployment, process.env), (name, crash) => {
    reportCrash(name, crash, data, terminal);
    if (isReady || crash.inARow < START_CRASHES_MAX) return;
    exitCode = EXIT.environment;
    stop.abort();
  });
  stopOnSignals(stop, () => supervisor.kill(), terminal);
  const running: Running = { pid: process.pid, startedAt: Date.now(), ports };
  writeFileSync(data.runningFile, `${JSON.stringify(running)}\n`, { mode: 0o600 });
  supervisor.start();
  try {
    const started = await startUp(deployment, terminal, stop.signal);
    isReady = started.isReady;
    if (isReady) {
      terminal.say(welcome({ deployment, account: started.account, tookMs: performance.now() - begunAt }, terminal));
      await waitUntil(() => false, IDLE_MS, stop.signal);
    } else {
      // The account is on record already, and nobody keeps its password.
      if (started.account !== undefined) terminal.say(accountLines(started.account, terminal));
      if (!stop.signal.aborted) exitCode = EXIT.environment;
      terminal.note({ zh: `服务未能就绪，日志见 ${data.logs}`, en: `The services did not become ready; see the logs in ${data.logs}` });
    }
  } finally {
    const ended = await supervisor.stop();
    rmSync(data.runningFile, { force: true });
    if (ended.length > 0)
      terminal.note({
        zh: `未能按时停止，已强制结束：${ended.join('、')}`,
        en: `Did not stop in time and were ended: ${ended.join(', ')}`,
      });
    terminal.note({ zh: '已停止。', en: 'Stopped.' });
  }
  return exitCode;
}

function reportCrash(name: string, crash: Crash, data: DataDirectory, terminal: Terminal): void {
  const how = crash.signal ?? `exit ${crash.code}`;
  const why = crash.lastError === undefined ? '' : `: ${crash.lastError}`;
  terminal.note({
    zh: `${name} 意外结束（${how}）${why}；${crash.restartInMs} 毫秒后重启。日志：${data.logs}/${name}.log`,
    en: `${name} ended unexpectedly (${how})${why}; starting it again in ${crash.restartInMs} ms. Log: ${data.logs}/${name}.log`,
  });
}

/** Waits until all services are ready; on the first start writes the first records as soon as ingest takes them. */
async function startUp(
  { data, ports }: Deployment,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<{ readonly isReady: boolean; readonly account: NewAccount | undefined }> {
  const limit = AbortSignal.any([stop, AbortSignal.timeout(READY_TIMEOUT_MS)]);
  const readiness = new Readiness(ports, (ready) => {
    const marks = SERVICES.map((name) => `${ready.has(name) ? '✓' : '…'} ${name}`).join('  ');
    terminal.progress({ zh: `正在启动  ${marks}`, en: `starting  ${marks}` });
  });
  const ingest = new IngestClient(`http://${LOOPBACK}:${ports.ingest}`, readInternalToken(data));
  let account: NewAccount | undefined;
  const writeOnce = async (): Promise<boolean> => {
    try {
      account = await writeFirstRecords(ingest, data);
      return true;
    } catch (error) {
      // ingest went away in between: it is started again, and so is this.
      if (error instanceof EnvironmentError) return false;
      throw error;
    }
  };
  const ingestReady = async () => (await readiness.waitFor('ingest', limit)) && (await waitUntil(writeOnce, RETRY_MS, limit));
  const isUp = await Promise.all([ingestReady(), readiness.waitFor('ledger', limit), readiness.waitFor('api', limit)]);
  terminal.clearProgress();
  return { isReady: isUp.every(Boolean), account };
}
