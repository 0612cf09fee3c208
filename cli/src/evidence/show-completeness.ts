/** A completeness proof, of one part or of many, held against a policy, and told: step by step, then what each expected time got. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Bilingual,
  CODES,
  COMPLETENESS_LIMITS,
  type CompletenessProof,
  type CompletenessStepName,
  type CompletenessVerdict,
  CompletenessVerifier,
  decodeBatchRecord,
  parseCompletenessProof,
  type SlotRun,
  slotsText,
} from '@airtight/protocol';
import { type Policy, sha256FromLatin1 } from '@airtight/tlog';
import { EXIT, type ExitCode } from '../command.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

const STEPS: { readonly [step in CompletenessStepName]: Bilingual } = {
  chain: { zh: '批次首尾相连，没有缺失', en: 'The batches follow each other, none is missing' },
  ledger: { zh: '最后一个批次确在账本中', en: 'The last batch is an entry of the ledger' },
  checkpoint: { zh: '检查点由受信账本签名', en: 'The checkpoint is signed by a ledger you trust' },
  witnesses: { zh: '见证方联署满足策略', en: 'The witnesses your policy asks for have cosigned' },
  producers: { zh: '每个批次中该生产者的记录数已证', en: 'How many records of the producer each batch holds is proven' },
  records: { zh: '这些记录全部出示', en: 'All of these records are shown' },
  range: { zh: '批次覆盖所问的时段', en: 'The batches cover the range' },
};
const KINDS: { readonly [kind in SlotRun['kind']]: Bilingual } = {
  late: { zh: '迟到', en: 'late' },
  missing: { zh: '设备计数的编号从未到达', en: 'numbers that the device counted never arrived' },
  deleted: { zh: '已按保留策略删除', en: 'removed by policy' },
  withheld: { zh: '账本中有记录，但未出示', en: 'there is a record, and it is not shown' },
  'no-reading': { zh: '没有读数', en: 'no reading' },
};
/** Runs that are told one by one; the JSON has all. */
const RUNS_SHOWN_MAX = 20;
const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

export interface CompletenessCheck {
  readonly policy: Policy;
  readonly asJson: boolean;
}

/** @param files the parts of one proof in any order; no more than one is in memory at a time */
export function showCompleteness(files: readonly string[], { policy, asJson }: CompletenessCheck, terminal: Terminal): ExitCode {
  const verifier = new CompletenessVerifier(policy, { sha });
  let last: CompletenessProof | undefined;
  for (const [at, file] of (files.length > 1 ? inOrder(files) : files).entries()) {
    if (files.length > 1) terminal.progress({ zh: `${at + 1}/${files.length} 部分`, en: `part ${at + 1} of ${files.length}` });
    const part = parseCompletenessProof(readFileSync(file, 'utf8'));
    if (!part.ok) {
      if (asJson) terminal.json({ ok: false, file, code: part.code, detail: part.detail, steps: [] });
      else terminal.say(`${terminal.style('red', '✗')} ${file}: ${part.code} ${terminal.text(CODES[part.code])}: ${part.detail}`);
      return EXIT.found;
    }
    verifier.take(part.value);
    last = { ...part.value, batches: [] };
  }
  const verdict = verifier.verdict();
  if (asJson) terminal.json(verdict);
  else if (last !== undefined) tell(last, verdict, terminal);
  return verdict.ok ? EXIT.ok : EXIT.found;
}

/** By the number of the first batch; what cannot be read comes first, to be named. */
function inOrder(files: readonly string[]): readonly string[] {
  const numbered = files.map((file) => {
    const part = parseCompletenessProof(readFileSync(file, 'utf8'));
    const batch = part.ok ? decodeBatchRecord(part.value.batches[0]?.record ?? new Uint8Array(0)) : part;
    return { file, seq: batch.ok ? batch.value.seq : -1 };
  });
  return numbered.sort((a, b) => a.seq - b.seq).map(({ file }) => file);
}

function tell(proof: CompletenessProof, verdict: CompletenessVerdict, terminal: Terminal): void {
  for (const { step, ok: holds, code, detail } of verdict.steps) {
    terminal.say(`${holds ? terminal.style('green', '✓') : terminal.style('red', '✗')} ${terminal.text(STEPS[step])}`);
    terminal.say(`    ${code === undefined ? '' : `${code} ${terminal.text(CODES[code])}: `}${detail}`);
  }
  tellSlots(proof, verdict, terminal);
  terminal.say(
    verdict.ok
      ? {
          zh: `${proof.producer} 截至 ${timeText(proof.until)} 收到的记录没有遗漏。`,
          en: `Of ${proof.producer} nothing is left out that was received until ${timeText(proof.until)}.`,
        }
      : { zh: '未能证明没有遗漏。', en: 'It is not proven that nothing is left out.' },
  );
  if (verdict.ok) tellLimits(terminal);
}

function tellSlots({ from, to }: CompletenessProof, { slots }: CompletenessVerdict, terminal: Terminal): void {
  if (slots === undefined) return;
  terminal.say(`${timeText(from)} – ${timeText(to)}: ${terminal.text(slotsText(slots))}`);
  for (const run of slots.runs.slice(0, RUNS_SHOWN_MAX)) terminal.say(`    ${runText(run, terminal)}`);
  const more = slots.runs.length - RUNS_SHOWN_MAX;
  if (more > 0) terminal.say({ zh: `    另有 ${grouped(more)} 段未列出`, en: `    and ${grouped(more)} more` });
}

function runText({ kind, from, to, slots, numbers, delayMs }: SlotRun, terminal: Terminal): string {
  const when = slots === 1 ? timeText(from) : `${timeText(from)} – ${timeText(to)} (${grouped(slots)})`;
  const named = numbers === undefined ? '' : ` ${numbers.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ')}`;
  const delay = delayMs === undefined ? '' : ` +${Math.round(delayMs / 1000)} s`;
  return `${when}  ${terminal.text(KINDS[kind])}${named}${delay}`;
}

function tellLimits(terminal: Terminal): void {
  terminal.say({ zh: '这不证明的是：', en: 'What this does not prove:' });
  for (const limit of COMPLETENESS_LIMITS) terminal.say(`  – ${terminal.text(limit)}`);
}

function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
