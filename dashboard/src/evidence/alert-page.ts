/** The page of a file with an alert's evidence: the rule, what decided it, every record, and the check of all of it. */
import { EVIDENCE_LIMITS, EVIDENCE_STEP_WORDS, EVIDENCE_STEPS, type ExplainedExpression } from '@airtight/contracts-engine';
import { isEffect } from '@airtight/protocol';
import { type TimeFormat, timeFormat } from '../i18n/time-format.ts';
import { ALERT_PAGE_TEXTS, type AlertPageTexts } from './alert-page-texts.ts';
import { type AlertCheck, type AlertView, checkAlertFile, type InputLine, type TransitionLine } from './alert-view.ts';
import { make, saveButton } from './dom.ts';
import type { AlertPageDocument } from './evidence-document.ts';
import type { Language } from './evidence-texts.ts';

/** Faults of one step that are written one by one. */
const FAULTS_MAX = 20;

interface Shown {
  readonly head: AlertPageDocument;
  readonly text: string;
  readonly check: AlertCheck;
  readonly tookMs: number;
}

/** Checks the evidence and fills the page. @param text the `airtight-alert@1` */
export function alertPage(root: HTMLElement, head: AlertPageDocument, text: string, first: Language): void {
  let language = first;
  root.replaceChildren(make('p', { class: 'verdict' }, ALERT_PAGE_TEXTS[language].checking));
  // The words above are painted first.
  setTimeout(() => {
    const startedAt = performance.now();
    const check = checkAlertFile(text, head.policy);
    const shown = { head, text, check, tookMs: Math.max(1, Math.round(performance.now() - startedAt)) };
    const show = () => {
      document.documentElement.lang = ALERT_PAGE_TEXTS[language].lang;
      document.title = ALERT_PAGE_TEXTS[language].title;
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
  const texts = ALERT_PAGE_TEXTS[language];
  const { check, head } = shown;
  const other = make('button', { type: 'button', 'data-testid': 'lang' }, texts.other);
  other.addEventListener('click', turn);
  const begin = [make('header', {}, make('h1', {}, titleOf(check, texts, language)), other), verdictOf(shown, texts)];
  if (!check.ok) return [...begin, ...trustOf(shown, texts)];
  const time = timeFormat(head.timeZone);
  return [
    ...begin,
    ...stepsOf(check.value, texts, language),
    ...courseOf(check.value, texts, language, time),
    ...answersOf(check.value, texts, time),
    ...contractOf(check.value, texts),
    make('h2', {}, texts.limits),
    make('ul', {}, ...EVIDENCE_LIMITS.map((limit) => make('li', {}, limit[language])), make('li', {}, texts.limitOfFile)),
    ...trustOf(shown, texts),
    make('h2', {}, `${texts.inputs} (${check.value.inputs.length})`),
    inputsOf(check.value, texts, time),
  ];
}

function titleOf(check: AlertCheck, texts: AlertPageTexts, language: Language): string {
  const raise = check.ok ? check.value.transitions.find(({ transition }) => transition.type === 'raise')?.transition : undefined;
  return raise?.type === 'raise' ? `${texts.title}: ${raise.message[language]}` : texts.title;
}

function verdictOf({ check, tookMs }: Shown, texts: AlertPageTexts): HTMLElement {
  if (!check.ok) {
    const attributes = { class: 'verdict bad', role: 'alert', 'data-testid': 'verdict', 'data-ok': 'false' };
    return make('div', attributes, make('strong', {}, `✗ ${texts.unreadable}`), make('p', {}, `${check.code} ${check.detail}`));
  }
  const { verdict, inputs, proven, checkpoint } = check.value;
  const { ok, replay } = verdict;
  return make(
    'div',
    {
      class: `verdict ${ok ? 'good' : 'bad'}`,
      role: 'status',
      'data-testid': 'verdict',
      'data-ok': String(ok),
      'data-took-ms': String(tookMs),
    },
    make('strong', {}, ok ? `✓ ${texts.verified}` : `✗ ${texts.failed}`),
    make('p', {}, texts.counts(proven, inputs.length, replay.counts.readings, replay.counts.ticks)),
    ...(checkpoint === undefined ? [] : [make('p', {}, texts.ledger(checkpoint.origin, checkpoint.size))]),
    make('p', { class: 'small' }, texts.checkedIn(tookMs)),
  );
}

function stepsOf({ verdict }: AlertView, texts: AlertPageTexts, language: Language): Node[] {
  const items = EVIDENCE_STEPS.map((step) => {
    const faults = verdict.faults.filter((fault) => fault.step === step);
    const lines = faults
      .slice(0, FAULTS_MAX)
      .map(({ position, code, detail }) => `${position === null ? '' : `#${position} `}${code} ${detail}`);
    const more = faults.length > FAULTS_MAX ? [`+ ${faults.length - FAULTS_MAX}`] : [];
    return make(
      'li',
      { class: faults.length === 0 ? '' : 'bad', 'data-step': step, 'data-ok': String(faults.length === 0) },
      `${faults.length === 0 ? '✓' : '✗'} ${EVIDENCE_STEP_WORDS[step][language]}`,
      ...[...lines, ...more].map((line) => make('div', { class: 'small' }, line)),
    );
  });
  return [make('h2', {}, texts.steps), make('ol', {}, ...items)];
}

function courseOf({ transitions }: AlertView, texts: AlertPageTexts, language: Language, time: TimeFormat): Node[] {
  const items = transitions.map((line) => {
    const { transition, position } = line;
    const who = isEffect(transition) ? '' : ` · ${transition.by}`;
    const severity = 'severity' in transition ? ` · ${texts.severities[transition.severity]}` : '';
    return make(
      'li',
      {},
      make('strong', {}, texts.types[transition.type] ?? transition.type),
      `${severity}${who} · ${time.full(transition.at)} ${time.offset(transition.at)} · #${position}`,
      ...saidOf(line, language),
      ...valuesOf(line, texts),
      ...(line.explanation?.expressions ?? []).map((expression) => expressionOf(expression, texts)),
    );
  });
  return [make('h2', {}, texts.course), make('ol', {}, ...items)];
}

function saidOf({ transition }: TransitionLine, language: Language): Node[] {
  const said = 'message' in transition ? transition.message[language] : 'comment' in transition ? transition.comment : '';
  const reason = 'reason' in transition && transition.reason !== undefined ? transition.reason : '';
  return [said, reason].filter((text) => text !== '').map((text) => make('div', {}, text));
}

function valuesOf({ explanation }: TransitionLine, texts: AlertPageTexts): Node[] {
  const values = Object.entries(explanation?.values ?? {});
  if (values.length === 0) return [];
  const rows = values.map(([name, value]) =>
    make('tr', {}, make('td', {}, make('code', {}, name)), make('td', {}, make('code', {}, JSON.stringify(value)))),
  );
  return [make('table', { class: 'expressions' }, make('caption', {}, texts.values), make('tbody', {}, ...rows))];
}

function expressionOf({ name, text, steps }: ExplainedExpression, texts: AlertPageTexts): HTMLElement {
  const rows = steps.map(({ text: part, value }) =>
    make(
      'tr',
      {},
      make('td', {}, make('code', {}, part)),
      make('td', {}, make('code', {}, value === null ? texts.unknown : JSON.stringify(value))),
    ),
  );
  const head = make('caption', {}, make('code', {}, `${name}: ${text}`));
  return make('table', { class: 'expressions', 'data-testid': 'expressions' }, head, make('tbody', {}, ...rows));
}

/** What other regions answered, as far as their signatures hold. */
function answersOf({ verdict }: AlertView, texts: AlertPageTexts, time: TimeFormat): Node[] {
  const answers = verdict.replay.answers.filter(({ fault }) => fault === null);
  if (answers.length === 0) return [];
  const items = answers.map(({ position, region, vkey, receipt, act }) => {
    const at = Date.parse(receipt?.receivedAt ?? act?.at ?? '');
    const said = receipt === null ? `${texts.acknowledged} · ${act?.by ?? ''}` : `${texts.receipt} · ${texts.proofThere(receipt.proof)}`;
    return make(
      'li',
      {},
      make('strong', {}, region),
      ` · ${said} · ${time.full(at)} ${time.offset(at)} · #${position}`,
      ...(act === null || act.comment === '' ? [] : [make('div', {}, act.comment)]),
      make('div', { class: 'small' }, make('code', {}, vkey)),
    );
  });
  return [
    make('h2', {}, texts.answers),
    make('ul', { 'data-testid': 'answers' }, ...items),
    make('p', { class: 'small' }, texts.regionKeys),
  ];
}

function contractOf({ verdict }: AlertView, texts: AlertPageTexts): Node[] {
  const { contract } = verdict.replay;
  if (contract === null) return [];
  const { record, position } = contract;
  return [
    make('h2', {}, texts.contract),
    make('p', {}, texts.signed(record.contract, record.author, record.approver, position)),
    make('p', { class: 'small' }, make('code', {}, record.version)),
    make('pre', { 'data-testid': 'contract-text' }, record.text),
  ];
}

function trustOf({ head, text, check }: Shown, texts: AlertPageTexts): Node[] {
  const name = check.ok ? check.value.evidence.alert : 'alert';
  return [
    make('h2', {}, texts.trust),
    make('pre', { 'data-testid': 'policy' }, head.policy),
    make('p', {}, texts.trustHint),
    make(
      'p',
      { class: 'save' },
      saveButton(texts.save, `${name}.airtight-alert.json`, text),
      saveButton(texts.savePolicy, `${name}.policy`, head.policy),
    ),
  ];
}

function inputsOf({ inputs }: AlertView, texts: AlertPageTexts, time: TimeFormat): HTMLElement {
  const { columns } = texts;
  const titles = [columns.record, columns.producer, `${columns.received} (${time.zone})`, columns.content, columns.state];
  const head = make('thead', {}, make('tr', {}, ...titles.map((title) => make('th', { scope: 'col' }, title))));
  return make('table', { class: 'inputs' }, head, make('tbody', {}, ...inputs.map((line) => rowOf(line, texts, time))));
}

function rowOf({ position, producer, dataset, receivedAt, text, fault }: InputLine, texts: AlertPageTexts, time: TimeFormat): HTMLElement {
  const state = fault === undefined ? `✓ ${texts.proven}` : `✗ ${fault.step}: ${fault.code} ${fault.detail}`;
  return make(
    'tr',
    {
      'data-record': String(position),
      'data-ok': String(fault === undefined),
      ...(fault === undefined ? {} : { 'data-step': fault.step }),
    },
    ...[`#${position}`, `${dataset} · ${producer}`, time.full(receivedAt)].map((cell) => make('td', {}, cell)),
    make('td', {}, make('code', {}, text)),
    make('td', {}, state),
  );
}
