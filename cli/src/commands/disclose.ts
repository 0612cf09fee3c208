/** `airtight disclose`: a proof file that shows some fields of a confidential record, and hides all others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CODES, hashedValue } from '@airtight/protocol';
import { formatBundle, narrowDisclosure, parseBundle } from '@airtight/tlog';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, UsageError } from '../command.ts';
import { PLATFORM_OPTIONS, platformOf, tellingRefusals } from '../platform.ts';
import type { Terminal } from '../terminal.ts';

export const discloseCommand = defineCommand({
  name: 'disclose',
  summary: {
    zh: '披露机密记录的若干字段并附证据，其余仍隐藏',
    en: 'show some fields of a confidential record with their proof, and hide the rest',
  },
  details: {
    zh: 'RECORD 为记录编号，或一个已披露更多字段的证据包文件（离线缩减，无需平台）。字段为 JSON Pointer，如 /m/tvc；另有 payload（原文）、messageId、signature。不给 --fields 则披露全部。结果由 airtight verify 或 /verify 离线核验。',
    en: 'RECORD is a record id, or a proof bundle that shows more (made smaller offline, without the platform). Fields are JSON Pointers such as /m/tvc; and payload (the exact bytes), messageId, signature. Without --fields all are shown. airtight verify and /verify check the result offline.',
  },
  operands: 'RECORD',
  options: {
    fields: { type: 'string', value: 'NAMES', doc: { zh: '字段名，逗号分隔', en: 'names of fields, separated by commas' } },
    out: { type: 'string', value: 'FILE', doc: { zh: '写入的文件（默认标准输出）', en: 'file to write (default: standard output)' } },
    ...PLATFORM_OPTIONS,
    data: DATA_OPTION,
  },
  async run(values, [record, ...more], terminal): Promise<ExitCode> {
    if (record === undefined || more.length > 0) throw new UsageError({ zh: '请给出一条记录', en: 'name one record' });
    const disclose = async (): Promise<ExitCode> => {
      const isRecord = /^\d{1,15}$/.test(record);
      const text = isRecord ? await platformOf(values).proof(record, values.fields) : narrowed(record, values.fields, terminal);
      if (text === undefined) return EXIT.found;
      if (values.out === undefined) terminal.say(text.trimEnd());
      else {
        writeFileSync(values.out, text);
        terminal.say({ zh: `已写入 ${values.out}`, en: `${values.out} is written` });
      }
      return EXIT.ok;
    };
    return tellingRefusals(disclose, terminal, false);
  },
});

/** A bundle that shows fewer fields than the one in the file. @returns undefined when it cannot be made */
function narrowed(file: string, fields: string | undefined, terminal: Terminal): string | undefined {
  const bundle = parseBundle(readFileSync(file, 'utf8'));
  const names = fields?.split(',') ?? [];
  const disclosure = bundle.ok ? bundle.value.disclosure : undefined;
  const unknown = names.find((name) => disclosure?.fields.every((field) => field.name !== name));
  if (!bundle.ok) terminal.note(`${bundle.code}: ${terminal.text(CODES[bundle.code])}: ${bundle.detail}`);
  else if (disclosure === undefined || unknown !== undefined || names.length === 0)
    terminal.note(`FIELD_UNKNOWN: ${terminal.text(CODES.FIELD_UNKNOWN)}: ${unknown ?? fields ?? ''}`);
  else {
    // The key proves a signature, and that is over the whole payload.
    const { deviceKey: _, ...rest } = bundle.value;
    return formatBundle({ ...rest, disclosure: narrowDisclosure(disclosure, names, hashedValue) });
  }
  return undefined;
}
