/** Runs three regions until it is interrupted, and lets one of them fork when it is asked to. */
import { rmSync, writeFileSync } from 'node:fs';
import { EXIT, type ExitCode } from '../command.ts';
import { stopOnSignals } from '../supervise/stop-on-signals.ts';
import type { Terminal } from '../terminal.ts';
import { waitUntil } from '../waiting.ts';
import { orderFork, ownerFile, type RegionsOwner, takeForkOrder } from './fork-order.ts';
import { introduceRegions } from './introduce-regions.ts';
import type { Region } from './region.ts';
import { isFinal } from './region-status.ts';
import { rewriteHistory } from './rewrite-history.ts';
import type { RunningRegion } from './running-region.ts';
import { watchFork } from './watch-fork.ts';
import { whatToSee } from './what-to-see.ts';

const POLL_MS = 300;
/** Three deployments start at once; on a slow machine the store takes its time. */
const READY_TIMEOUT_MS = 240_000;

/** @param fork id of a region that is to fork as soon as all are cosigned */
export async function runRegions(
  root: string,
  owner: RegionsOwner,
  running: readonly RunningRegion[],
  fork: string | undefined,
  terminal: Terminal,
): Promise<ExitCode> {
  const stop = new AbortController();
  stopOnSignals(stop, () => killAll(running), terminal);
  writeFileSync(ownerFile(root), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  const regions = running.map(({ region }) => region);
  try {
    for (const region of running) region.start();
    const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
    const [areFinal] = await Promise.all([untilFinal(regions, limit, stop.signal, terminal), introduceRegions(regions, limit)]);
    if (!areFinal) return stop.signal.aborted ? EXIT.ok : EXIT.environment;
    terminal.say(whatToSee(root, regions, terminal));
    if (fork !== undefined) orderFork(root, fork);
    while (!stop.signal.aborted) await serveForkOrder(root, running, stop.signal, terminal);
    return EXIT.ok;
  } finally {
    await Promise.all(running.map((region) => region.stop()));
    rmSync(ownerFile(root), { force: true });
    terminal.note({ zh: '已停止。', en: 'Stopped.' });
  }
}

/** Waits until everything is ready and each ledger has been cosigned by the other two. */
async function untilFinal(regions: readonly Region[], limit: AbortSignal, stop: AbortSignal, terminal: Terminal): Promise<boolean> {
  const done = new Set<Region>();
  const areFinal = await waitUntil(
    async () => {
      await Promise.all(regions.map(async (region) => !done.has(region) && (await isFinal(region)) && done.add(region)));
      const marks = regions.map((region) => `${done.has(region) ? '✓' : '…'} ${region.id}`).join('  ');
      terminal.progress({ zh: `正在启动并等待相互联署  ${marks}`, en: `starting, waiting for cosignatures  ${marks}` });
      return done.size === regions.length;
    },
    POLL_MS,
    limit,
  );
  terminal.clearProgress();
  if (!areFinal && !stop.aborted)
    terminal.note({
      zh: '三地未能就绪，见各数据目录的 logs/',
      en: 'The regions did not become ready: see logs/ in their data directories',
    });
  return areFinal;
}

/** Waits for the next order and carries it out. */
async function serveForkOrder(root: string, running: readonly RunningRegion[], stop: AbortSignal, terminal: Terminal): Promise<void> {
  let id: string | undefined;
  await waitUntil(
    () => {
      id = takeForkOrder(root);
      return id !== undefined;
    },
    POLL_MS,
    stop,
  );
  const forking = running.find(({ region }) => region.id === id);
  if (forking === undefined || stop.aborted) return;
  await watchFork(
    running.map(({ region }) => region),
    forking.region.id,
    terminal,
    () => letFork(forking, terminal),
    stop,
  );
}

async function letFork(forking: RunningRegion, terminal: Terminal): Promise<void> {
  await forking.stop();
  try {
    const { index, first, last, size } = await rewriteHistory(forking.region);
    terminal.say({
      zh: `${forking.region.title.zh}签出了另一份历史：共 ${size} 条，其中第 ${index} 条（记录 #${first} 至 #${last} 的批次）已换。`,
      en: `${forking.region.title.en} has signed another history: of ${size} entries, entry ${index} (the batch of records #${first} to #${last}) is another one.`,
    });
  } finally {
    forking.start();
  }
}

function killAll(running: readonly RunningRegion[]): void {
  for (const region of running) region.kill();
}
