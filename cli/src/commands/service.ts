/** `airtight ingest | ledger | api`: one service alone, in this process, with the settings of its own environment. */
import { pathToFileURL } from 'node:url';
import { type Command, defineCommand, EXIT, type ExitCode } from '../command.ts';
import { serviceMain } from '../supervise/services.ts';

function serviceCommand(name: 'ledger' | 'ingest' | 'api', zh: string, en: string): Command {
  const prefix = `AIRTIGHT_${name.toUpperCase()}_…`;
  return defineCommand({
    name,
    summary: { zh, en },
    details: {
      zh: `设置取自环境变量 ${prefix}，其次是 AIRTIGHT_CONFIG 所指文件的 ${name} 一节。`,
      en: `Settings come from the environment (${prefix}), then from section "${name}" of the file that AIRTIGHT_CONFIG names.`,
    },
    operands: '',
    options: {},
    async run(): Promise<ExitCode> {
      const main = serviceMain(name);
      process.argv = [process.execPath, main];
      await import(pathToFileURL(main).href);
      return EXIT.ok;
    },
  });
}

export const ledgerCommand = serviceCommand('ledger', '单独运行 ledger（透明日志）', 'run the ledger alone: the transparency log');
export const ingestCommand = serviceCommand('ingest', '单独运行 ingest（接收与日志）', 'run ingest alone: broker and journal');
export const apiCommand = serviceCommand('api', '单独运行 api（查询、告警与网页）', 'run the api alone: queries, alerts and pages');
