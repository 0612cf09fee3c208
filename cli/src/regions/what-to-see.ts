/** What `airtight regions` says once the regions cosign each other, in both languages. */
import type { Terminal } from '../terminal.ts';
import type { Region } from './region.ts';
import { commonPolicyFile } from './set-up-regions.ts';

export function whatToSee(root: string, regions: readonly Region[], terminal: Terminal): string {
  const bold = (text: string) => terminal.style(['cyan', 'bold'], text);
  const dim = (text: string) => terminal.style('dim', text);
  const row = ({ title, url }: Region) => `  ${terminal.style('green', '➜')}  ${title.zh} ${title.en.padEnd(8)} ${bold(`${url}/ledger`)}`;
  return [
    '',
    `  ${terminal.style('bold', '清鉴 Airtight')}  ${dim('三地互为见证 three regions, witnesses of each other')}`,
    '',
    ...regions.map(row),
    '',
    '  每页的“见证方”一栏：另两地已联署到哪一条，检查点是否终局。',
    '  Panel "Witnesses" on each page: how far the other two have cosigned, and whether the checkpoint is final.',
    '  告警互发：“告警”页的“其他地区”一栏，注明来源与是否已由其账本证明。',
    '  Alerts go to the other two: page "Alerts", list "Other regions", with whose they are and whether its ledger proves them.',
    '',
    `  令天津篡改历史 Let Tianjin fork:  ${bold('pnpm demo:regions --fork tianjin')}  ${dim('另一终端 in another terminal')}`,
    `  验证者的策略 Policy for readers:   ${commonPolicyFile(root)}  ${dim('airtight verify FILE --policy …')}`,
    `  账户 Login:  airtight password admin --data ${regions[0]?.data.root}`,
    '',
    `  ${dim('Ctrl-C 停止全部 stops everything')}`,
    '',
  ].join('\n');
}
