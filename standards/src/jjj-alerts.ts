/**
 * Heavy pollution alerts (重污染天气预警) of Beijing-Tianjin-Hebei: five versions of the grading conditions, by date. Air Pollution Law, article 93.
 *
 * - `bj-2013` Beijing, plan of 2013-10.
 * - `jjj-2016` 环办应急函〔2016〕225号, the six core cities from 2016-02.
 * - `mep-2017` 环大气〔2017〕86号, from 2017-09.
 * - `mee-2018` 环办大气函〔2019〕648号 and its family, 2018 to 2023: three colours.
 * - `mee-2024` 环大气〔2024〕6号 and the plans of Beijing 2023, Tianjin 津政办规〔2023〕9号, Hebei 冀政办字〔2024〕17号.
 *
 * A condition speaks of the AQI of 24 hours and of how many such days follow each other. A city's own plan may name another version than the
 * date does; orange and red also come by regional prompt (区域应急联动), whatever is computed here.
 */

export type JjjVersion = 'bj-2013' | 'jjj-2016' | 'mep-2017' | 'mee-2018' | 'mee-2024';
export type JjjLevel = 'blue' | 'yellow' | 'orange' | 'red';

/** A forecast or measured AQI of 24 hours. null: none, or a day led by ozone or dust, which gets no colour (from 2024). */
export type DayAqi = number | null;

/** So many days in a row with an AQI above (or, `reaches`, at least) a value, and among them `within`. */
interface Run {
  readonly above?: number;
  readonly reaches?: number;
  readonly days: number;
  readonly within?: { readonly above: number; readonly days: number };
}

interface Rule {
  readonly level: JjjLevel;
  /** Any of them. */
  readonly any: readonly Run[];
}

interface Version {
  /** Epoch ms of the first day, at UTC+8. The documents name months; the first day of each is taken. */
  readonly from: number;
  /** "Daily AQI may be computed over any 24 consecutive hours" (from 2017); before, the calendar day. */
  readonly anyHour: boolean;
  /**
   * "Two episodes whose gap does not reach the release condition count as one": days a run may be interrupted for. The condition is 36 h, so
   * one day of 24 h does not reach it, two do.
   */
  readonly gapDays: number;
  /** From the highest level down. */
  readonly rules: readonly Rule[];
}

/** Levels of the emergency response. Blue has none. */
export const JJJ_RESPONSE: { readonly [level in JjjLevel]: 'I' | 'II' | 'III' | null } = {
  red: 'I',
  orange: 'II',
  yellow: 'III',
  blue: null,
};

/** Below the condition of yellow, and predicted to stay there so long: the alert may be released. */
export const JJJ_RELEASE_HOURS = 36;

const DAY_HOURS = 24;
const HOUR_MS = 3_600_000;
const UTC8_MS = 8 * HOUR_MS;
const monthAtUtc8 = (year: number, month: number): number => Date.UTC(year, month - 1, 1, -8);

const BLUE: Rule = { level: 'blue', any: [{ above: 200, days: 1 }] };
/** The largest AQI there is, "爆表". */
const OFF_THE_SCALE: Run = { reaches: 500, days: 1 };
const RED_2016: Rule = { level: 'red', any: [{ above: 200, days: 4, within: { above: 300, days: 2 } }, OFF_THE_SCALE] };
const ORANGE_2016: Rule = { level: 'orange', any: [{ above: 200, days: 3, within: { above: 300, days: 1 } }] };
const YELLOW_2016: Rule = { level: 'yellow', any: [{ above: 200, days: 2 }] };

const VERSIONS: { readonly [version in JjjVersion]: Version } = {
  'bj-2013': {
    from: monthAtUtc8(2013, 10),
    anyHour: false,
    gapDays: 0,
    rules: [
      // Heavy (重度) is 201 to 300, severe (严重) above. Orange: both alternate.
      { level: 'red', any: [{ above: 300, days: 3 }] },
      ORANGE_2016,
      {
        level: 'yellow',
        any: [
          { above: 300, days: 1 },
          { above: 200, days: 3 },
        ],
      },
      BLUE,
    ],
  },
  'jjj-2016': { from: monthAtUtc8(2016, 2), anyHour: false, gapDays: 0, rules: [RED_2016, ORANGE_2016, YELLOW_2016, BLUE] },
  'mep-2017': { from: monthAtUtc8(2017, 9), anyHour: true, gapDays: 1, rules: [RED_2016, ORANGE_2016, YELLOW_2016, BLUE] },
  'mee-2018': {
    from: monthAtUtc8(2018, 1),
    anyHour: true,
    gapDays: 0,
    rules: [RED_2016, { level: 'orange', any: [{ above: 200, days: 3 }] }, YELLOW_2016],
  },
  'mee-2024': {
    from: monthAtUtc8(2024, 1),
    anyHour: true,
    gapDays: 0,
    rules: [
      // Whether the day above 300 must lie in the same run is not written; it must here.
      { level: 'red', any: [{ above: 200, days: 3, within: { above: 300, days: 1 } }] },
      {
        level: 'orange',
        any: [
          { above: 200, days: 2 },
          { above: 150, days: 3 },
        ],
      },
      {
        level: 'yellow',
        any: [
          { above: 200, days: 1 },
          { above: 150, days: 2 },
        ],
      },
    ],
  },
};

