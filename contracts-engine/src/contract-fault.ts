/** Everything that can be wrong with a contract document, in both languages. `{0}` is the detail. Listed in docs/reference/contracts.md. */
import type { Bilingual } from '@airtight/protocol';

export const CONTRACT_FAULTS = {
  'too-large': { zh: '文档超过 {0} 字节', en: 'The document is larger than {0} bytes' },
  yaml: { zh: 'YAML 语法错误（{0}）', en: 'The YAML cannot be read ({0})' },
  'not-plain': { zh: '不接受锚点、别名、标签和多文档', en: 'Anchors, aliases, tags and further documents are not taken' },
  'key-repeated': { zh: '键重复', en: 'The key stands there twice' },
  'key-unknown': { zh: '未知的键“{0}”', en: 'Unknown key "{0}"' },
  'key-missing': { zh: '缺少键“{0}”', en: 'The key "{0}" is missing' },
  'map-expected': { zh: '此处应为映射（键: 值）', en: 'A map (key: value) is expected here' },
  'list-expected': { zh: '此处应为列表', en: 'A list is expected here' },
  'text-expected': { zh: '此处应为 1 至 {0} 个字符的文本', en: 'A text of 1 to {0} characters is expected here' },
  'list-length': { zh: '列表应有 1 至 {0} 项', en: 'The list must have 1 to {0} items' },
  name: { zh: '名称“{0}”不合法', en: 'The name "{0}" is not allowed' },
  choice: { zh: '应为以下之一：{0}', en: 'Must be one of: {0}' },
  duration: { zh: '“{0}”不是 ISO 8601 时长（如 PT10M、PT10H、P1D）', en: '"{0}" is not an ISO 8601 duration (such as PT10M, PT10H, P1D)' },
  'duration-range': { zh: '时长超出范围：{0}', en: 'The duration is out of range: {0}' },
  flag: { zh: '不能接受标记“{0}”', en: 'The flag "{0}" cannot be accepted' },
  'quality-pass': { zh: 'quality 必须包含 pass', en: 'quality must name pass' },
  'quality-untested': {
    zh: '数据集没有检验“{0}”的规则，不接受 not_evaluated 则永不计入',
    en: 'No test of the dataset judges "{0}": without not_evaluated it would never count',
  },
  'rule-kind': {
    zh: '规则须有 levels，或 severity、raise 和 clear，或 severity 和 noData；不可混用：{0}',
    en: 'A rule has levels, or severity, raise and clear, or severity and noData; not with {0}',
  },
  'rule-repeated': { zh: '规则标识“{0}”重复', en: 'The rule id "{0}" stands there twice' },
  number: { zh: '“{0}”不是允许的数', en: '"{0}" is not a number that is allowed here' },
  zone: {
    zh: '“{0}”不是固定时差的时区；夏令时须在 zone 中写明',
    en: '"{0}" is not a zone with a fixed offset; summer time is written out under zone',
  },
  'day-of-year': {
    zh: '“{0}”不是日期或日期区间（如 2026-10-01/2026-10-07）',
    en: '"{0}" is no date or range of dates (such as 2026-10-01/2026-10-07)',
  },
  'time-of-day': { zh: '“{0}”不是 00:00 至 24:00 的时刻', en: '"{0}" is no time from 00:00 to 24:00' },
  'name-taken': { zh: '名称“{0}”已被使用', en: 'The name "{0}" is taken' },
  'input-unknown': { zh: '没有名为“{0}”的 input', en: 'There is no input "{0}"' },
  'let-cycle': { zh: 'let 值互相引用：{0}', en: 'Values of let read each other: {0}' },
  'alert-cycle': { zh: '规则通过告警判断自身的告警：{0}', en: 'A rule judges its own alerts: {0}' },
  'window-kind': { zh: '窗口须恰有一种聚合；{0}', en: 'A window has exactly one aggregate; {0}' },
  require: { zh: '“{0}”不是完整性要求（如 18 of 24、75%、3）', en: '"{0}" is no completeness rule (such as 18 of 24, 75%, 3)' },
  'window-too-large': {
    zh: '每台设备需保留 {0} 条读数，超过上限',
    en: 'Too many readings would have to be kept per producer: {0}',
  },
  'subject-station': {
    zh: '主体不是单个站点的规则只能读取 stations 窗口：{0}',
    en: 'A rule about several stations reads windows with stations alone, not {0}',
  },
  'alerts-mixed': { zh: '读取告警的规则不能同时读取 {0}', en: 'A rule that reads alerts cannot also use {0}' },
  'rule-unknown': { zh: '没有规则“{0}”', en: 'There is no rule "{0}"' },
  'condition-never': { zh: '条件不可能成立：{0}', en: 'The condition can never hold: {0}' },
  'level-unreachable': {
    zh: '级别“{0}”不可达：更高级别总是同时满足',
    en: 'The severity "{0}" can never be reached: the one above always holds with it',
  },
  'clear-overlap': { zh: '解除条件与触发条件可同时成立：{0}', en: 'The conditions to raise and to clear hold at the same time: {0}' },
  'dataset-unknown': { zh: '没有数据集“{0}”', en: 'There is no dataset "{0}"' },
  'property-unknown': { zh: '数据集中没有属性“{0}”', en: 'The dataset has no property "{0}"' },
  'expression-syntax': { zh: '表达式从“{0}”处起无法识别', en: 'The expression cannot be read from "{0}" on' },
  'expression-limit': { zh: '表达式过大：{0}', en: 'The expression is too large: {0}' },
  'expression-not-allowed': { zh: '表达式中不可使用“{0}”', en: 'The expression must not use "{0}"' },
  'expression-nested': { zh: '“{0}”不可嵌套', en: '"{0}" must not be nested' },
  'expression-type': {
    zh: '类型不符：{0}（数值为 double，请写 1.0 而非 1）',
    en: 'The types do not fit: {0} (values are double: write 1.0, not 1)',
  },
  'expression-not-bool': { zh: '条件的结果须为真或假，现为 {0}', en: 'A condition must be true or false, this one is {0}' },
  'expression-constant': { zh: '条件没有读取任何属性', en: 'The condition reads no property' },
  'expression-cost': { zh: '表达式最坏情况下的计算量过大：{0}', en: 'The expression costs too much in the worst case: {0}' },
  'function-argument': { zh: '该参数须直接写出，取以下之一——{0}', en: 'The argument must be written out, as one of these – {0}' },
  'unit-mismatch': { zh: '单位不一致：{0}', en: 'The units do not match: {0}' },
  'unit-product': { zh: '该乘除运算没有可用的单位：{0}', en: 'There is no unit for this product or quotient: {0}' },
  'unit-scale': {
    zh: '温差或倍数不能换算到零点不同的温标：{0}',
    en: 'A difference or multiple cannot be converted to a scale with another zero: {0}',
  },
  'unit-unknown': { zh: '“{0}”不是 UCUM 单位', en: '"{0}" is no UCUM unit' },
  placeholder: { zh: '未知的占位符“{0}”', en: 'Unknown placeholder "{0}"' },
} as const satisfies { readonly [fault: string]: Bilingual };

export type FaultName = keyof typeof CONTRACT_FAULTS;

/** One error with its place in the document; line and column count from 1, columns in UTF-16 units. */
export interface ContractFault extends Bilingual {
  readonly fault: FaultName;
  readonly line: number;
  readonly column: number;
}

/** Words a fault. */
export function contractFault(fault: FaultName, detail: string, line: number, column: number): ContractFault {
  const { zh, en } = CONTRACT_FAULTS[fault];
  const fill = (text: string): string => text.replace('{0}', () => detail);
  return { fault, line, column, zh: fill(zh), en: fill(en) };
}
