/** `airtight erase`: the content of confidential records goes for good, and so do the keys that made it provable. */
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { explainRefusal, IngestClient } from '../ingest-client.ts';
import { grouped } from '../progress-bar.ts';
import { systemUser } from '../system-user.ts';

export const eraseCommand = defineCommand({
  name: 'erase',
  summary: {
    zh: '销毁某设备某日的机密内容，其余证据不受影响',
    en: 'erase what a producer sent to confidential datasets on a day; every other proof still verifies',
  },
  details: {
    zh: '内容从日志与存储中删除，盐密钥销毁；哈希、顺序与记录头保留，谁、为何、何时销毁记入 sys.erasures。不可撤销。日为 UTC 接收日。',
    en: 'The content goes out of journal and store, and the keys of its salts are destroyed; hashes, order and headers stay, and sys.erasures says who erased it and why. It cannot be undone. The day is that of receipt, UTC.',
  },
  operands: '',
  options: {
    producer: { type: 'string', value: 'P', doc: { zh: '设备', en: 'the producer' } },
    day: { type: 'string', value: 'YYYY-MM-DD', doc: { zh: 'UTC 接收日', en: 'UTC day of receipt' } },
    reason: { type: 'string', value: 'TEXT', doc: { zh: '理由，记入账本', en: 'why; goes on record' } },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run({ producer, day, reason, ...values }, operands, terminal): Promise<ExitCode> {
    if (producer === undefined || day === undefined || reason === undefined || operands.length > 0) {
      throw new UsageError({ zh: '请给出 --producer、--day 与 --reason', en: '--producer, --day and --reason are wanted' });
    }
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const outcome = await explainRefusal(() => ingest.erase({ producer, day, reason, by: systemUser() }), terminal);
    if (outcome === undefined) return EXIT.found;
    const { count } = outcome;
    if (values.json === true) terminal.json({ producer, day, count });
    else if (count === 0) terminal.say({ zh: '没有可销毁的机密记录。', en: 'There is no confidential record of that producer and day.' });
    else {
      terminal.say({
        zh: `${producer} 在 ${day} 的 ${grouped(count)} 条机密记录已销毁，其余证据不受影响。`,
        en: `${grouped(count)} confidential records of ${producer} on ${day} are erased; every other proof still verifies.`,
      });
    }
    return count === 0 ? EXIT.found : EXIT.ok;
  },
});
