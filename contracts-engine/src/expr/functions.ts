/**
 * The functions a condition may call: name, parameters with their units, result, cost and what they do, in both languages.
 * This table is all there is: types are checked, units compared, costs summed and the reference page tested by it.
 */
import type { Bilingual } from '@airtight/protocol';
import { type DaqiPollutant, daqi } from '@airtight/standards/daqi.ts';
import { type EaqiPollutant, eaqi } from '@airtight/standards/eaqi.ts';
import {
  type LimitedPollutant,
  type LimitGrade,
  type LimitPeriod,
  type LimitSet,
  limitOf,
  limitSetAt,
} from '@airtight/standards/gb3095.ts';
import { roundDecimal } from '@airtight/standards/gbt8170.ts';
import {
  type AqiReport,
  CN_POLLUTANTS,
  type CnAqiStandard,
  type CnPollutant,
  dailyReport,
  hourlyReport,
  standardAt,
} from '@airtight/standards/hj633.ts';
import {
  JJJ_VERSIONS,
  type JjjLevel,
  type JjjVersion,
  jjjGradeAhead,
  jjjGradeNow,
  jjjThreshold,
  jjjVersionAt,
} from '@airtight/standards/jjj-alerts.ts';
import { MeanKineticTemperature } from '@airtight/standards/mkt.ts';
import { type NaqiPollutant, naqi } from '@airtight/standards/naqi.ts';
import { nowCast } from '@airtight/standards/nowcast.ts';
import { type UsAqiColumn, usAqi } from '@airtight/standards/us-aqi.ts';
import { type WhoPeriod, type WhoPollutant, whoTargetMet } from '@airtight/standards/who-aqg.ts';
import type { Value } from './shape.ts';
import { ONE } from './unit-rules.ts';

/** A unit, the same unit as the other arguments with `same`, or one that the texts before it decide. */
export type ParameterUnit = string | 'same' | ((texts: readonly string[]) => string);

export interface Parameter {
  readonly name: string;
  readonly type: 'number' | 'numbers' | 'text' | 'int';
  readonly unit?: ParameterUnit;
  /** Must be written out, as one of these. */
  readonly choices?: readonly (string | bigint)[];
  /** True: the function says itself what a value that is not known means; otherwise the result is not known either. */
  readonly mayMiss?: boolean;
}

export interface ExpressionFunction {
  readonly name: string;
  /** Each a way to call it. */
  readonly overloads: readonly (readonly Parameter[])[];
  readonly result: { readonly type: 'number' | 'text'; readonly unit: ParameterUnit | null };
  /** Of a call, and of each element of its lists, in units of about 10 ns. Measured, rounded up. */
  readonly cost: number;
  readonly costPerElement?: number;
  readonly about: Bilingual;
  readonly run: (args: readonly Value[], at: number) => Value;
}

const UG = 'ug/m3';
const MG = 'mg/m3';
const CELSIUS = 'Cel';

const editions = (...names: readonly string[]): Parameter => ({ name: 'edition', type: 'text', choices: names });
const CN_EDITION = editions('HJ 633-2012', 'HJ 633-2026');
const CN_POLLUTANT: Parameter = { name: 'pollutant', type: 'text', choices: CN_POLLUTANTS };
const mean = (name: string, unit: string = UG): Parameter => ({ name, type: 'number', unit, mayMiss: true });
const means = (...names: readonly string[]): readonly Parameter[] => names.map((name) => mean(name, name === 'co' ? MG : UG));
/** CO is in mg/m³, everything else in µg/m³. */
const unitOfPollutant = (texts: readonly string[]): string => (texts.includes('co') ? MG : UG);

