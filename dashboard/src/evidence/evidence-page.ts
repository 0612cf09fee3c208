/**
 * The page inside an evidence file: shows the values, verifies them on load, marks those that fail. It is one script
 * without imports when it is built, asks nobody for anything, and writes what the file holds as text only.
 */
import { PROOF_LIMITS } from '@airtight/tlog';
import { timeFormat } from '../i18n/time-format.ts';
import { unitText } from '../i18n/unit-format.ts';
import { alertPage } from './alert-page.ts';
import { type CheckedEvidence, type CheckedValue, checkEvidence, type EvidenceCheck } from './check-evidence.ts';
import { make, saveButton } from './dom.ts';
import { evidenceChart } from './evidence-chart.ts';
import { type EvidenceDocument, parseAlertPage, parseEvidence } from './evidence-document.ts';
import { EVIDENCE_TEXTS, type EvidenceTexts, type Language } from './evidence-texts.ts';

/** Steps that every value goes through; the other two are those of signed records. */
const COMMON_STEPS = ['value', 'record', 'batch', 'ledger', 'checkpoint', 'witnesses'] as const;
const SIGNED_STEPS = ['signature', 'deviceKey'] as const;

interface Shown {
  readonly document: EvidenceDocument;
  readonly proofs: string;
  readonly check: EvidenceCheck;
  readonly tookMs: number;
}

const embedded = (id: string) => document.getElementById(id)?.textContent ?? '';

function begin(): void {
  const root = document.getElementById('page') as HTMLElement;
  let language: Language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  const proofs = embedded('proofs');
  const ofAlert = parseAlertPage(embedded('evidence'));
  if (ofAlert !== undefined) return alertPage(root, ofAlert, proofs, language);
  const evidence = parseEvidence(embedded('evidence'));
  if (evidence === undefined) {
    root.replaceChildren(
      make('p', { class: 'verdict bad', 'data-testid': 'verdict', 'data-ok': 'false' }, EVIDENCE_TEXTS[language].noDocument),
    );
    return;
  }
  root.replaceChildren(make('p', { class: 'verdict' }, EVIDENCE_TEXTS[language].checking));
  // The words above are painted first.
  setTimeout(() => {
    const startedAt = performance.now();
    const check = checkEvidence(evidence, proofs);
    const shown = { document: evidence, proofs, check, tookMs: Math.max(1, Math.round(performance.now() - startedAt)) };
    const show = () => {
      document.documentElement.lang = EVIDENCE_TEXTS[language].lang;
      document.title = `${EVIDENCE_TEXTS[language].title} – ${evidence.producer} ${evidence.observedProperty}`;
      root.replaceChildren(...pageOf(shown, language, turn));
    };
    const turn = () => {
      language = language === 'zh' ? 'en' : 'zh';
      show();
    };
    show();
  });
}

function pageOf(shown: Shown, language: Language, turn: () => void): Node[] {
  const texts = EVIDENCE_TEXTS[language];
  const { document: evidence, check } = shown;
  const other = make('button', { type: 'button', 'data-testid': 'lang' }, texts.other);
  other.addEventListener('click', turn);
  const head = make(
    'header',
    {},
    make('h1', {}, `${texts.title}: ${evidence.producerName[language]}, ${evidence.propertyTitle[language]}`),
    other,
  );
  const values: readonly CheckedValue[] = check.ok ? check.value.values : evidence.values;
  return [
    head,
    verdictOf(shown, texts),
    factsOf(shown, texts, language),
    ...chartOf(evidence, values, texts),
    ...(check.ok ? stepsOf(check.value, texts) : []),
    ...limitsOf(check.ok && check.value.signed === check.value.values.length, texts, language),
    ...trustOf(shown, texts),
    make('h2', {}, texts.valuesTitle),
    tableOf(evidence, values, texts, check.ok),
  ];
}

function verdictOf({ check, tookMs }: Shown, texts: EvidenceTexts): HTMLElement {
  if (!check.ok) {
    const attributes = { class: 'verdict bad', role: 'alert', 'data-testid': 'verdict', 'data-ok': 'false' };
    return make('div', attributes, make('strong', {}, `✗ ${texts.unreadable}`), make('p', {}, `${check.code} ${check.detail}`));
  }
  const { ok, proven, values, failing, leftOut } = check.value;
  const counts = { 'data-proven': String(proven), 'data-total': String(values.length), 'data-took-ms': String(tookMs) };
  const said = ok ? `✓ ${texts.verified(proven, values.length)}` : `✗ ${texts.failed(proven, values.length)}`;
  const why = [...failing].map(([step, n]) => texts.failing(n, texts.steps[step]));
  if (leftOut > 0) why.push(texts.leftOut(leftOut));
  return make(
    'div',
    { class: `verdict ${ok ? 'good' : 'bad'}`, role: 'status', 'data-testid': 'verdict', 'data-ok': String(ok), ...counts },
    make('strong', {}, said),
    ...why.map((line) => make('p', {}, line)),
    make('p', { class: 'small' }, texts.checkedIn(tookMs)),
  );
}

