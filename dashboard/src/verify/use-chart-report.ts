/** What a chart's verification came to: n of n points, and which fail at which step. */
import { type ComputedRef, computed, type Ref } from 'vue';
import { useFormat } from '../i18n/use-format.ts';
import type { ChartCheck } from './check-series.ts';
import { unreadableReport, type VerdictReport } from './verdict-report.ts';

export interface ChartReportSource {
  readonly check: Ref<ChartCheck | null>;
  readonly tookMs: Ref<number>;
  readonly titleOf: (property: string) => string;
  /** Whether a line of the chart is an index, which is not checked. */
  readonly hasIndex: () => boolean;
}

export function useChartReport({ check, tookMs, titleOf, hasIndex }: ChartReportSource): ComputedRef<VerdictReport | null> {
  const { t, time } = useFormat();
  return computed(() => {
    if (check.value === null) return null;
    if (!check.value.ok) return unreadableReport(t(`verify.unreadable.${check.value.what}`), check.value.code, check.value.detail);
    const { ok, proven, points, records, recordsProven, waiting, failing, limits } = check.value.value;
    const counts = t('verify.chart.counts', { proven, points, records, recordsProven, ms: tookMs.value });
    return {
      tone: ok ? 'good' : 'bad',
      title: t(ok ? 'verify.verified' : 'verify.notVerified'),
      text: waiting > 0 ? `${counts}${t('verify.comma')}◌ ${t('verify.chart.waiting', { n: waiting })}` : counts,
      failing: failing.map(({ property, start, step }) => ({
        key: `${property} ${start}`,
        text: t('verify.chart.failing', {
          what: titleOf(property),
          time: time.value.full(start),
          step: t(`verify.step.${step}.title`),
          why: t(`verify.step.${step}.fail`),
        }),
        data: { 'data-start': start, 'data-step': step },
      })),
      notes: hasIndex() ? [t('verify.chart.index')] : [],
      limits,
      data: { 'data-ok': String(ok), 'data-proven': proven, 'data-points': points, 'data-took-ms': tookMs.value },
    };
  });
}
