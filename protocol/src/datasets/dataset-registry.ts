/**
 * Datasets as their `sys.datasets` records define them. A reading is always judged by the definition that stood before
 * it in the journal, so every version is kept with its position: decoding an old record again gives the same flags.
 */
import type { DatasetDefinition } from '../control.ts';

export interface DatasetVersion {
  readonly position: number;
  readonly definition: DatasetDefinition;
}

export class DatasetRegistry {
  readonly #versions = new Map<string, DatasetVersion[]>();

  /** Takes a version. One that is known already (the same or an earlier position) changes nothing. */
  define(position: number, definition: DatasetDefinition): void {
    const versions = this.#versions.get(definition.dataset);
    if (versions === undefined) this.#versions.set(definition.dataset, [{ position, definition }]);
    else if ((versions.at(-1) as DatasetVersion).position < position) versions.push({ position, definition });
  }

  /** The definition in force for a record at `position`. */
  at(dataset: string, position: number): DatasetDefinition | undefined {
    return this.versionAt(dataset, position)?.definition;
  }

  /** The same with the position of its own record. */
  versionAt(dataset: string, position: number): DatasetVersion | undefined {
    const versions = this.#versions.get(dataset);
    if (versions === undefined) return undefined;
    for (let i = versions.length - 1; i >= 0; i--) {
      const version = versions[i] as DatasetVersion;
      if (version.position < position) return version;
    }
    return undefined;
  }

  /** The newest definition. */
  current(dataset: string): DatasetDefinition | undefined {
    return this.#versions.get(dataset)?.at(-1)?.definition;
  }

  /** Names of the confidential datasets. */
  confidential(): string[] {
    return this.all().flatMap(({ dataset, confidential }) => (confidential === true ? [dataset] : []));
  }

  /** Newest versions by name: enough to judge whatever comes from now on. */
  newest(): DatasetVersion[] {
    return [...this.#versions.values()].map((versions) => versions.at(-1) as DatasetVersion);
  }

  /** Newest definitions by name. */
  all(): DatasetDefinition[] {
    const names = [...this.#versions.keys()].sort();
    return names.map((name) => this.current(name) as DatasetDefinition);
  }
}
