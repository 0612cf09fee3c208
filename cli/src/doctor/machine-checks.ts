/** The machine: Node, memory, disk space, what a durable write costs, the clock, permissions, certificates, ports. */
import { X509Certificate } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { decodeBatchRecord } from '@airtight/protocol';
import type { DataDirectory } from '../data-directory.ts';
import { journalFrames, segmentsIn } from '../journal/journal-walk.ts';
import { isPortFree } from '../supervise/ports.ts';
import { type Check, healthy, unwell } from './check.ts';

const NODE_MAJOR_MIN = 26;
const GIB = 1024 ** 3;
/** ingest, ledger and api together stay below 1.5 GB under full load. */
const MEMORY_MIN_BYTES = 3 * GIB;
const DISK_WARNING_BYTES = 10 * GIB;
const DISK_PROBLEM_BYTES = GIB;
const FSYNC_ROUNDS = 30;
const FSYNC_WRITE_BYTES = 4096;
/** A good disk takes below 2 ms; at 20 ms a device still has its answer at once, at 200 it feels broken. */
const FSYNC_WARNING_MS = 20;
const FSYNC_PROBLEM_MS = 200;
/** Before this the clock was never set: 2026-01-01. */
const CLOCK_MIN_MS = Date.UTC(2026, 0, 1);
/** Time enough for a person to renew one. */
const CERTIFICATE_WARNING_MS = 14 * 86_400_000;
/** A journal may be some seconds ahead after a clock was corrected. */
const CLOCK_BACK_MAX_MS = 5000;

export function checkNode(version: string = process.versions.node): Check {
  if (Number.parseInt(version, 10) >= NODE_MAJOR_MIN) return healthy('node', { zh: `Node ${version}`, en: `Node ${version}` });
  return unwell(
    'node',
    'problem',
    { zh: `Node ${version} 太旧`, en: `Node ${version} is too old` },
    { zh: '请用 pnpm airtight … 运行，它自带 Node 26。', en: 'Run it as "pnpm airtight …", which brings Node 26.' },
  );
}

export function checkMemory(bytes: number = totalmem()): Check {
  const text = `${(bytes / GIB).toFixed(1)} GiB`;
  if (bytes >= MEMORY_MIN_BYTES) return healthy('memory', { zh: `内存 ${text}`, en: `memory ${text}` });
  const advice = { zh: '建议至少 4 GiB，否则历史查询可能失败。', en: 'At least 4 GiB are advisable; queries over history may fail.' };
  return unwell('memory', 'warning', { zh: `内存仅 ${text}`, en: `only ${text} of memory` }, advice);
}

export function checkDisk(data: DataDirectory): Check {
  const { bavail, bsize } = statfsSync(existingFolder(data.root));
  return diskCheck(bavail * bsize);
}

export function diskCheck(freeBytes: number): Check {
  const text = `${(freeBytes / GIB).toFixed(1)} GiB`;
  if (freeBytes >= DISK_WARNING_BYTES) return healthy('disk', { zh: `磁盘剩余 ${text}`, en: `${text} of disk are free` });
  const advice = {
    zh: '磁盘写满后 ingest 将停止确认（已确认的不会丢）。请扩容或迁移数据目录。',
    en: 'On a full disk ingest stops acknowledging (nothing acknowledged is lost). Add space or move the data directory.',
  };
  const health = freeBytes < DISK_PROBLEM_BYTES ? 'problem' : 'warning';
  return unwell('disk', health, { zh: `磁盘仅剩 ${text}`, en: `only ${text} of disk are free` }, advice);
}

/** What every acknowledgement waits for, measured where the journal lies. */
export function checkFsync(data: DataDirectory): Check {
  const file = join(existingFolder(data.root), `.airtight-doctor-${process.pid}`);
  const fd = openSync(file, 'wx', 0o600);
  const block = Buffer.alloc(FSYNC_WRITE_BYTES, 1);
  const timesMs: number[] = [];
  try {
    for (let round = 0; round < FSYNC_ROUNDS; round++) {
      const begun = performance.now();
      writeSync(fd, block);
      fdatasyncSync(fd);
      timesMs.push(performance.now() - begun);
    }
  } finally {
    closeSync(fd);
    rmSync(file, { force: true });
  }
  timesMs.sort((a, b) => a - b);
  return fsyncCheck(timesMs[Math.floor(FSYNC_ROUNDS / 2)] ?? 0, timesMs.at(-1) ?? 0);
}

export function fsyncCheck(medianMs: number, worstMs: number): Check {
  const figures = `${medianMs.toFixed(2)} ms / ${worstMs.toFixed(2)} ms`;
  const found = { zh: `落盘（fdatasync）中位 / 最长 ${figures}`, en: `durable write (fdatasync), median / worst ${figures}` };
  if (medianMs < FSYNC_WARNING_MS) return healthy('fsync', found);
  const advice = {
    zh: '每次确认都要等它。请把数据目录放到本地 SSD，不要放在网络盘上。',
    en: 'Every acknowledgement waits for it. Put the data directory on a local SSD, not on a network drive.',
  };
  return unwell('fsync', medianMs < FSYNC_PROBLEM_MS ? 'warning' : 'problem', found, advice);
}