/** A number, or what the standards take as missing. */
function given(value: Value | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function byName<T extends string>(names: readonly T[], values: readonly Value[]): { [name in T]?: number | undefined } {
  const named: { [name in T]?: number | undefined } = {};
  for (let i = 0; i < names.length; i++) named[names[i] as T] = given(values[i]);
  return named;
}

/** The edition when it is named, else the one in force; and the arguments behind it. */
function edition<T extends string>(args: readonly Value[], inForce: T): [edition: T, rest: readonly Value[]] {
  // An edition has a blank in its name (`HJ 633-2012`), a pollutant has none.
  return typeof args[0] === 'string' && args[0].includes(' ') ? [args[0] as T, args.slice(1)] : [inForce, args];
}

type Report = typeof hourlyReport;
const AQI_ARGUMENTS: readonly CnPollutant[] = ['pm25', 'pm10', 'so2', 'no2', 'o3', 'co'];

function cnReport(report: Report, args: readonly Value[], at: number): AqiReport {
  const [standard, values] = edition<CnAqiStandard>(args, standardAt(at));
  return report(standard, byName(AQI_ARGUMENTS, values));
}

const CN_MEANS = means(...AQI_ARGUMENTS);

/** The three of HJ 633, for one kind of report. */
function cnFunctions(suffix: string, report: Report, which: Bilingual): readonly ExpressionFunction[] {
  const overloads = [CN_MEANS, [CN_EDITION, ...CN_MEANS]];
  const one: readonly Parameter[] = [CN_POLLUTANT, { name: 'concentration', type: 'number', unit: unitOfPollutant }];
  return [
    {
      name: `aqi_cn${suffix}`,
      overloads,
      result: { type: 'number', unit: ONE },
      cost: 150,
      about: {
        zh: `HJ 633 环境空气质量指数（${which.zh}）；缺项且不高于 100 时不可计算`,
        en: `AQI of HJ 633, ${which.en}; with a pollutant missing it is not known unless it is above 100`,
      },
      run: (args, at) => cnReport(report, args, at).aqi,
    },
    {
      name: `primary_cn${suffix}`,
      overloads,
      result: { type: 'text', unit: null },
      cost: 150,
      about: {
        zh: `首要污染物（${which.zh}），并列时以逗号分隔；AQI 不高于 50 时为空文本`,
        en: `primary pollutants of HJ 633, ${which.en}, with commas between; an empty text up to AQI 50`,
      },
      run: (args, at) => {
        const { aqi, primary } = cnReport(report, args, at);
        return aqi === null ? null : primary.join(',');
      },
    },
    {
      name: `iaqi_cn${suffix}`,
      overloads: [one, [CN_EDITION, ...one]],
      result: { type: 'number', unit: ONE },
      cost: 100,
      about: {
        zh: `HJ 633 空气质量分指数（${which.zh}）`,
        en: `individual index (IAQI) of HJ 633 of one pollutant, ${which.en}`,
      },
      run: (args, at) => {
        const [standard, [pollutant, concentration]] = edition<CnAqiStandard>(args, standardAt(at));
        return report(standard, { [pollutant as CnPollutant]: given(concentration) }).iaqi[pollutant as CnPollutant] ?? null;
      },
    },
  ];
}

const US_COLUMNS: readonly UsAqiColumn[] = ['pm25_24h', 'pm10_24h', 'o3_8h', 'o3_1h', 'co_8h', 'so2_1h', 'so2_24h', 'no2_1h'];
const US_UNITS: { readonly [column in UsAqiColumn]: string } = {
  pm25_24h: UG,
  pm10_24h: UG,
  o3_8h: '[ppm]',
  o3_1h: '[ppm]',
  co_8h: '[ppm]',
  so2_1h: '[ppb]',
  so2_24h: '[ppb]',
  no2_1h: '[ppb]',
};
const EAQI_ARGUMENTS: readonly EaqiPollutant[] = ['pm25', 'pm10', 'o3', 'no2', 'so2'];
const DAQI_ARGUMENTS: readonly DaqiPollutant[] = ['pm25', 'pm10', 'no2', 'o3', 'so2'];
const NAQI_ARGUMENTS: readonly NaqiPollutant[] = ['pm10', 'pm25', 'no2', 'o3', 'co', 'so2', 'nh3'];
/** Hours behind a mean that is there: the window it came from has judged whether it is valid. */
const NAQI_FULL_HOURS = 24;

const OTHER_COUNTRIES: readonly ExpressionFunction[] = [
  {
    name: 'aqi_us',
    overloads: [US_COLUMNS.map((column) => mean(column, US_UNITS[column]))],
    result: { type: 'number', unit: ONE },
    cost: 200,
    about: { zh: '美国 EPA 空气质量指数（2024 年版）', en: 'AQI of the US EPA (2024), from the pollutants that are known' },
    run: (args) => usAqi(byName(US_COLUMNS, args)).aqi,
  },
  {
    name: 'eaqi',
    overloads: [means(...EAQI_ARGUMENTS)],
    result: { type: 'number', unit: ONE },
    cost: 100,
    about: {
      zh: '欧洲空气质量指数（2025 年版），1 至 6，小时均值',
      en: 'European Air Quality Index of 2025, 1 to 6, of 1 h means that are known',
    },
    run: (args) => eaqi(byName(EAQI_ARGUMENTS, args)).index,
  },
  {
    name: 'daqi',
    overloads: [means(...DAQI_ARGUMENTS)],
    result: { type: 'number', unit: ONE },
    cost: 100,
    about: { zh: '英国每日空气质量指数，1 至 10', en: 'UK Daily Air Quality Index, 1 to 10, of the means that are known' },
    run: (args) => daqi(byName(DAQI_ARGUMENTS, args)).index,
  },
  {
    name: 'naqi',
    overloads: [means(...NAQI_ARGUMENTS)],
    result: { type: 'number', unit: ONE },
    cost: 300,
    about: {
      zh: '印度国家空气质量指数；少于三项或无颗粒物时不可计算',
      en: 'National AQI of India; not known with fewer than three pollutants or without particles',
    },
    run: (args) => {
      const values = byName(NAQI_ARGUMENTS, args);
      const known = NAQI_ARGUMENTS.filter((name) => values[name] !== undefined);
      return naqi(Object.fromEntries(known.map((name) => [name, { concentration: values[name] as number, hours: NAQI_FULL_HOURS }]))).aqi;
    },
  },
  {
    name: 'who_aqg',
    overloads: [
      [
        { name: 'pollutant', type: 'text', choices: ['pm25', 'pm10', 'o3', 'no2', 'so2', 'co'] satisfies WhoPollutant[] },
        { name: 'period', type: 'text', choices: ['year', 'peak-season', '24h', '8h', '1h', '15min', '10min'] satisfies WhoPeriod[] },
        { name: 'concentration', type: 'number', unit: unitOfPollutant },
      ],
    ],
    result: { type: 'text', unit: null },
    cost: 30,
    about: {
      zh: '世卫组织 2021 年指南中所达到的最严目标：AQG、IT4 … IT1 或 none',
      en: 'strictest target of the WHO guidelines of 2021 that is met: AQG, IT4 … IT1, or none',
    },
    run: ([pollutant, period, c]) => whoTargetMet(pollutant as WhoPollutant, period as WhoPeriod, given(c) ?? Number.NaN),
  },
];

/** Lists come in order of time; NowCast wants the newest hour first. */
function particleNowCast(pollutant: 'pm25' | 'pm10', hours: Value | undefined): Value {
  const newestFirst = (hours as readonly Value[]).map((hour) => given(hour) ?? null).reverse();
  return nowCast(pollutant, newestFirst)?.value ?? null;
}

const HOURS_OF_PARTICLES: Parameter = { name: 'hours', type: 'numbers', unit: UG };

const OVER_LISTS: readonly ExpressionFunction[] = [
  {
    name: 'nowcast',
    overloads: [[HOURS_OF_PARTICLES]],
    result: { type: 'number', unit: UG },
    cost: 4000,
    costPerElement: 1,
    about: {
      zh: '美国 EPA NowCast（PM2.5），取最近 12 个小时均值；最近三小时中少于两个时不可计算',
      en: 'NowCast of the US EPA for PM2.5, of the newest 12 hourly means; not known with fewer than two of the newest three',
    },
    run: ([hours]) => particleNowCast('pm25', hours),
  },
  {
    name: 'nowcast_pm10',
    overloads: [[HOURS_OF_PARTICLES]],
    result: { type: 'number', unit: UG },
    cost: 4000,
    costPerElement: 1,
    about: { zh: '美国 EPA NowCast（PM10）', en: 'the same for PM10' },
    run: ([hours]) => particleNowCast('pm10', hours),
  },
  {
    name: 'mkt',
    overloads: [[{ name: 'temperatures', type: 'numbers', unit: CELSIUS }]],
    result: { type: 'number', unit: CELSIUS },
    cost: 20,
    costPerElement: 10,
    about: {
      zh: '平均动力学温度（USP <1079.2>），缺失的读数不计；无读数时不可计算',
      en: 'mean kinetic temperature (USP <1079.2>) of the readings that are there; not known without any',
    },
    run: ([temperatures]) => {
      const kinetic = new MeanKineticTemperature();
      for (const celsius of temperatures as readonly Value[]) {
        if (typeof celsius === 'number') kinetic.add(celsius);
      }
      return given(kinetic.celsius) ?? null;
    },
  },
];

const LIMITED: readonly LimitedPollutant[] = ['so2', 'no2', 'co', 'o3', 'pm10', 'pm25', 'tsp', 'nox', 'pb', 'bap'];
const LIMIT_PERIODS: readonly LimitPeriod[] = ['year', 'quarter', 'day', 'day-max-8h', 'hour'];
const LIMIT_PARAMETERS: readonly Parameter[] = [
  { name: 'pollutant', type: 'text', choices: LIMITED },
  { name: 'period', type: 'text', choices: LIMIT_PERIODS },
  { name: 'grade', type: 'int', choices: [1n, 2n] },
];

const LIMITS: ExpressionFunction = {
  name: 'gb3095_limit',
  overloads: [LIMIT_PARAMETERS, [editions('GB 3095-2012', 'GB 3095-2026 transition', 'GB 3095-2026 final'), ...LIMIT_PARAMETERS]],
  result: { type: 'number', unit: unitOfPollutant },
  cost: 20,
  about: {
    zh: 'GB 3095 浓度限值（按事件时间选用版本）；标准未规定时不可计算',
    en: 'limit of GB 3095, of the edition in force at the event; not known where the standard sets none',
  },
  run: (args, at) => {
    const [set, [pollutant, period, grade]] = edition<LimitSet>(args, limitSetAt(at));
    return limitOf(set, pollutant as LimitedPollutant, period as LimitPeriod, Number(grade) as LimitGrade);
  },
};

const JJJ_EDITION = editions(...JJJ_VERSIONS);
const ROLLING_AQI: Parameter = { name: 'aqi_24h', type: 'numbers', unit: ONE };
const JJJ_RANK: { readonly [level in JjjLevel]: number } = { blue: 1, yellow: 2, orange: 3, red: 4 };
const HOUR_MS = 3_600_000;
type Grade = typeof jjjGradeNow;

/** The version that is named, else the one in force; and the list behind it. */
function jjjLevel(grade: Grade, args: readonly Value[], at: number, first: number): Value {
  const version = args.length > 1 ? (args[0] as JjjVersion) : jjjVersionAt(at);
  if (version === null) return null;
  const level = grade(
    version,
    (args.at(-1) as readonly Value[]).map((aqi) => given(aqi) ?? null),
    first,
  );
  return level === null ? 0 : JJJ_RANK[level];
}

const JJJ: readonly ExpressionFunction[] = [
  {
    name: 'jjj_level',
    overloads: [[ROLLING_AQI], [JJJ_EDITION, ROLLING_AQI]],
    result: { type: 'number', unit: ONE },
    cost: 300,
    costPerElement: 3,
    about: {
      zh: '京津冀重污染天气预警条件：逐时 24 小时 AQI 列表（末项为最新）此刻达到的级别，0 无、1 蓝、2 黄、3 橙、4 红',
      en: 'Jing-Jin-Ji heavy pollution: level that is reached by the AQI of 24 h, hour by hour; 0 none, 1 blue, 2 yellow, 3 orange, 4 red',
    },
    run: (args, at) => jjjLevel(jjjGradeNow, args, at, at),
  },
  {
    name: 'jjj_level_ahead',
    overloads: [[ROLLING_AQI], [JJJ_EDITION, ROLLING_AQI]],
    result: { type: 'number', unit: ONE },
    cost: 1000,
    costPerElement: 30,
    about: { zh: '同上，用于未来各时的预报', en: 'the same of hours that are forecast, wherever in them' },
    run: (args, at) => jjjLevel(jjjGradeAhead, args, at, at + HOUR_MS),
  },
  {
    name: 'jjj_threshold',
    overloads: [[], [JJJ_EDITION]],
    result: { type: 'number', unit: ONE },
    cost: 20,
    about: { zh: '24 小时 AQI 不高于此值时不计入任何预警级别', en: 'AQI of 24 h up to which it counts for no level' },
    run: (args, at) => {
      const version = args.length > 0 ? (args[0] as JjjVersion) : jjjVersionAt(at);
      return version === null ? null : jjjThreshold(version);
    },
  },
];

const SAME: Parameter = { name: 'x', type: 'number', unit: 'same' };
const ARGUMENTS_OF_MIN_MAX = 8;
/** Two to eight numbers, or one list. */
const MANY: readonly (readonly Parameter[])[] = [
  ...Array.from({ length: ARGUMENTS_OF_MIN_MAX - 1 }, (_, i) => Array.from({ length: i + 2 }, () => SAME)),
  [{ name: 'list', type: 'numbers', unit: 'same' }],
];

/** Of numbers all must be known; of a list those that are there count. */
function extreme(pick: (...numbers: number[]) => number, args: readonly Value[]): Value {
  const numbers = Array.isArray(args[0]) ? (args[0] as readonly Value[]).filter((x) => typeof x === 'number') : (args as readonly number[]);
  return numbers.length === 0 ? null : pick(...numbers);
}

const DIGITS_MAX = 9n;

const ARITHMETIC: readonly ExpressionFunction[] = [
  {
    name: 'abs',
    overloads: [[SAME]],
    result: { type: 'number', unit: 'same' },
    cost: 2,
    about: { zh: '绝对值', en: 'absolute value' },
    run: ([x]) => Math.abs(x as number),
  },
  {
    name: 'min',
    overloads: MANY,
    result: { type: 'number', unit: 'same' },
    cost: 5,
    costPerElement: 2,
    about: { zh: '最小值：二至八个数，或一个列表', en: 'the smallest of two to eight numbers, or of a list' },
    run: (args) => extreme(Math.min, args),
  },
  {
    name: 'max',
    overloads: MANY,
    result: { type: 'number', unit: 'same' },
    cost: 5,
    costPerElement: 2,
    about: { zh: '最大值：二至八个数，或一个列表', en: 'the largest of two to eight numbers, or of a list' },
    run: (args) => extreme(Math.max, args),
  },
  {
    name: 'round_gb',
    overloads: [
      [SAME, { name: 'digits', type: 'int', choices: Array.from({ length: Number(DIGITS_MAX) + 1 }, (_, digits) => BigInt(digits)) }],
    ],
    result: { type: 'number', unit: 'same' },
    cost: 100,
    about: {
      zh: '按 GB/T 8170 修约到若干位小数（四舍六入五成双）',
      en: 'rounded half to even by GB/T 8170, to so many decimals; the decimal text of the number counts, so 2.35 is a tie',
    },
    run: ([x, digits]) => (Number.isFinite(x) ? Number(`${roundDecimal(`${x as number}`, Number(digits))}e-${digits}`) : null),
  },
  {
    name: 'not_measured',
    overloads: [[]],
    result: { type: 'number', unit: null },
    cost: 1,
    about: { zh: '未监测的污染物：永远未知', en: 'stands for a pollutant that the dataset does not have: never known' },
    run: () => null,
  },
];

export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map(
  [
    ...cnFunctions('', hourlyReport, { zh: '实时报，1 小时均值', en: 'real-time report of 1 h means' }),
    ...cnFunctions('_daily', dailyReport, {
      zh: '日报，24 小时均值，O₃ 为日最大 8 小时均值',
      en: 'daily report of 24 h means, O3 the largest 8 h mean',
    }),
    ...OTHER_COUNTRIES,
    ...OVER_LISTS,
    LIMITS,
    ...JJJ,
    ...ARITHMETIC,
  ].map((entry) => [entry.name, entry]),
);
