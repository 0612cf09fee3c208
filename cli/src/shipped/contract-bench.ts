/** The shipped contracts at work for tests: in force over the datasets as they are shipped. */
import { readdirSync, readFileSync } from 'node:fs';
import { contractVersion, Engine, type EngineEvent } from '@airtight/contracts-engine';
import {
  type AlertEffect,
  checkDatasetDefinition,
  type DatasetDefinition,
  type DeviceRecord,
  type Result,
  toObservations,
} from '@airtight/protocol';
import { parse } from 'yaml';
import { defaultDatasets } from '../first-start/default-records.ts';

const CONTRACTS = new URL('../contracts/', import.meta.resolve('@airtight/contracts-engine'));
const TEMPLATES = new URL('../../defaults/templates/', import.meta.url);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** 2026-11-01T00:00:00Z: where the tests' time begins unless they say otherwise. */
const START = Date.UTC(2026, 10, 1);

/** Names of all shipped contracts. */
export function shippedContracts(): readonly string[] {
  return readdirSync(CONTRACTS)
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

export function shippedText(contract: string): string {
  return readFileSync(new URL(`${contract}.yaml`, CONTRACTS), 'utf8');
}

/** The datasets of a new deployment, and those that are shipped as templates. */
export function shippedDatasets(): ReadonlyMap<string, DatasetDefinition> {
  const templates = readdirSync(TEMPLATES).map((file) => checkDatasetDefinition(parse(readFileSync(new URL(file, TEMPLATES), 'utf8'))));
  const all = [...defaultDatasets(), ...templates.flatMap((checked) => (checked.ok ? [checked.value] : []))];
  return new Map(all.map((definition) => [definition.dataset, definition]));
}

const AGENCY = 'bj-eco';

type Values = { readonly [property: string]: Result };

/** One shipped contract in an engine, told by small series. Times count in steps from a start. */
export class ContractBench {
  readonly engine = new Engine();
  readonly #datasets = shippedDatasets();
  readonly #stepMs: number;
  readonly #start: number;
  readonly #caused: AlertEffect[] = [];
  #position = 0;

  /** @param beside shipped contracts that are in force with it */
  constructor(contract: string, stepMs: number, { text = shippedText(contract), start = START, beside = [] as readonly string[] } = {}) {
    this.#stepMs = stepMs;
    this.#start = start;
    for (const definition of this.#datasets.values()) this.#apply((position) => ({ kind: 'dataset', position, definition }));
    this.#enact(contract, text);
    for (const other of beside) this.#enact(other, shippedText(other));
  }

  #enact(contract: string, text: string): void {
    const version = contractVersion(text) as string;
    const record = { type: 'contract', contract, version, text, author: 'author', approver: 'approver' } as const;
    this.#apply((position) => ({ kind: 'contract', position, record }));
    if (this.engine.status().refused > 0) throw new Error(`contract ${contract} is faulty`);
  }

  /** A registered device. */
  device(producer: string, place: Required<Pick<DeviceRecord, 'region' | 'location'>>, dataset = 'air'): this {
    const who = { type: 'device', agency: AGENCY, producer, name: { zh: producer, en: producer }, kind: 'air-station' } as const;
    const record: DeviceRecord = { ...who, datasets: [dataset], subscribe: [], credentials: [], simulated: true, revoked: false, ...place };
    return this.#apply((position) => ({ kind: 'device', position, record }));
  }

  /** @param receivedStep when it was received: at its own time unless given @param mark the producer's own mark of quality */
  read(dataset: string, producer: string, step: number, values: Values, receivedStep = step, mark?: string): this {
    const definition = this.#datasets.get(dataset) as DatasetDefinition;
    const receivedAt = this.#start + receivedStep * this.#stepMs;
    const header = { v: 1, agency: AGENCY, dataset, producer, receivedAt, door: 'mqtt', contentType: 'application/json' } as const;
    const measurements = Object.entries(values).map(([property, result]) => ({
      property,
      result,
      ...(mark === undefined ? {} : { quality: mark }),
    }));
    const readings = [{ time: this.#start + step * this.#stepMs, measurements }];
    return this.#apply((position) => ({
      kind: 'observations',
      position,
      observations: toObservations(header, position, readings, definition),
    }));
  }

  /** One property at every step from the first on. */
  series(dataset: string, producer: string, property: string, results: readonly Result[], from = 0): this {
    for (const [i, result] of results.entries()) this.read(dataset, producer, from + i, { [property]: result });
    return this;
  }

  tick(step: number): this {
    return this.#apply((position) => ({ kind: 'tick', position, at: this.#start + step * this.#stepMs }));
  }

  #apply(event: (position: number) => EngineEvent): this {
    this.#caused.push(...this.engine.apply(event(this.#position++)));
    return this;
  }

  /** What was caused: `rule raise severe 0 @40` = raised at step 40, since step 0; ` suppressed`: something else explains it. */
  get told(): readonly string[] {
    const step = (at: number): number => (at - this.#start) / this.#stepMs;
    const rules = new Map(this.#caused.flatMap((effect) => (effect.type === 'raise' ? [[effect.alert, effect.rule]] : [])));
    return this.#caused.map((effect) => {
      const { type, at } = effect;
      const rule = rules.get(effect.alert);
      if (type === 'raise') {
        const aside = effect.suppressedBy === undefined ? '' : ' suppressed';
        return `${rule} raise ${effect.severity} ${step(effect.since)} @${step(at)}${aside}`;
      }
      return type === 'update' && effect.severity !== undefined
        ? `${rule} ${effect.severity} @${step(at)}`
        : `${rule} ${type} @${step(at)}`;
    });
  }

  /** English messages of raises and updates, in order. */
  get messages(): readonly string[] {
    return this.#caused.flatMap((effect) => ('message' in effect && effect.message !== undefined ? [effect.message.en] : []));
  }
}
