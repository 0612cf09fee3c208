/** `airtight contract`: checked, listed, proposed by one person and approved by another. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CONTRACTS_DATASET, type ContractDraft, type ContractRecord, type PersonalSignature } from '@airtight/protocol';
import type { ApiClient } from '../api-client.ts';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { keyOnRecord, readPersonalKey } from '../enrolment/personal-key.ts';
import { PLATFORM_OPTIONS, platformOf, tellingRefusals } from '../platform.ts';
import type { Terminal } from '../terminal.ts';

interface Version {
  readonly contract: string;
  readonly version: string;
  readonly since: string;
  readonly author: string;
  readonly approver: string;
  readonly record: string;
}
interface Draft {
  readonly draft: string;
  readonly contract: string;
  readonly version: string;
  readonly text: string;
  readonly author: string;
  readonly state: string;
  readonly effectiveFrom: string | null;
}
interface Check {
  readonly contract: string | null;
  readonly version: string | null;
  readonly engine: string;
  readonly faults: readonly { readonly line: number; readonly column: number; readonly zh: string; readonly en: string }[];
}
interface Values {
  readonly at?: string | undefined;
  readonly 'effective-from'?: string | undefined;
  readonly note?: string | undefined;
  readonly 'signing-key'?: string | undefined;
  readonly json?: boolean | undefined;
}
interface Signed {
  readonly signature?: PersonalSignature;
}
type Action = (api: ApiClient, operand: string | undefined, values: Values, terminal: Terminal) => Promise<ExitCode>;

const ACTIONS: { readonly [name: string]: { readonly operand: boolean; readonly run: Action } } = {
  check: { operand: true, run: check },
  list: { operand: false, run: list },
  drafts: { operand: false, run: drafts },
  propose: { operand: true, run: propose },
  approve: { operand: true, run: approve },
};

export const contractCommand = defineCommand({
  name: 'contract',
  summary: {
    zh: '检查合约，列出生效版本，提出草案，由另一人批准',
    en: 'check contracts, list those in force, propose a version, approve one that another person proposed',
  },
  details: {
    zh: 'check FILE：逐行报告错误；list：生效中的版本，--at 为过去某时；drafts：草案；propose FILE：提出草案；approve DRAFT：批准。作者与批准人须为两人：propose 和 approve 需要本人的 API 令牌（--token-file）。',
    en: 'check FILE: tells errors by line and column; list: the versions in force, with --at those of a past moment; drafts: what was proposed; propose FILE: proposes a version; approve DRAFT: approves one. Author and approver are two people: propose and approve take the API token of the person (--token-file).',
  },
  operands: 'check FILE | list | drafts | propose FILE | approve DRAFT',
  options: {
    at: { type: 'string', value: 'TIME', doc: { zh: 'list：该时刻生效的版本', en: 'list: the versions in force at this moment' } },
    'effective-from': {
      type: 'string',
      value: 'TIME',
      doc: { zh: 'propose：自此时生效（默认：批准之时）', en: 'propose: in force from then on (default: from the approval on)' },
    },
    'signing-key': {
      type: 'string',
      value: 'FILE',
      doc: { zh: 'propose、approve：本人的签名密钥', en: "propose, approve: the person's own signing key" },
    },
    note: { type: 'string', value: 'TEXT', doc: { zh: 'propose：说明', en: 'propose: what it is for' } },
    ...PLATFORM_OPTIONS,
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [name = '', operand, ...more], terminal): Promise<ExitCode> {
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined || more.length > 0 || action.operand !== (operand !== undefined))
      throw new UsageError({
        zh: '应为 contract check FILE、list、drafts、propose FILE 或 approve DRAFT',
        en: 'contract takes: check FILE, list, drafts, propose FILE or approve DRAFT',
      });
    const api = platformOf(values);
    return tellingRefusals(() => action.run(api, operand, values, terminal), terminal, values.json === true);
  },
});

async function check(api: ApiClient, file: string | undefined, { json }: Values, terminal: Terminal): Promise<ExitCode> {
  const answer = await api.post<Check>('contracts/check', { text: readFileSync(file as string, 'utf8') });
  const { contract, version, engine, faults } = answer;
  if (json === true) terminal.json(answer);
  else {
    for (const fault of faults) terminal.say(`${file}:${fault.line}:${fault.column}: ${terminal.text(fault)}`);
    if (faults.length === 0)
      terminal.say({
        zh: `${contract} 无误，版本 ${version}（${engine}）`,
        en: `${contract} has no errors; version ${version} (${engine})`,
      });
  }
  return faults.length === 0 ? EXIT.ok : EXIT.found;
}

async function list(api: ApiClient, _: string | undefined, { at, json }: Values, terminal: Terminal): Promise<ExitCode> {
  const { items } = await api.read<{ readonly items: readonly Version[] }>(
    at === undefined ? 'contracts' : `contracts?${new URLSearchParams({ at })}`,
  );
  if (json === true) terminal.json(items);
  else
    for (const one of items) terminal.say(`${one.version}  ${one.since}  #${one.record}  ${one.contract}  ${one.author} / ${one.approver}`);
  return EXIT.ok;
}

async function drafts(api: ApiClient, _: string | undefined, { json }: Values, terminal: Terminal): Promise<ExitCode> {
  const { items } = await api.read<{ readonly items: readonly Draft[] }>('contracts/drafts');
  if (json === true) terminal.json(items);
  else
    for (const one of items)
      terminal.say(`${one.draft}  ${one.state.padEnd(9)}  ${one.contract}  ${one.version}  ${one.author}  ${one.effectiveFrom ?? ''}`);
  return EXIT.ok;
}

async function propose(api: ApiClient, file: string | undefined, values: Values, terminal: Terminal): Promise<ExitCode> {
  const effectiveFrom = values['effective-from'];
  const text = readFileSync(file as string, 'utf8');
  const signature = await signedDraft(api, text, values);
  const draft = await api.post<Draft>('contracts', {
    text,
    ...signature,
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    ...(values.note === undefined ? {} : { note: values.note }),
  });
  if (values.json === true) terminal.json(draft);
  else
    terminal.say({
      zh: `草案 ${draft.draft}：${draft.contract} 版本 ${draft.version}，作者 ${draft.author}。须由另一人批准。`,
      en: `Draft ${draft.draft}: ${draft.contract}, version ${draft.version}, by ${draft.author}. Another person must approve it.`,
    });
  return EXIT.ok;
}

/** The author's own signature on the draft as the service will write it; nothing without a key. */
async function signedDraft(api: ApiClient, text: string, values: Values): Promise<Signed> {
  if (values['signing-key'] === undefined) return {};
  const key = readPersonalKey(values['signing-key']);
  const { contract, version } = await api.post<Check>('contracts/check', { text });
  // The service refuses it with line and column.
  if (contract === null || version === null) return {};
  const said = { at: Date.now(), id: randomBytes(8).toString('hex') };
  const from = values['effective-from'];
  const draft: ContractDraft = {
    ...{ type: 'contract-draft', draft: said.id, contract, version, text, author: (await keyOnRecord(key, api)).person },
    ...{ at: said.at, note: values.note ?? '' },
    ...(from === undefined ? {} : { effectiveFrom: Date.parse(from) }),
  };
  return { signature: key.sign(CONTRACTS_DATASET, draft, said) };
}

