/** What the engine is told, in order of journal position. Nothing else reaches it: no clock, no store, no network. */
import type {
  AlertTransition,
  ContractRecord,
  ContractWithdrawal,
  DatasetDefinition,
  DeviceRecord,
  ErasureRecord,
  FlagRecord,
  Observation,
} from '@airtight/protocol';

export type EngineEvent =
  /** All observations of one record, in payload order: one agency, one dataset, one producer. */
  | { readonly kind: 'observations'; readonly position: number; readonly observations: readonly Observation[] }
  /** The passing of time, from `sys.ticks`; `at` by ingest's clock, epoch ms. */
  | { readonly kind: 'tick'; readonly position: number; readonly at: number }
  /** A contract version: in force for what comes after it. */
  | { readonly kind: 'contract'; readonly position: number; readonly record: ContractRecord }
  /** A contract version taken back. */
  | { readonly kind: 'withdrawal'; readonly position: number; readonly record: ContractWithdrawal }
  /** A recorded transition: what the engine caused, coming back through the feed, and people's acts. */
  | { readonly kind: 'alert'; readonly position: number; readonly transition: AlertTransition }
  /** Where a device stands and whose it is. */
  | { readonly kind: 'device'; readonly position: number; readonly record: DeviceRecord }
  | { readonly kind: 'dataset'; readonly position: number; readonly definition: DatasetDefinition }
  /** What a person says of the quality of values, or takes back. */
  | { readonly kind: 'flag'; readonly position: number; readonly record: FlagRecord }
  /** Content of confidential records is erased; its values are none the engine may keep. */
  | { readonly kind: 'erasure'; readonly position: number; readonly record: ErasureRecord };
