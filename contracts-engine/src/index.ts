export { type AlarmLoad, alarmLoad, LOAD_BENCHMARKS, type ShiftLoad } from './backtest/alarm-load.ts';
export { type ContractNeeds, needsOf } from './backtest/contract-needs.ts';
export { type AlertChange, type BacktestDifference, differenceOf } from './backtest/difference.ts';
export { TRIAL_ALERTS_MAX, Trial, type TriedAlert } from './backtest/trial.ts';
export { type AlertSource, CONTRACT_MAX_BYTES, type Contract, ENGINE_VERSION, type Rule } from './contract.ts';
export { CONTRACT_FAULTS, type ContractFault, type FaultName } from './contract-fault.ts';
export { contractVersion } from './contract-version.ts';
export { Engine, type EngineStatus } from './engine.ts';
export type { EngineEvent } from './engine-event.ts';
export type { EngineCounters } from './engine-state.ts';
export {
  ALERT_EVIDENCE_FORMAT,
  type AlertEvidence,
  isAlertEvidence,
  parseAlertEvidence,
  type StatedPlace,
} from './evidence/alert-evidence.ts';
export type { RegionAnswer } from './evidence/answers.ts';
export {
  checkAlertEvidence,
  EVIDENCE_STEPS,
  type EvidenceFault,
  type EvidenceStepName,
  type EvidenceVerdict,
} from './evidence/check-evidence.ts';
export { EVIDENCE_LIMITS, EVIDENCE_STEP_WORDS } from './evidence/evidence-words.ts';
export type { ExplainedExpression, Explanation } from './evidence/explain.ts';
export { inputsDigest } from './evidence/inputs-digest.ts';
export { type EvidenceRecord, type ReplayFault, type ReplayVerdict, replayAlert } from './evidence/replay-alert.ts';
export { placesOf, type RuleNeeds, ruleNeeds } from './evidence/rule-needs.ts';
export { lastAttempts, type ToldAttempt } from './evidence/told.ts';
export { type ContractOutcome, parseContract } from './parse-contract.ts';
export { isForetold } from './rule/foretold.ts';
export { inScope, type Places } from './rule/places.ts';
export type { EngineSnapshot } from './snapshot.ts';
export { joinSnapshot, type SnapshotParts } from './snapshot-parts.ts';
export { TICK_GAP_MAX_MS } from './step.ts';
export { offsetAt } from './time-zone.ts';
