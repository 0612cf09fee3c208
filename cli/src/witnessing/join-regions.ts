/** Makes a deployment known to other regions, and other regions known to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatVkey } from '@airtight/tlog';
import { EnvironmentError } from '../command.ts';
import { createDataDirectory, type DataDirectory } from '../data-directory.ts';
import { createLedgerIdentity } from '../first-start/ledger-key.ts';
import type { ConfigFile } from '../supervise/ports.ts';
import type { Environment } from '../supervise/services.ts';
import { formatCard, policyOf, type RegionCard, witnessLogsOf } from './region-card.ts';

export interface Membership {
  readonly data: DataDirectory;
  readonly config: ConfigFile | undefined;
  readonly env: Environment;
}

/**
 * Creates what is missing of the keys of ledger and witness.
 * @param name what the others call this witness; undefined: the last part of its name
 * @returns the card to be handed to the others
 * @throws EnvironmentError when the settings name no witness
 */
export async function makeCard({ data, config, env }: Membership, url: string, name?: string): Promise<string> {
  const settings = await ledgerSettings({ data, config, env });
  createDataDirectory(data);
  await createLedgerIdentity(data, config?.['ledger'], env);
  const [logVkey, witnessVkey] = [data.ledgerVkeyFile, data.witnessVkeyFile].map((file) => readFileSync(file, 'utf8').trim());
  const own = { name: name ?? settings.witnessName.slice(settings.witnessName.lastIndexOf('/') + 1), logVkey, witnessVkey };
  return formatCard(own as Parameters<typeof formatCard>[0], url);
}

/**
 * Writes whom this ledger cosigns for, and who cosigns for it. Takes effect when the ledger starts.
 * @returns the files
 * @throws EnvironmentError when a card is the own one, or has no log and witness of a region, or no witness of an outsider
 */
export async function joinRegions(
  membership: Membership,
  regions: readonly RegionCard[],
  outsiders: readonly RegionCard[],
): Promise<{ readonly witnessLogsFile: string; readonly policyFile: string; readonly isPolicySet: boolean }> {
  const { data } = membership;
  const { witnessLogsFile, policyFile } = await ledgerSettings(membership);
  const own = readFileSync(data.ledgerVkeyFile, 'utf8').trim();
  const isOwn = [...regions, ...outsiders].some(({ logs }) => logs.some(({ vkey }) => formatVkey(vkey) === own));
  if (isOwn) throw new EnvironmentError({ zh: '其中一张是本地区自己的名片。', en: 'One of the cards is that of this region itself.' });
  if (
    regions.some(({ logs, witnesses }) => logs.length === 0 || witnesses.length === 0) ||
    outsiders.some(({ witnesses }) => witnesses.length === 0)
  ) {
    throw new EnvironmentError({
      zh: '地区名片须含 log 与 witness 两行，外部见证方名片须含 witness 一行。',
      en: 'The card of a region has a log and a witness line, that of an outsider a witness line.',
    });
  }
  const policy = policyOf([own], regions, outsiders);
  const place = policyFile === '' ? data.policyFile : policyFile;
  writeFileSync(witnessLogsFile, witnessLogsOf([...regions, ...outsiders]), { flush: true });
  writeFileSync(place, policy, { flush: true });
  return { witnessLogsFile, policyFile: place, isPolicySet: policyFile !== '' };
}

async function ledgerSettings({ data, config, env }: Membership) {
  const { resolveLedgerConfig } = await import('@airtight/ledger');
  const settings = resolveLedgerConfig(config?.['ledger'], { ...env, AIRTIGHT_DATA: data.root });
  if (settings.witnessName !== '') return settings;
  throw new EnvironmentError({
    zh: '设置中没有见证方名称：请在配置文件 ledger 一节写入 origin 与 witnessName（见 docs/reference/witness.md）。',
    en: 'The settings name no witness: write origin and witnessName into section "ledger" of the configuration file (docs/reference/witness.md).',
  });
}
