/** What `airtight up` says once everything is ready: where to look, in both languages. */
import { LOOPBACK } from './endpoints.ts';
import { ADMINISTRATOR, type NewAccount } from './first-start/first-records.ts';
import type { Deployment } from './supervise/services.ts';
import type { Terminal } from './terminal.ts';

export interface Welcome {
  readonly deployment: Deployment;
  /** Set on the first start alone. */
  readonly account: NewAccount | undefined;
  readonly tookMs: number;
}

/** The new account with its password, which is shown this once. */
export function accountLines(account: NewAccount, terminal: Terminal): string {
  const bold = (text: string) => terminal.style('bold', text);
  return [
    row('账户 Login', `${bold(account.name)}  ${bold(account.password)}`, terminal),
    `                 ${terminal.style('yellow', '密码只显示这一次，请记下。Shown once: write it down.')}`,
  ].join('\n');
}

export function welcome({ deployment, account, tookMs }: Welcome, terminal: Terminal): string {
  const { data, ports, simulate } = deployment;
  const dim = (text: string) => terminal.style('dim', text);
  const lines = [
    '',
    `  ${terminal.style('bold', '清鉴 Airtight')}  ${dim(`就绪 ready in ${(tookMs / 1000).toFixed(1)} s`)}`,
    '',
    row('打开 Open ', terminal.style(['cyan', 'bold'], `http://${LOOPBACK}:${ports.http}/`), terminal),
    row('设备 MQTT ', `mqtt://${LOOPBACK}:${ports.mqtt}  ${dim('airtight enroll')}`, terminal),
    ...(ports.mqttTls === undefined
      ? []
      : [row('设备 MQTTS', `mqtts://localhost:${ports.mqttTls}  ${dim('airtight enroll --certificate')}`, terminal)]),
    row('数据 Data ', `${data.root}  ${dim('密钥 keys/  日志 logs/')}`, terminal),
    account === undefined
      ? row('账户 Login', dim(`忘记密码 forgotten password: airtight password ${ADMINISTRATOR}`), terminal)
      : accountLines(account, terminal),
  ];
  if (simulate)
    lines.push('', `  ${terminal.style('yellow', '模拟数据，无需登录即可查看。Made-up data: anyone may look without signing in.')}`);
  lines.push('', `  ${dim('Ctrl-C 停止全部 stops everything')}`, '');
  return lines.join('\n');
}

function row(label: string, text: string, terminal: Terminal): string {
  return `  ${terminal.style('green', '➜')}  ${label}  ${text}`;
}
