/** `airtight password NAME`: a new password for a local account. */
import type { Role } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { writeAccount } from '../first-start/account.ts';
import { ADMINISTRATOR } from '../first-start/first-records.ts';
import { IngestClient } from '../ingest-client.ts';

const ROLES: readonly string[] = ['viewer', 'operator', 'administrator'] satisfies Role[];
const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

export const passwordCommand = defineCommand({
  name: 'password',
  summary: {
    zh: '为本地账户生成新密码（没有则新建），只显示一次',
    en: 'a new password for a local account (made when missing), shown once',
  },
  operands: 'NAME',
  options: {
    data: DATA_OPTION,
    role: {
      type: 'string',
      value: 'ROLE',
      doc: {
        zh: '角色：viewer、operator 或 administrator（除 admin 外必须给出）',
        en: 'viewer, operator or administrator (needed for any account but admin)',
      },
    },
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [name = ADMINISTRATOR, ...more] = operands;
    if (more.length > 0 || !ACCOUNT_NAME.test(name)) {
      throw new UsageError({ zh: '应给出一个账户名', en: 'one account name is taken' });
    }
    const role = roleOf(name, values.role);
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const password = await writeAccount(ingest, name, role);
    if (values.json === true) terminal.json({ name, role, password });
    else
      terminal.say({
        zh: `${name}（${role}）的新密码，只显示这一次：${password}`,
        en: `New password of ${name} (${role}), shown once: ${password}`,
      });
    return EXIT.ok;
  },
});

/** The record replaces the account's last one, role and all, so the role is never guessed for anyone but `admin`. */
function roleOf(name: string, asked: string | undefined): Role {
  const role = asked ?? (name === ADMINISTRATOR ? 'administrator' : undefined);
  if (role === undefined) throw new UsageError({ zh: `请用 --role 给出 ${name} 的角色`, en: `say with --role which role ${name} has` });
  if (!ROLES.includes(role)) throw new UsageError({ zh: `没有角色 ${role}`, en: `There is no role ${role}` });
  return role as Role;
}
