/** `airtight key new`: the signing key that is to take over from the ledger's present one. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CODES } from '@airtight/protocol';
import { vkeyFileOf } from '../audit/auditor-key.ts';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory } from '../data-directory.ts';
import { readConfigFile } from '../supervise/ports.ts';

export const keyCommand = defineCommand({
  name: 'key',
  summary: { zh: '为账本制作接替现用密钥的新签名密钥', en: "make the signing key that is to take over from the ledger's present one" },
  details: {
    zh: 'key new FILE 为账本的来源名生成新的 Ed25519 密钥，写入 FILE（0600），公钥写入同名的 .vkey 文件。可在另一台不联网的机器上以 --origin 制作。随后如何接替：见 docs/reference/witness.md 与 SECURITY.md。',
    en: "key new FILE makes a new Ed25519 key for the ledger's origin: FILE (0600), and its public half beside it, ending in .vkey. It can be made on another machine, without network, with --origin. How it takes over: docs/reference/witness.md and SECURITY.md.",
  },
  operands: 'new FILE',
  options: {
    origin: {
      type: 'string',
      value: 'NAME',
      doc: { zh: '账本的来源名（默认：设置中的）', en: 'origin of the ledger (default: that of the settings)' },
    },
    config: {
      type: 'string',
      value: 'FILE',
      doc: { zh: '配置文件（YAML，按服务分节）', en: 'configuration file (YAML, a section per service)' },
    },
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [what, file, ...more] = operands;
    if (what !== 'new' || file === undefined || more.length > 0)
      throw new UsageError({ zh: '用法：airtight key new FILE', en: 'say airtight key new FILE' });
    const { generateLedgerKey, LedgerError, resolveLedgerConfig } = await import('@airtight/ledger');
    try {
      const config = readConfigFile(values.config === undefined ? undefined : resolve(values.config));
      const env = { ...process.env, AIRTIGHT_DATA: dataDirectory(values.data).root };
      const origin = values.origin ?? resolveLedgerConfig(config?.['ledger'], env).origin;
      const vkey = await generateLedgerKey(file, origin);
      writeFileSync(vkeyFileOf(file), `${vkey}\n`, { flush: true });
      if (values.json === true) terminal.json({ key: file, vkey });
      else
        terminal.say({
          zh: `新密钥：${file}（切勿外传）\n验证公钥：${vkey}`,
          en: `Key:          ${file} (give it to nobody)\nVerifier key: ${vkey}`,
        });
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      terminal.note(`${error.code}: ${terminal.text(CODES[error.code])}: ${error.detail}`);
      return EXIT.found;
    }
  },
});
