/** The regions that alerts are exchanged with, as the operator's file names them. It is read anew when it has changed. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { AirtightError, type Bilingual } from '@airtight/protocol';
import { ED25519, type Policy, parsePolicy, parseVkey, type Vkey } from '@airtight/tlog';
import type { Logger } from 'pino';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';

/** Provinces, and some more. */
const REGIONS_MAX = 100;
/** How often the file is looked at. */
const LOOK_EVERY_MS = 1000;
const closed = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 200 });
const RegionsFile = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
  Type.Object({ title: Type.Object({ zh: Text, en: Text }, closed), url: Text, vkey: Text, policy: Type.String() }, closed),
  { maxProperties: REGIONS_MAX, additionalProperties: false },
);

export interface KnownRegion {
  /** What it is called here. */
  readonly name: string;
  readonly title: Bilingual;
  /** Of its one public port, without a slash at its end. */
  readonly url: string;
  readonly vkey: Vkey;
  /** By which the proofs of its ledger are judged. */
  readonly policy: Policy;
}

export class KnownRegions {
  readonly #path: string;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #now: () => number;
  #regions: ReadonlyMap<string, KnownRegion>;
  #changed: string;
  #lookedAt: number;

  /** @param path need not be there @throws AirtightError CONFIG_INVALID */
  constructor(path: string, logger: Pick<Logger, 'warn'>, now: () => number = Date.now) {
    this.#path = path;
    this.#logger = logger;
    this.#now = now;
    this.#lookedAt = now();
    this.#changed = changeOf(path);
    this.#regions = readRegions(path);
  }

  /** By name. A file that became wrong changes nothing, and the log says so. */
  all(): ReadonlyMap<string, KnownRegion> {
    const now = this.#now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return this.#regions;
    this.#lookedAt = now;
    const changed = changeOf(this.#path);
    if (changed === this.#changed) return this.#regions;
    this.#changed = changed;
    try {
      this.#regions = readRegions(this.#path);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the file of regions is wrong; what was read before stays in force');
    }
    return this.#regions;
  }
}

/** @throws AirtightError CONFIG_INVALID */
export function readRegions(path: string): ReadonlyMap<string, KnownRegion> {
  if (!existsSync(path)) return new Map();
  const wrong = (detail: string) => new AirtightError('CONFIG_INVALID', `${path}: ${detail}`);
  let file: unknown;
  try {
    file = parse(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  if (!Value.Check(RegionsFile, file)) {
    const [error] = Value.Errors(RegionsFile, file);
    throw wrong(`${error?.instancePath ?? ''} ${error?.message ?? ''}`);
  }
  const regions = Object.entries(file as Static<typeof RegionsFile>).map(([name, { title, url, vkey, policy }]): KnownRegion => {
    const key = parseVkey(vkey);
    if (!key.ok) throw wrong(`${name}: ${key.detail}`);
    if (key.value.type !== ED25519) throw wrong(`${name}: not an Ed25519 key`);
    const trust = parsePolicy(policy);
    if (!trust.ok) throw wrong(`${name}: policy: ${trust.detail}`);
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw wrong(`${name}: url is an address with https://`);
    return { name, title, url: url.replace(/\/+$/, ''), vkey: key.value, policy: trust.value };
  });
  const names = new Set(regions.map(({ vkey }) => vkey.name));
  if (names.size < regions.length) throw wrong('two regions with keys of one name');
  return new Map(regions.map((region) => [region.name, region]));
}

/** With the size: of a file that is being written, two states can have one time. */
function changeOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeMs} ${stat.size}`;
}