/** The clock against reason, and against the last batch: time on record does not run backwards. */
export function checkClock(data: DataDirectory, now: number): Check {
  const advice = { zh: '请启用 NTP 对时（如 timedatectl set-ntp true）。', en: 'Turn on NTP, e.g. timedatectl set-ntp true.' };
  const text = new Date(now).toISOString();
  if (now < CLOCK_MIN_MS) return unwell('clock', 'problem', { zh: `系统时间 ${text} 显然不对`, en: `the clock says ${text}` }, advice);
  const lastAt = lastSealedAt(data);
  if (lastAt !== undefined && now < lastAt - CLOCK_BACK_MAX_MS) {
    const then = new Date(lastAt).toISOString();
    const found = { zh: `系统时间 ${text} 早于最后一批记录 ${then}`, en: `the clock says ${text}, the last batch was received at ${then}` };
    return unwell('clock', 'problem', found, advice);
  }
  return healthy('clock', { zh: `系统时间 ${text}`, en: `the clock says ${text}` });
}

/** When the last record of the newest batch was received; looks at the last segment alone. */
function lastSealedAt(data: DataDirectory): number | undefined {
  const dir = join(data.journal, 'batches');
  let body: Uint8Array | undefined;
  for (const frame of journalFrames(dir, segmentsIn(dir).at(-1))) body = frame.body;
  const batch = body === undefined ? undefined : decodeBatchRecord(body.subarray(1));
  return batch?.ok === true ? batch.value.lastAt : undefined;
}

export function checkPermissions(data: DataDirectory): Check {
  if (!existsSync(data.keys)) {
    const found = { zh: `${data.root} 尚未创建`, en: `${data.root} is not there yet` };
    return healthy('permissions', found);
  }
  const open = [data.keys, ...readdirSync(data.keys).map((name) => join(data.keys, name))].filter(isReadByOthers);
  // What may be handed to anyone.
  const shareable: readonly string[] = [
    data.policyFile,
    data.tsaRootsFile,
    data.ledgerVkeyFile,
    data.witnessVkeyFile,
    data.witnessLogsFile,
  ];
  const exposed = open.filter((path) => !shareable.includes(path) && !path.endsWith('.crt'));
  if (exposed.length === 0) return healthy('permissions', { zh: '密钥只有本用户可读', en: 'the keys are readable by this user alone' });
  return unwell(
    'permissions',
    'problem',
    { zh: `他人可读：${exposed.join('、')}`, en: `others can read ${exposed.join(', ')}` },
    { zh: `chmod 700 ${data.keys} && chmod 600 ${data.keys}/*`, en: `chmod 700 ${data.keys} && chmod 600 ${data.keys}/*` },
  );
}

/** Ends of the certificates that devices meet. @param files PEM; one that is not there is passed over */
export function checkCertificates(files: readonly string[], now: number): Check {
  const ends = files.filter(existsSync).map((path) => ({ path, end: new X509Certificate(readFileSync(path)).validToDate.getTime() }));
  const first = ends.toSorted((a, b) => a.end - b.end)[0];
  if (first === undefined) return healthy('certificates', { zh: '未使用 TLS 证书', en: 'no TLS certificate is in use' });
  const day = new Date(first.end).toISOString().slice(0, 10);
  const found = { zh: `证书 ${first.path} 有效至 ${day}`, en: `the certificate ${first.path} is valid until ${day}` };
  if (first.end - now > CERTIFICATE_WARNING_MS) return healthy('certificates', found);
  return unwell('certificates', first.end > now ? 'warning' : 'problem', found, {
    zh: '请换发；由 airtight up --tls 签发的会在下次启动时换新。',
    en: 'Renew it; one that airtight up --tls has made is replaced at the next start.',
  });
}

function isReadByOthers(path: string): boolean {
  return (statSync(path).mode & 0o077) !== 0;
}

/** Before a start: nobody else may hold the ports. */
export async function checkPorts(ports: readonly number[]): Promise<Check> {
  const taken: number[] = [];
  for (const port of ports) if (!(await isPortFree(port))) taken.push(port);
  if (taken.length === 0) {
    const all = ports.join(', ');
    return healthy('ports', { zh: `端口 ${all} 空闲`, en: `ports ${all} are free` });
  }
  return unwell(
    'ports',
    'problem',
    { zh: `端口 ${taken.join('、')} 已被占用`, en: `ports ${taken.join(', ')} are taken` },
    {
      zh: '请停止占用它们的程序，或给 airtight up 另选端口（--port、--mqtt-port 等）。',
      en: 'Stop what holds them, or give airtight up others (--port, --mqtt-port …).',
    },
  );
}

/** The data directory, or where it would be made. */
function existingFolder(path: string): string {
  return existsSync(path) ? path : existingFolder(dirname(path));
}
