/** What the routes work on. */
import type { BatchStore } from '../batch/batch-store.ts';
import type { Erasure } from '../confidential/erasure.ts';
import type { SaltKeys } from '../confidential/salt-keys.ts';
import type { FileDoor } from '../doors/file-door.ts';
import type { HttpDoor } from '../doors/http-door.ts';
import type { MqttBroker } from '../doors/mqtt-broker.ts';
import type { Identity } from '../identity/identity.ts';
import type { Intake } from '../intake.ts';
import type { InternalDoor } from '../internal-door.ts';
import type { CommitSignal } from '../journal/commit-signal.ts';
import type { Journal } from '../journal/journal.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { StorageHealth } from '../storage/storage-health.ts';

export interface IngestParts extends Identity {
  readonly stream: string;
  readonly journal: Journal;
  readonly batches: BatchStore;
  readonly quarantine: Quarantine;
  readonly intake: Intake;
  readonly door: InternalDoor;
  readonly salts: SaltKeys;
  readonly erasure: Erasure;
  readonly httpDoor: HttpDoor;
  readonly fileDoor: FileDoor;
  readonly broker: MqttBroker;
  readonly metrics: IngestMetrics;
  readonly commits: CommitSignal;
  /** Why nothing is taken, if so. */
  readonly storage: StorageHealth;
}