/** The approver's own signature on the contract as the service will write it; nothing without a key. */
async function signedApproval(api: ApiClient, id: string, values: Values): Promise<Signed> {
  if (values['signing-key'] === undefined) return {};
  const key = readPersonalKey(values['signing-key']);
  const { items } = await api.read<{ readonly items: readonly Draft[] }>('contracts/drafts');
  const known = items.find(({ draft }) => draft === id);
  if (known === undefined) return {};
  const { draft, contract, version, text, author, effectiveFrom } = known;
  const record: ContractRecord = {
    ...{ type: 'contract', contract, version, text, author, approver: (await keyOnRecord(key, api)).person, draft },
    ...(effectiveFrom === null ? {} : { effectiveFrom: Date.parse(effectiveFrom) }),
  };
  return { signature: key.sign(CONTRACTS_DATASET, record) };
}

async function approve(api: ApiClient, draft: string | undefined, values: Values, terminal: Terminal): Promise<ExitCode> {
  const id = draft as string;
  const approved = await api.post<Version>(`contracts/drafts/${encodeURIComponent(id)}/approve`, await signedApproval(api, id, values));
  const { json } = values;
  if (json === true) terminal.json(approved);
  else
    terminal.say({
      zh: `${approved.contract} 版本 ${approved.version} 自 ${approved.since} 生效（记录 ${approved.record}）`,
      en: `${approved.contract}, version ${approved.version}, is in force from ${approved.since} (record ${approved.record})`,
    });
  return EXIT.ok;
}
