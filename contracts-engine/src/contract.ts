/** A contract as the engine runs it: checked, with compiled expressions and durations in milliseconds. */
import type { Bilingual, Severity } from '@airtight/protocol';
import type { Schedule } from './calendar.ts';
import type { Expression, VariableDeclaration } from './expr/expression.ts';
import type { Verdict } from './quality/value-verdict.ts';
import type { TimeZone } from './time-zone.ts';

export interface Contract {
  readonly contract: string;
  /** Lower-case hex SHA-256 of the canonical form. */
  readonly version: string;
  readonly title: Bilingual;
  /** Agency that issues the contract. */
  readonly agency: string;
  /** The published rule it carries out. */
  readonly source: string;
  readonly zone: TimeZone;
  /** The first is the one a rule judges unless it names another. */
  readonly inputs: readonly Input[];
  /** A reading that comes at most this much after a newer one of its producer is judged as if it had come in order. */
  readonly latenessMs: number;
  readonly rules: readonly Rule[];
}

/** A dataset and what of it is judged. */
export interface Input {
  readonly name: string;
  readonly dataset: string;
  readonly cadenceMs: number;
  /** Its phenomenonTimes lie ahead. */
  readonly isForecast: boolean;
  readonly acceptedFlags: ReadonlySet<string>;
  readonly acceptedVerdicts: ReadonlySet<Verdict>;
  /** Properties that no test of the dataset judges, where `not_evaluated` is not accepted. */
  readonly untested: ReadonlySet<string>;
  /** null: all. */
  readonly agencies: ReadonlySet<string> | null;
  readonly regions: ReadonlySet<string> | null;
  /** Names, in which `*` stands for any run of characters. */
  readonly producers: readonly string[] | null;
  readonly properties: ReadonlyMap<string, VariableDeclaration>;
}

export type Aggregate =
  | 'count'
  | 'share'
  | 'mean'
  | 'median'
  | 'min'
  | 'max'
  | 'sum'
  | 'quantile'
  | 'rate'
  | 'coverage'
  | 'duration'
  | 'last'
  | 'values';

export interface Window {
  readonly name: string;
  readonly input: Input;
  readonly aggregate: Aggregate;
  /** null: whole readings are counted. */
  readonly property: string | null;
  /** Of `count`, `share` and `duration`: what a reading must satisfy; null: it must be there. */
  readonly where: Probe | null;
  readonly shape: 'sliding' | 'tumbling' | 'session' | 'ahead';
  readonly overMs: number;
  /** Of a session: a longer pause ends it. */
  readonly gapMs: number;
  /** Of `quantile`, from 0 to 1. */
  readonly quantile: number;
  /** Of `rate`. */
  readonly perMs: number;
  /** Cadence intervals in which there must be a reading; over stations: how many of them must have one. */
  readonly leastCount: number;
  /** Over stations: the least share of those known. */
  readonly leastShare: number;
  /** Whose readings: the subject's own, of all stations of its group, of those near it, of what has its region. */
  readonly across: 'own' | 'group' | 'neighbours' | 'region';
  readonly km: number;
  readonly declaration: VariableDeclaration;
}

/** An expression together with where in a rule's frame its variables stand. */
export interface Probe {
  readonly expression: Expression;
  readonly from: readonly number[];
  /** They stand there in the expression's own order from the first on. */
  readonly isInPlace: boolean;
}

/** What an alert's state is asked for: how many of these are active. */
export interface AlertSource {
  readonly name: string;
  readonly contract: string;
  readonly rule: string;
  readonly of: Scope;
  /** Rank of the least severity that counts. */
  readonly leastRank: number;
}

export type Scope = 'subject' | 'region' | 'agency' | 'all';

/**
 * The values a rule reads, in the order in which they are computed; a value's place is its slot in the rule's frame.
 * Lets come after what they read.
 */
export interface Frame {
  readonly names: readonly string[];
  readonly declarations: readonly VariableDeclaration[];
  readonly properties: readonly { readonly slot: number; readonly name: string; readonly isNumber: boolean }[];
  readonly windows: readonly { readonly slot: number; readonly window: Window }[];
  readonly schedules: readonly { readonly slot: number; readonly schedule: Schedule }[];
  readonly alerts: readonly { readonly slot: number; readonly source: AlertSource }[];
  readonly lets: readonly { readonly slot: number; readonly probe: Probe }[];
  /** It has properties alone. */
  readonly isPlain: boolean;
}

export type Rule = SeriesRule | GridRule | AlertsRule | NoDataRule;

