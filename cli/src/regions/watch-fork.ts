/** Who finds out that a region has forked. */
import { EXIT, type ExitCode } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { waitUntil } from '../waiting.ts';
import type { Region } from './region.ts';
import { provenForks } from './region-status.ts';

const POLL_MS = 300;
/** The region is stopped, its history signed anew, and it is started again. */
const FORK_TIMEOUT_MS = 180_000;

/**
 * Lets a region fork and tells who has found it out.
 * @returns EXIT.found when one of the regions did not
 */
export async function watchFork(
  regions: readonly Region[],
  id: string,
  terminal: Terminal,
  act: () => Promise<void> | void,
  stop: AbortSignal = new AbortController().signal,
): Promise<ExitCode> {
  const forking = regions.find((region) => region.id === id) as Region;
  const known = new Set((await Promise.all(regions.map((region) => provenForks(region, forking.origin)))).flat().map((item) => item.id));
  await act();
  const found = new Set<Region>();
  const look = async (region: Region): Promise<void> => {
    const item = (await provenForks(region, forking.origin)).findLast((evidence) => !known.has(evidence.id));
    if (item === undefined || found.has(region)) return;
    found.add(region);
    const { zh, en } = region.title;
    terminal.say({
      zh: `  ${zh}：已留存证据并告警  ${region.url}/alerts/${item.alert}`,
      en: `  ${en}: evidence kept, alert raised  ${region.url}/alerts/${item.alert}`,
    });
  };
  const limit = AbortSignal.any([stop, AbortSignal.timeout(FORK_TIMEOUT_MS)]);
  const areAll = await waitUntil(
    async () => {
      await Promise.all(regions.map(look));
      return found.size === regions.length;
    },
    POLL_MS,
    limit,
  );
  if (!areAll && !stop.aborted) terminal.note({ zh: '并非三地都发现了分叉。', en: 'Not all three have found the fork.' });
  return areAll ? EXIT.ok : EXIT.found;
}
