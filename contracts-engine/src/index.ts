export { type Contract, ENGINE_VERSION, type Rule } from './contract.ts';
export { CONTRACT_FAULTS, type ContractFault, type FaultName } from './contract-fault.ts';
export { contractVersion } from './contract-version.ts';
export { Engine, type EngineStatus } from './engine.ts';
export type { EngineEvent } from './engine-event.ts';
export type { EngineCounters } from './engine-state.ts';
export { type ContractOutcome, parseContract } from './parse-contract.ts';
export type { EngineSnapshot } from './snapshot.ts';
