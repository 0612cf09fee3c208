/** `airtight witness init | join`: regions cosign each other's ledgers. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, UsageError } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import { readConfigFile } from '../supervise/ports.ts';
import type { Terminal } from '../terminal.ts';
import { joinRegions, type Membership, makeCard } from '../witnessing/join-regions.ts';
import { readCard } from '../witnessing/region-card.ts';

const USAGE = {
  zh: '用法：airtight witness init --url URL，或 airtight witness join FILE...',
  en: 'say airtight witness init --url URL, or airtight witness join FILE...',
};

export const witnessCommand = defineCommand({
  name: 'witness',
  summary: {
    zh: '与其他地区互为见证：制作本地区名片（init），加入其他地区的名片（join）',
    en: 'cosign with other regions: make the card of this region (init), take in the cards of others (join)',
  },
  details: {
    zh: '名片是 tlog-policy 文件，含账本与见证方的公钥和地址；请经由比网络更可信的途径交换。join 写入 keys/witness-logs 与 policy，重启后生效。',
    en: 'A card is a tlog-policy file with the public keys of ledger and witness and their addresses: exchange it by a way that you trust more than the network. join writes keys/witness-logs and the policy; both hold from the next start on.',
  },
  operands: 'init | join FILE...',
  options: {
    url: {
      type: 'string',
      value: 'URL',
      doc: { zh: 'init：本部署的对外地址', en: 'init: where this deployment is reached from outside' },
    },
    name: {
      type: 'string',
      value: 'WORD',
      doc: {
        zh: 'init：策略文件中的简称（默认取见证方名称末段）',
        en: "init: what policies call it (default: last part of the witness's name)",
      },
    },
    outside: {
      type: 'string',
      value: 'FILE',
      multiple: true,
      doc: {
        zh: 'join：外部见证方的名片，可重复；至少一家须联署',
        en: 'join: card of an outside witness, repeatable; one of them must cosign too',
      },
    },
    config: {
      type: 'string',
      value: 'FILE',
      doc: { zh: '配置文件（YAML，按服务分节）', en: 'configuration file (YAML, a section per service)' },
    },
    data: DATA_OPTION,
  },
  async run(values, [action, ...files], terminal): Promise<ExitCode> {
    const config = readConfigFile(values.config === undefined ? undefined : resolve(values.config));
    const membership: Membership = { data: dataDirectory(values.data), config, env: process.env };
    if (action === 'init' && files.length === 0 && values.url !== undefined)
      return await init(membership, values.url, values.name, terminal);
    if (action === 'join' && files.length > 0) return await join(membership, files, values.outside ?? [], terminal);
    throw new UsageError(USAGE);
  },
});

async function init(membership: Membership, url: string, name: string | undefined, terminal: Terminal): Promise<ExitCode> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError({ zh: '--url 应为 http(s) 地址', en: '--url takes an http(s) address' });
  const card = await makeCard(membership, url, name);
  writeFileSync(membership.data.regionCardFile, card, { flush: true });
  terminal.say(card.trimEnd());
  terminal.note({
    zh: `已写入 ${membership.data.regionCardFile}：交给其他地区。`,
    en: `Written to ${membership.data.regionCardFile}: hand it to the other regions.`,
  });
  return EXIT.ok;
}

async function join(membership: Membership, files: readonly string[], outside: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { witnessLogsFile, policyFile, isPolicySet } = await joinRegions(membership, files.map(readCard), outside.map(readCard));
  terminal.say({ zh: `为其联署：${witnessLogsFile}`, en: `Cosigns for:   ${witnessLogsFile}` });
  terminal.say({
    zh: `由其联署：${policyFile}（也交给所有验证者）`,
    en: `Is cosigned by: ${policyFile} (give it to everyone who verifies)`,
  });
  if (!isPolicySet) {
    terminal.note({
      zh: `请在配置文件 ledger 一节写入 policyFile: ${policyFile}，否则不会请求联署。`,
      en: `Write policyFile: ${policyFile} into section "ledger" of the configuration file: nobody is asked to cosign otherwise.`,
    });
  }
  return EXIT.ok;
}
