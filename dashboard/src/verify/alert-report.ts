/** What the check of an alert's evidence came to, as every verdict is said. */
import { EVIDENCE_LIMITS, EVIDENCE_STEP_WORDS, EVIDENCE_STEPS } from '@airtight/contracts-engine';
import type { Bilingual } from '@airtight/protocol';
import type { AlertView } from '../evidence/alert-view.ts';
import type { VerdictReport } from './verdict-report.ts';

type Translate = (key: string, named: { readonly [name: string]: string | number }) => string;

/** @param name in the reader's language */
export function alertReport(
  { verdict, checkpoint, evidence, inputs }: AlertView,
  t: Translate,
  name: (text: Bilingual) => string,
): VerdictReport {
  const { ok, faults, replay } = verdict;
  const failing = EVIDENCE_STEPS.filter((step) => faults.some((fault) => fault.step === step));
  const under = { ...replay.counts, origin: checkpoint?.origin ?? '', size: checkpoint?.size ?? 0 };
  const steps = failing.map((step) => name(EVIDENCE_STEP_WORDS[step])).join('; ');
  return {
    tone: ok ? 'good' : 'bad',
    title: t(ok ? 'verify.alert.verified' : 'verify.alert.failed', {}),
    text: ok ? t('verify.alert.under', under) : t('verify.alert.failing', { steps }),
    ...{ failing: [], notes: [] },
    limits: EVIDENCE_LIMITS,
    data: { 'data-ok': String(ok), 'data-alert': evidence.alert, 'data-records': inputs.length, 'data-steps': failing.join(' ') },
  };
}