function factsOf({ document: evidence, check }: Shown, texts: EvidenceTexts, language: Language): HTMLElement {
  const time = timeFormat(evidence.timeZone);
  const at = (ms: number) => `${time.full(ms)} ${time.offset(ms)}`;
  const facts: [string, string][] = [
    [texts.facts.producer, `${evidence.producerName[language]} (${evidence.producer})`],
    [texts.facts.property, `${evidence.propertyTitle[language]} (${evidence.datasetTitle[language]}: ${evidence.observedProperty})`],
    [texts.facts.range, `${at(evidence.from)} – ${at(evidence.to)}`],
    [texts.facts.made, at(evidence.madeAt) + (evidence.pending > 0 ? `. ${texts.pending(evidence.pending)}` : '')],
  ];
  if (check.ok) {
    const { records, recordsProven, signed, checkpoint, cosigners, witnessed, anchors } = check.value;
    const names = cosigners.map(({ name, time: seconds }) => `${name} (${at(seconds * 1000)})`).join(', ');
    facts.push(
      [texts.facts.records, texts.recordsText(recordsProven, records)],
      [texts.facts.signed, texts.signedText(signed)],
      [texts.facts.ledger, checkpoint === undefined ? '–' : texts.ledgerText(checkpoint.origin, checkpoint.size)],
      [texts.facts.witnesses, names || (witnessed ? '–' : texts.noWitness)],
      ...anchors.map(({ sink, state, detail }): [string, string] => [`${texts.facts.anchor} ${sink}`, texts.anchorText(state, detail)]),
    );
  }
  return make('dl', {}, ...facts.flatMap(([term, fact]) => [make('dt', {}, term), make('dd', {}, fact)]));
}

function chartOf(evidence: EvidenceDocument, values: readonly CheckedValue[], texts: EvidenceTexts): Node[] {
  const time = timeFormat(evidence.timeZone);
  const unit = unitText(evidence.unit);
  const chart = evidenceChart({
    ...{ values, from: evidence.from, to: evidence.to, time: time.dayMinute, number: (value) => String(Number(value.toPrecision(6))) },
    title: (low, high) => texts.chartTitle(time.full(evidence.from), time.full(evidence.to), `${low} ${unit}`, `${high} ${unit}`),
  });
  return chart === null ? [] : [chart];
}

function stepsOf({ signed, failing }: CheckedEvidence, texts: EvidenceTexts): Node[] {
  const steps = [...COMMON_STEPS, ...(signed > 0 ? SIGNED_STEPS : [])];
  const items = steps.map((step) => {
    const n = failing.get(step) ?? 0;
    return make('li', { class: n === 0 ? '' : 'bad' }, texts.steps[step], n === 0 ? '' : ` – ✗ ${n}`);
  });
  return [make('h2', {}, texts.stepsTitle), make('ol', {}, ...items)];
}

function limitsOf(allSigned: boolean, texts: EvidenceTexts, language: Language): Node[] {
  const limits = PROOF_LIMITS.filter(({ code }) => !allSigned || code !== 'NOT_IDENTITY_OF_DEVICE').map((limit) => limit[language]);
  return [make('h2', {}, texts.limitsTitle), make('ul', {}, ...[...limits, texts.limitOfFile].map((limit) => make('li', {}, limit)))];
}

function trustOf({ document: evidence, proofs, check }: Shown, texts: EvidenceTexts): Node[] {
  const name = `${evidence.producer}-${evidence.observedProperty}`;
  return [
    make('h2', {}, texts.trustTitle),
    make('pre', { 'data-testid': 'policy' }, evidence.policy),
    make('p', {}, texts.trustHint),
    ...(check.ok ? [make('p', { class: 'small' }, `${texts.fingerprint}: `, make('code', {}, check.value.fingerprint))] : []),
    make(
      'p',
      { class: 'save' },
      saveButton(texts.saveProofs, `${name}.airtight-proofs.json`, proofs),
      saveButton(texts.savePolicy, `${name}.policy`, evidence.policy),
      make('span', { class: 'small' }, texts.saveHint),
    ),
  ];
}

function tableOf(evidence: EvidenceDocument, values: readonly CheckedValue[], texts: EvidenceTexts, isChecked: boolean): HTMLElement {
  const time = timeFormat(evidence.timeZone);
  const { columns } = texts;
  const titles = [
    `${columns.time} (${time.zone})`,
    `${columns.value} ${unitText(evidence.unit)}`,
    columns.flags,
    columns.record,
    columns.state,
  ];
  const rows = values.map((value) => {
    const { record, phenomenonTime, result, flags, fault } = value;
    const ok = isChecked && fault === undefined;
    const state = ok ? `✓ ${texts.proven}` : fault === undefined ? '–' : `✗ ${texts.notProven}: ${texts.steps[fault.step]}`;
    const row = make(
      'tr',
      { 'data-record': String(record), 'data-ok': String(ok), ...(fault === undefined ? {} : { 'data-step': fault.step }) },
      ...[time.full(phenomenonTime), String(result), flags.join(' '), `#${record}`].map((cell) => make('td', {}, cell)),
      make('td', {}, state),
    );
    if (fault !== undefined) row.title = `${fault.code ?? ''} ${fault.detail}`.trim();
    return row;
  });
  const head = make('thead', {}, make('tr', {}, ...titles.map((title) => make('th', { scope: 'col' }, title))));
  return make('table', {}, head, make('tbody', {}, ...rows));
}

begin();