/** In order of their dates. */
export const JJJ_VERSIONS = Object.keys(VERSIONS) as readonly JjjVersion[];

/** The version in force in Beijing at a moment; null before the first one. */
export function jjjVersionAt(epochMs: number): JjjVersion | null {
  return JJJ_VERSIONS.findLast((version) => epochMs >= VERSIONS[version].from) ?? null;
}

/**
 * The level of days that follow each other, forecast or measured.
 * @param days AQI of each day, 0 to 500, in order
 * @returns the highest level whose condition holds anywhere in them; null: none
 */
export function jjjGrade(version: JjjVersion, days: readonly DayAqi[]): JjjLevel | null {
  const { rules, gapDays } = VERSIONS[version];
  return rules.find(({ any }) => any.some((run) => holds(run, days, gapDays)))?.level ?? null;
}

/**
 * The level by the AQI of 24 hours that ends at every hour: the highest over all 24 ways to cut the hours into days. Versions that know calendar
 * days only take the first way, so begin with the day's last hour.
 * @param rolling AQI of the 24 hours up to each hour, hour by hour
 */
export function jjjGradeRolling(version: JjjVersion, rolling: readonly DayAqi[]): JjjLevel | null {
  const { rules, anyHour } = VERSIONS[version];
  const found = new Set<JjjLevel | null>();
  for (let offset = 0; offset < (anyHour ? DAY_HOURS : 1); offset++) {
    const days = rolling.filter((_, hour) => hour % DAY_HOURS === offset);
    found.add(jjjGrade(version, days));
  }
  return rules.find(({ level }) => found.has(level))?.level ?? null;
}

/**
 * The level that is reached now by days in a row which end with the newest hour: what was observed until then. A version that knows calendar days
 * alone reaches a level at the end of a day only.
 * @param rolling AQI of the 24 hours up to and with each hour, hour by hour, the newest last
 * @param epochMs when the newest hour began
 */
export function jjjGradeNow(version: JjjVersion, rolling: readonly DayAqi[], epochMs: number): JjjLevel | null {
  const { rules, gapDays, anyHour } = VERSIONS[version];
  if (!anyHour && !isLastOfDay(epochMs)) return null;
  const days = rolling.filter((_, hour) => (rolling.length - 1 - hour) % DAY_HOURS === 0);
  const newest = days.at(-1) ?? null;
  return rules.find(({ any }) => any.some((run) => isIn(run, newest) && holds(run, days, gapDays, true)))?.level ?? null;
}

/**
 * The level of what is foretold, wherever it lies in the hours ahead.
 * @param rolling as for jjjGradeRolling
 * @param epochMs when its first hour begins
 */
export function jjjGradeAhead(version: JjjVersion, rolling: readonly DayAqi[], epochMs: number): JjjLevel | null {
  if (VERSIONS[version].anyHour) return jjjGradeRolling(version, rolling);
  const first = rolling.findIndex((_, hour) => isLastOfDay(epochMs + hour * HOUR_MS));
  return first < 0 ? null : jjjGradeRolling(version, rolling.slice(first));
}

/** Up to this AQI a day counts for no level of the version: what is below it for 36 h ends an episode. */
export function jjjThreshold(version: JjjVersion): number {
  return Math.min(...VERSIONS[version].rules.flatMap(({ any }) => any.flatMap(({ above }) => above ?? [])));
}

function isLastOfDay(epochMs: number): boolean {
  return Math.floor((epochMs + UTC8_MS) / HOUR_MS) % DAY_HOURS === DAY_HOURS - 1;
}

/**
 * True when the alert may be released: the next 36 hours are known and give no level.
 * @param rolling as for jjjGradeRolling, from the present hour on
 */
export function jjjMayRelease(version: JjjVersion, rolling: readonly DayAqi[]): boolean {
  return rolling.length >= JJJ_RELEASE_HOURS && jjjGradeRolling(version, rolling.slice(0, JJJ_RELEASE_HOURS)) === null;
}

function isIn(run: Run, aqi: DayAqi): boolean {
  return aqi !== null && aqi > (run.above ?? -Infinity) && aqi >= (run.reaches ?? -Infinity);
}

/** @param last only the last stretch counts */
function holds(run: Run, days: readonly DayAqi[], gapDays: number, last = false): boolean {
  const stretches = runs(days, (aqi) => isIn(run, aqi), gapDays);
  const found = last ? stretches.slice(-1) : stretches;
  return found.some((stretch) => stretch.length >= run.days && (run.within === undefined || holds(run.within, stretch, 0)));
}

/** The longest stretches that begin and end with a day that is in, interrupted for at most `gapDays` at a time. */
function runs(days: readonly DayAqi[], counts: (aqi: DayAqi) => boolean, gapDays: number): readonly (readonly DayAqi[])[] {
  const found: DayAqi[][] = [];
  let last = -Infinity;
  for (const [i, aqi] of days.entries()) {
    if (!counts(aqi)) continue;
    if (i - last > gapDays + 1) found.push([]);
    else found.at(-1)?.push(...days.slice(last + 1, i));
    found.at(-1)?.push(aqi);
    last = i;
  }
  return found;
}
