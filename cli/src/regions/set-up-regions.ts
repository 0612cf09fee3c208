/** Keys, settings and policies of three regions that cosign each other, as their operators would exchange them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readConfigFile } from '../supervise/ports.ts';
import { joinRegions, type Membership, makeCard } from '../witnessing/join-regions.ts';
import { commonPolicy, type RegionCard, readCard } from '../witnessing/region-card.ts';
import type { Region } from './region.ts';

/** Of three witnesses. A region does not cosign its own log, so these are both others. */
const COSIGNERS = 2;

/** The policy of all three, for whoever verifies. */
export function commonPolicyFile(root: string): string {
  return join(root, 'policy');
}

/** Makes what is missing and writes addresses and policies anew: the ports may be others than last time. */
export async function setUpRegions(root: string, regions: readonly Region[]): Promise<void> {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const cards = new Map<Region, RegionCard>();
  for (const region of regions) {
    writeFileSync(region.configFile, stringify(settingsOf(region)));
    writeFileSync(cardFile(root, region), await makeCard(membershipOf(region), region.url));
    cards.set(region, readCard(cardFile(root, region)));
  }
  for (const region of regions) {
    const others = [...cards].filter(([other]) => other !== region).map(([, card]) => card);
    await joinRegions(membershipOf(region), others, []);
  }
  writeFileSync(commonPolicyFile(root), commonPolicy([...cards.values()], COSIGNERS));
}

function settingsOf({ data, url, origin, witnessName, regionName }: Region) {
  return {
    // Made-up data needs no sign-in to be looked at.
    api: { anonymousRole: 'viewer', publicUrl: url, regionName },
    ledger: { origin, witnessName, policyFile: data.policyFile },
  };
}

/** Settings of the environment are for one deployment, not for three. */
function membershipOf({ data, configFile }: Region): Membership {
  return { data, config: readConfigFile(configFile), env: {} };
}

function cardFile(root: string, { id }: Region): string {
  return join(root, `${id}.card`);
}
