/** A contract as the engine runs it: checked, with compiled expressions and durations in milliseconds. */
import type { Bilingual, Severity } from '@airtight/protocol';
import type { Expression, Variable } from './expr/expression.ts';

export interface Contract {
  readonly contract: string;
  /** Lower-case hex SHA-256 of the canonical form. */
  readonly version: string;
  readonly title: Bilingual;
  /** Agency that issues the contract. */
  readonly agency: string;
  readonly dataset: string;
  /** The published rule it carries out. */
  readonly source: string;
  readonly rules: readonly Rule[];
}

export type Rule = ThresholdRule | NoDataRule;

interface RuleBase {
  readonly id: string;
  readonly severity: Severity;
  readonly message: Bilingual;
}

export interface ThresholdRule extends RuleBase {
  readonly kind: 'threshold';
  readonly raise: Condition;
  readonly clear: Condition;
  /** Observation flags the rule tolerates. */
  readonly acceptedFlags: ReadonlySet<string>;
  /** Properties that either condition reads: a reading without one of them is none for this rule. */
  readonly variables: readonly Variable[];
  /** Two readings further apart say nothing about the time between them. */
  readonly maxGapMs: number;
}

export interface Condition {
  readonly when: Expression;
  /** How long it must hold, event time. */
  readonly forMs: number;
}

export interface NoDataRule extends RuleBase {
  readonly kind: 'no-data';
  readonly afterMs: number;
}

/**
 * Names the meaning of the language. Part of every contract's version: an engine that judges differently must not run
 * a contract under the version that was approved.
 */
export const ENGINE_VERSION = 'airtight-contracts/1';

/** A contract is a page or two of text. */
export const CONTRACT_MAX_BYTES = 64 * 1024;
export const RULES_MAX = 16;
export const TITLE_MAX_LENGTH = 120;
export const SOURCE_MAX_LENGTH = 1000;
export const MESSAGE_MAX_LENGTH = 500;
export const DURATION_MAX_MS = 366 * 86_400_000;
/** Three ticks: less cannot be told from the ticks' own rhythm. */
export const NO_DATA_MIN_MS = 30_000;
/** Without `maxGap`: so many cadences of the dataset, but never less than an hour, so that hourly values join. */
export const MAX_GAP_CADENCES = 3;
export const MAX_GAP_MIN_MS = 3_600_000;
