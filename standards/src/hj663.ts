/**
 * HJ 663 环境空气质量评价技术规范, clause 6.1.2 (the same in 2013 and 2026): when the day's largest 8 h mean of ozone counts.
 */

const EIGHT_HOUR_MEANS_MIN = 14;
/** Limit of GB 3095, grade 2, µg/m³. */
const OZONE_DAY_LIMIT = 160;

/**
 * True when the largest 8 h mean of a day is valid: with at least 14 valid 8 h means; with fewer only when it exceeds the limit, as the means
 * that are missing could not bring it down.
 * @param eightHourMeans valid moving 8 h means of the day (each with 6 hours: GB 3095, Table 4)
 * @param max the largest of them, µg/m³
 * @param limit µg/m³ of the area's grade; grade 2 unless it is named
 */
export function isValidOzoneDay(eightHourMeans: number, max: number, limit: number = OZONE_DAY_LIMIT): boolean {
  return eightHourMeans >= EIGHT_HOUR_MEANS_MIN || (eightHourMeans > 0 && max > limit);
}