interface RuleBase {
  readonly id: string;
  readonly contract: string;
  readonly version: string;
  readonly dataset: string;
  readonly latenessMs: number;
  readonly input: Input;
  readonly notify: readonly string[];
  /** Different people who must approve; 0: none. */
  readonly approvals: number;
  readonly escalation: readonly Escalation[];
  readonly group: 'region' | 'agency' | 'all' | null;
  readonly inhibitedBy: readonly Inhibition[];
}

interface LeveledRule extends RuleBase {
  readonly frame: Frame;
  /** From the least severe to the most severe. */
  readonly levels: readonly Level[];
  /** Two instants further apart say nothing about the time between them. */
  readonly maxGapMs: number;
  readonly flap: { readonly changes: number; readonly withinMs: number } | null;
  /** null: never. */
  readonly expiresMs: number | null;
}

/** Judges each reading of one producer. */
export interface SeriesRule extends LeveledRule {
  readonly kind: 'series';
}

/** Judges the stations of a subject together, at fixed times. */
export interface GridRule extends LeveledRule {
  readonly kind: 'grid';
  readonly subject: 'producer' | 'region' | 'agency' | 'all';
  readonly everyMs: number;
  /** An instant is judged when so much event time has passed since. */
  readonly settleMs: number;
}

/** Judges the alerts of other rules. */
export interface AlertsRule extends LeveledRule {
  readonly kind: 'alerts';
  readonly subject: 'producer' | 'region' | 'agency' | 'all';
}

export interface NoDataRule extends RuleBase {
  readonly kind: 'no-data';
  readonly severity: Severity;
  readonly message: Bilingual;
  /** Either is null: a duration, or so many of the device's own cadences. */
  readonly afterMs: number | null;
  readonly afterCadences: number | null;
  /** A registered device that has never reported, after so long; null: that is no matter. */
  readonly neverMs: number | null;
}

export interface Level {
  readonly severity: Severity;
  readonly raise: Condition;
  readonly clear: Condition;
  readonly message: Bilingual;
}

export interface Condition {
  readonly when: Probe;
  /** Slots of everything it reads, lets followed to what they read. */
  readonly reads: readonly number[];
  /** How long it must hold, event time. */
  readonly forMs: number;
  /** null: once, or for the duration. */
  readonly times: { readonly count: number; readonly ofLast: number | null; readonly withinMs: number | null } | null;
}

export interface Escalation {
  readonly afterMs: number;
  readonly notify: readonly string[];
  readonly severity: Severity | null;
}

/** While an alert of that rule is active about the same subject, region …, this one is suppressed. */
export interface Inhibition {
  readonly contract: string;
  readonly rule: string;
  readonly of: Scope;
}

/**
 * Names the meaning of the language. Part of every contract's version: an engine that judges differently must not run
 * a contract under the version that was approved.
 */
export const ENGINE_VERSION = 'airtight-contracts/3';

/** A contract is a page or two of text. */
export const CONTRACT_MAX_BYTES = 64 * 1024;
export const RULES_MAX = 16;
export const LEVELS_MAX = 4;
export const INPUTS_MAX = 4;
export const NAMED_VALUES_MAX = 32;
export const LIST_MAX = 64;
export const TITLE_MAX_LENGTH = 120;
export const SOURCE_MAX_LENGTH = 1000;
export const MESSAGE_MAX_LENGTH = 500;
export const DURATION_MAX_MS = 366 * 86_400_000;
/** Three ticks: less cannot be told from the ticks' own rhythm. */
export const NO_DATA_MIN_MS = 30_000;
/** Without `maxGap`: so many cadences of the dataset, but never less than an hour, so that hourly values join. */
export const MAX_GAP_CADENCES = 3;
export const MAX_GAP_MIN_MS = 3_600_000;
/** Readings that windows, lateness and durations of one rule may need to keep per producer: a month of quarter hours, a week of minutes. */
export const READINGS_KEPT_MAX = 12_000;
/** A rule over stations looks at each of them at each of its times: fewer readings of each. */
export const STATION_READINGS_KEPT_MAX = 1000;
/** Without `lateness`: so many cadences, but never less than an hour. */
export const LATENESS_CADENCES = 3;
export const LATENESS_MIN_MS = 3_600_000;
export const LATENESS_MAX_MS = 31 * 86_400_000;
export const TIMES_OF_LAST_MAX = 32;
export const TIMES_WITHIN_MAX = 100;
export const ESCALATION_STEPS_MAX = 5;
export const NEIGHBOURS_KM_MAX = 500;
