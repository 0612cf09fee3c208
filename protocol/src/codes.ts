/**
 * Every stable code the product answers with: refusals, quarantine reasons, HTTP problems, verdicts. Declared once,
 * here; docs/reference/codes.md lists them, and a test holds the two together. A code never changes its meaning.
 */
import type { Bilingual } from './control.ts';

interface CodeEntry extends Bilingual {
  /** HTTP status where the code is answered over HTTP. */
  readonly status: number;
}

export const CODES = {
  // Admission: the message is acknowledged and kept in quarantine.
  PAYLOAD_NOT_JSON: { status: 422, zh: '内容不是合法的 JSON', en: 'The payload is not valid JSON' },
  PAYLOAD_SHAPE: { status: 422, zh: '内容的结构不符合约定', en: 'The payload does not have the agreed shape' },
  PAYLOAD_TOO_LARGE: { status: 413, zh: '内容超过大小上限', en: 'The payload is larger than the limit' },
  FORMAT_UNKNOWN: { status: 415, zh: '不支持该内容格式', en: 'Payloads of this format are not read' },
  NUMBER_NOT_FINITE: { status: 422, zh: '数值超出可表示范围', en: 'A number is not finite' },
  TIME_INVALID: { status: 422, zh: '时间缺失或无法识别', en: 'The time is missing or cannot be read' },
  TIME_TOO_EARLY: { status: 422, zh: '时间早于该数据集接受的最早时间', en: 'The time lies before the earliest the dataset takes' },
  UNIT_UNKNOWN: { status: 422, zh: '单位无法识别', en: 'The unit is not known' },
  UNIT_INCOMPATIBLE: { status: 422, zh: '单位与数据集的单位无法换算', en: "The unit cannot be converted to the dataset's" },
  PROPERTY_UNKNOWN: { status: 422, zh: '数据集没有该指标', en: 'The dataset has no such property' },
  PROPERTY_MISSING: { status: 422, zh: '缺少必需的指标', en: 'A required property is missing' },
  TOPIC_NOT_ALLOWED: { status: 403, zh: '设备无权向该主题发布', en: 'The device may not publish to this topic' },
  RETAIN_NOT_ALLOWED: { status: 422, zh: '遥测主题不接受保留消息', en: 'Retained messages are not taken on telemetry topics' },
  SIGNATURE_INVALID: { status: 422, zh: '设备或本人的签名无效', en: 'The signature of the device or person is not valid' },
  SIGNATURE_MISSING: { status: 422, zh: '缺少设备或本人的签名', en: 'The signature of the device or person is missing' },
  SIGNING_KEY_WRONG: {
    status: 422,
    zh: '签名密钥不是该设备或该人当时的密钥',
    en: 'The signing key is not that of the device or person at that time',
  },
  SPARKPLUG_BIRTH_MISSING: {
    status: 422,
    zh: '缺少定义该指标的 Sparkplug 出生报文，已请求重发',
    en: 'No Sparkplug birth defines this metric; a rebirth is requested',
  },
  SPARKPLUG_BIRTH_INVALID: {
    status: 422,
    zh: 'Sparkplug 出生报文中的指标名或别名无法区分',
    en: 'A Sparkplug birth holds a metric whose name or alias is not its own',
  },
  SPARKPLUG_DEATH_STALE: {
    status: 422,
    zh: 'Sparkplug 离线报文属于更早的会话',
    en: 'The Sparkplug death belongs to an earlier session',
  },
  HJ212_MALFORMED: { status: 422, zh: 'HJ 212 报文有误或校验不符', en: 'The HJ 212 frame is malformed or its checksum does not match' },
  // Files that are imported.
  FILE_BROKEN: { status: 422, zh: '文件已损坏或不是所称的格式', en: 'The file is damaged or not of its format' },
  FILE_TRUNCATED: { status: 422, zh: '文件在此处中断', en: 'The file breaks off here' },
  LINE_UNREADABLE: { status: 422, zh: '文件中的此行无法读取', en: 'This line of the file cannot be read' },
  SUMMARY_MISMATCH: { status: 422, zh: '记录仪的汇总与其读数不符', en: "The logger's summary differs from its readings" },
  // Identity.
  CREDENTIALS_ENDED: { status: 401, zh: '凭据已被吊销或已过期', en: 'The credentials have been revoked or have expired' },
  CREDENTIAL_TAKEN: { status: 409, zh: '该证书已登记给另一设备', en: 'The certificate is enrolled for another device' },
  CLAIM_WRONG: {
    status: 401,
    zh: '认领码或部署密钥错误、已用过或已过期',
    en: 'The claim code or provisioning key is wrong, used or expired',
  },
  FLEET_FULL: { status: 409, zh: '该批次的设备数量已达上限', en: 'The fleet has as many devices as it may have' },
  CA_MISSING: { status: 409, zh: '本部署尚无证书颁发机构', en: 'This deployment has no certificate authority yet' },
  CA_EXISTS: { status: 409, zh: '本部署已有证书颁发机构', en: 'This deployment has a certificate authority' },
  CREDENTIALS_WRONG: { status: 401, zh: '用户名或密码错误', en: 'Wrong user name or password' },
  SESSION_REQUIRED: { status: 401, zh: '请先登录', en: 'Please sign in' },
  CSRF_TOKEN_WRONG: { status: 403, zh: '请求缺少有效的防伪令牌', en: 'The request lacks a valid CSRF token' },
  ROLE_REQUIRED: { status: 403, zh: '您的角色无权执行此操作', en: 'Your role does not permit this' },
  RATE_LIMITED: { status: 429, zh: '请求过于频繁，请稍后再试', en: 'Too many requests; try again later' },
  CLIENT_ID_REQUIRED: { status: 400, zh: '非清洁会话必须提供客户端标识', en: 'A session that is kept needs a client id' },
  PRODUCER_EXISTS: { status: 409, zh: '该设备名已被使用', en: 'A producer of this name exists' },
  PERSON_KEY_EXISTS: { status: 409, zh: '该人的签名密钥已在案', en: 'A signing key of the person is on record' },
  NAME_TAKEN: { status: 409, zh: '该名称已被使用', en: 'The name is taken' },
  NAME_INVALID: { status: 400, zh: '名称不合法', en: 'The name is not allowed' },
  // Requests.
  REQUEST_INVALID: { status: 400, zh: '请求参数不正确', en: 'The request is not valid' },
  IDEMPOTENCY_KEY_BUSY: { status: 409, zh: '使用该幂等键的请求仍在处理中', en: 'A request with this idempotency key is still under way' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, zh: '该幂等键已用于另一内容', en: 'The idempotency key was used for another request' },
  RECORD_EXPIRED: {
    status: 410,
    zh: '记录内容已按保留策略删除或被销毁，仅存哈希与头部',
    en: 'The payload was removed by the retention policy or erased; hash and header are kept',
  },
  NOT_FOUND: { status: 404, zh: '未找到', en: 'Not found' },
  RECORD_NOT_SEALED: { status: 409, zh: '记录已存储，尚未封入批次', en: 'The record is stored but its batch is not sealed yet' },
  RECORD_NOT_ANCHORED: { status: 409, zh: '记录的批次尚未写入账本', en: 'The record is stored but its batch is not in the ledger yet' },
  PROOF_SET_TOO_LARGE: {
    status: 422,
    zh: '所求记录过多，一份证据放不下，请缩小范围',
    en: 'More records than one proof file takes; narrow the range',
  },
  CURSOR_INVALID: { status: 400, zh: '游标无效', en: 'The cursor is not valid' },
  CURSOR_BEYOND_HEAD: { status: 416, zh: '游标超出日志末端', en: 'The cursor lies beyond the end of the journal' },
  ALERT_NOT_OPEN: { status: 409, zh: '该告警已确认或已关闭', en: 'The alert is acknowledged or closed already' },
  ALERT_STATE_UNFIT: { status: 409, zh: '该告警的当前状态不允许此操作', en: 'The alert does not allow this as it stands' },
  ALERT_TALK_FULL: { status: 409, zh: '该告警的备注和指派已达上限', en: 'The alert has as many comments and assignments as it may' },
  CHANNEL_INVALID: { status: 422, zh: '渠道设置不合法', en: 'The settings of the channel are not valid' },
  SHELF_END_INVALID: { status: 422, zh: '搁置须在 24 小时内结束', en: 'Shelving must end within the next 24 hours' },
  ASSIGNEE_UNKNOWN: { status: 422, zh: '没有可处置告警的这个账户', en: 'No account of this name may act on alerts' },
  PERSON_REQUIRED: { status: 403, zh: '此操作须由登录的人进行', en: 'This takes a person who is signed in' },
  OUT_OF_SERVICE_FULL: { status: 409, zh: '停用的规则已达上限', en: 'As many rules are out of service as may be' },
  QUERY_TOO_SLOW: { status: 504, zh: '查询超时，请缩小范围', en: 'The query took too long; narrow it' },
  OVERLOADED: { status: 503, zh: '系统繁忙，请稍后重试', en: 'Too busy; try again later' },
  JOURNAL_UNWRITABLE: {
    status: 503,
    zh: '日志暂时无法写入，不再确认任何消息',
    en: 'The journal cannot be written; nothing is acknowledged',
  },
  DISK_RESERVE_REACHED: { status: 503, zh: '磁盘剩余空间已到预留下限，暂停接收', en: 'The disk is down to its reserve; nothing is taken' },
  CONNECTIONS_EXCEEDED: { status: 429, zh: '连接数或连接速率超过上限', en: 'Too many connections, or too many at a time' },
  SERVICE_UNAVAILABLE: { status: 503, zh: '所依赖的服务暂不可用', en: 'A service this needs is not available' },
  INTERNAL: { status: 500, zh: '内部错误', en: 'Internal error' },
  QUARANTINE_CUT: { status: 409, zh: '隔离区未保留完整内容，无法重放', en: 'Quarantine does not hold the whole message' },
  QUARANTINE_NOT_ADMISSION: { status: 409, zh: '该消息不因内容被隔离，无法重放', en: 'The message was not refused for its content' },
  QUARANTINE_RELEASED: { status: 409, zh: '该消息已重放', en: 'The message is released already' },
  // Datasets and contracts.
  DATASET_INVALID: { status: 422, zh: '数据集定义有误', en: 'The dataset definition has errors' },
  CONTRACT_INVALID: { status: 422, zh: '合约文档有误', en: 'The contract document has errors' },
  // Stored data that is not what it should be: audit and verify name the place.
  RECORD_MALFORMED: { status: 500, zh: '记录格式错误', en: 'The record is malformed' },
  BATCH_MALFORMED: { status: 500, zh: '批次记录格式错误', en: 'The batch record is malformed' },
  JOURNAL_LOCKED: { status: 503, zh: '另一进程正在写入该日志', en: 'Another process writes this journal' },
  JOURNAL_CORRUPT: { status: 500, zh: '日志内容已损坏', en: 'The journal is corrupt' },
  JOURNAL_BEHIND_BATCHES: { status: 500, zh: '日志缺少已封批次的记录', en: 'The journal lacks records that a sealed batch covers' },
  PAYLOAD_HIDDEN: {
    status: 403,
    zh: '机密数据集的内容未在此披露',
    en: 'The record is of a confidential dataset, and its content is not disclosed here',
  },
  FIELD_UNKNOWN: { status: 404, zh: '记录中没有该字段', en: 'The record has no such field' },
  SALTS_UNREADABLE: {
    status: 500,
    zh: '机密记录的盐密钥无法读取',
    en: 'The keys of the salts of confidential records cannot be read',
  },
  COMMITMENT_MISMATCH: {
    status: 500,
    zh: '机密记录的内容与其承诺不符',
    en: 'The content of a confidential record is not what its commitment says',
  },
  RETENTION_MISMATCH: {
    status: 500,
    zh: '内容缺失，与保留策略的删除记录不符',
    en: 'A payload is missing that no retention record says is removed',
  },
  BATCH_ROOT_MISMATCH: { status: 500, zh: '批次根与日志记录不符', en: 'The batch root does not match the journal records' },
  BATCH_PRODUCERS_MISMATCH: {
    status: 500,
    zh: '批次的生产者索引与日志记录不符',
    en: "The batch's index of producers does not match the journal records",
  },
  GAPS_UNRECORDED: { status: 200, zh: '编号缺口过多，未逐一记录', en: 'Too many gaps in the numbers of a device to put each on record' },
  RECORDS_WITHHELD: {
    status: 422,
    zh: '批次中该生产者的部分记录未出示',
    en: 'Records of the producer that stand in a batch are not shown',
  },
  RANGE_NOT_COVERED: { status: 422, zh: '批次链未覆盖所问的时段', en: 'The chain of batches does not cover the range that is asked about' },
  RECEIPT_MALFORMED: { status: 422, zh: '回执无法读取', en: 'A receipt cannot be read' },
  RECEIPT_HOLDS: { status: 200, zh: '回执与所示记录相符', en: 'The receipt holds' },
  RECEIPT_WITHHELD: { status: 422, zh: '回执称已存的记录未出示', en: 'The record that the receipt says is stored is not shown' },
  RECEIPT_SWAPPED: { status: 422, zh: '所示记录不是回执所称的那一条', en: 'Another record is shown than the receipt names' },
  RECEIPT_ANCHOR_MISMATCH: {
    status: 422,
    zh: '所示批次或账本条目与回执不同',
    en: 'The batch or its ledger entry is not the one that the receipt names',
  },
  RECEIPT_CHECKPOINT_BEHIND: {
    status: 422,
    zh: '所示检查点小于回执所称',
    en: 'The checkpoint that is shown is smaller than that of the receipt',
  },
  BATCH_CHAIN_BROKEN: { status: 500, zh: '批次链断裂', en: 'The chain of batches is broken' },
  LEDGER_ENTRY_MISMATCH: { status: 500, zh: '账本条目与批次记录不符', en: 'The ledger entry does not match the batch record' },
  LEDGER_TILE_MISMATCH: { status: 500, zh: '账本瓦片与条目不符', en: 'A ledger tile does not match the entries' },
  LEDGER_ROOT_MISMATCH: { status: 500, zh: '账本根与检查点不符', en: 'The ledger root does not match the checkpoint' },
  CHECKPOINT_INVALID: { status: 500, zh: '检查点无效', en: 'The checkpoint is not valid' },
  LEDGER_BEHIND_CHECKPOINT: {
    status: 500,
    zh: '账本数据库旧于已发布的检查点',
    en: 'The ledger database is older than the published checkpoint',
  },
  LEDGER_STATE_INVALID: { status: 500, zh: '账本数据库无效', en: 'The ledger database is not valid' },
  LEDGER_LOCKED: { status: 503, zh: '另一进程正在写入该账本', en: 'Another process writes this ledger' },
  LEDGER_EXISTS: { status: 409, zh: '该目录已有账本', en: 'There is a ledger in this directory' },
  LEDGER_MISSING: { status: 500, zh: '该目录没有账本', en: 'There is no ledger in this directory' },
  LEDGER_KEY_EXISTS: { status: 409, zh: '账本密钥文件已存在', en: 'The ledger key file exists' },
  LEDGER_KEY_INVALID: { status: 500, zh: '账本密钥无效', en: 'The ledger key is not valid' },
  WITNESS_STATE_INVALID: { status: 500, zh: '见证记录缺失或被改动', en: 'What the witness has cosigned is missing or was changed' },
  ANCHOR_STATE_INVALID: { status: 500, zh: '外部锚定的文件有误', en: 'What is kept of outside anchors has errors' },
  ENTRY_BUNDLE_MALFORMED: { status: 400, zh: '账本条目包格式错误', en: 'The entries are not as in an entry bundle' },
  PROOF_MALFORMED: { status: 422, zh: '证明格式错误', en: 'The proof is malformed' },
  PROOF_MISMATCH: { status: 422, zh: '证明推出的哈希与所声称的不符', en: 'The proof does not lead to the hash that is claimed' },
  NOTE_MALFORMED: { status: 422, zh: '签名文书格式错误', en: 'The signed note is malformed' },
  NOTE_SIGNATURE_INVALID: { status: 422, zh: '已知密钥的签名无效', en: 'The signature of a known key is not valid' },
  NOTE_UNSIGNED: { status: 422, zh: '没有已知密钥的签名', en: 'No known key has signed' },
  VKEY_INVALID: { status: 422, zh: '验证密钥无效', en: 'The verifier key is not valid' },
  POLICY_INVALID: { status: 422, zh: '信任策略文件有误', en: 'The trust policy has errors' },
  QUORUM_NOT_MET: { status: 422, zh: '见证方联署不足', en: 'Too few witnesses have cosigned' },
  STORE_MISMATCH: { status: 500, zh: '查询库与日志不符', en: 'The store does not match the journal' },
  ALERTS_MISMATCH: { status: 500, zh: '重算的告警与记录不符', en: 'The recomputed alerts differ from the recorded ones' },
  DERIVED_FILE_CHANGED: {
    status: 500,
    zh: '由日志派生的文件被改动，可重建',
    en: 'A file derived from the journal was changed; it can be made anew',
  },
  KEY_FILE_INVALID: { status: 500, zh: '密钥、证书或策略文件被改动', en: 'A key, certificate or policy file was changed' },
  MIRROR_CONTRADICTED: { status: 409, zh: '来源与镜像已有内容矛盾', en: 'The source contradicts what the mirror holds' },
  AUDIT_REPORT_INVALID: { status: 422, zh: '审计报告无效', en: 'The audit report is not valid' },
  CAP_MALFORMED: { status: 422, zh: 'CAP 文件无法读取', en: 'The CAP message cannot be read' },
  CAP_MISMATCH: { status: 422, zh: 'CAP 所述与已证的记录不符', en: 'The CAP message says something else than the proven record' },
  BUNDLE_MALFORMED: { status: 422, zh: '证据包格式错误', en: 'The proof bundle is malformed' },
  ANCHOR_RECEIPT_INVALID: {
    status: 422,
    zh: '外部锚定的回执与检查点不符',
    en: 'The receipt of an outside anchor does not fit the checkpoint',
  },
  TIMESTAMP_MALFORMED: { status: 422, zh: '时间戳无法读取', en: 'The time stamp cannot be read' },
  TIMESTAMP_REFUSED: { status: 502, zh: '时间戳机构拒绝了请求', en: 'The time-stamping authority refused the request' },
  TIMESTAMP_MISMATCH: { status: 422, zh: '时间戳属于别的内容或别的请求', en: 'The time stamp is for something else' },
  TIMESTAMP_SIGNATURE_INVALID: { status: 422, zh: '时间戳的签名无效', en: 'The signature of the time stamp is not valid' },
  TIMESTAMP_UNTRUSTED: { status: 422, zh: '时间戳并非出自受信任的机构', en: 'The time stamp is not by an authority that is trusted' },
  BACKTEST_LIMIT: { status: 422, zh: '回测超出允许的内存、时间或数量', en: 'A backtest may not take so much memory, time or alerts' },
  BACKTEST_CANCELLED: { status: 409, zh: '回测已取消', en: 'The backtest was cancelled' },
  ENGINE_DIFFERS: { status: 422, zh: '告警由另一版本的引擎产生', en: 'The alert was raised by another engine' },
  EVIDENCE_TOO_LARGE: {
    status: 422,
    zh: '该告警的证据超出限额',
    en: 'The evidence of the alert would be larger than the limits allow',
  },
  EVIDENCE_INPUTS_DIFFER: {
    status: 422,
    zh: '证据中的记录与制作时不同',
    en: 'The records are not those that the evidence was made of',
  },
  EVIDENCE_NOT_REPLAYABLE: { status: 422, zh: '无法在限额内重放该告警', en: 'The alert cannot be replayed from records within the limits' },
  CONTRACT_NOT_APPROVABLE: {
    status: 409,
    zh: '该草案不能由此人或此时批准',
    en: 'The draft cannot be approved by this person, or not any more',
  },
  // Other regions.
  REGION_KEY_UNKNOWN: { status: 403, zh: '签名密钥不属于任何已登记的地区', en: 'It is signed by no region that is known here' },
  REGION_SIGNATURE_INVALID: { status: 403, zh: '地区签名无效', en: "The region's signature is not valid" },
  REGION_MESSAGE_INVALID: { status: 422, zh: '地区间消息有误', en: 'The message between regions is not valid' },
  REGION_MESSAGE_CONFLICT: {
    status: 409,
    zh: '同一名称下已收到另一内容',
    en: 'Something else has come under the same name before',
  },
  REGION_ALERT_UNKNOWN: { status: 404, zh: '从未向该地区发送过此告警', en: 'This alert was never sent to that region' },
  REGION_PROOF_MISSING: { status: 422, zh: '告警未附证据包', en: 'The alert came without a proof' },
  REGION_NAME_MISSING: { status: 422, zh: '本部署尚无地区名称', en: 'This deployment has no name among regions' },
  // Configuration.
  CONFIG_UNKNOWN_KEY: { status: 500, zh: '配置中有未知的键', en: 'The configuration has an unknown key' },
  CONFIG_INVALID: { status: 500, zh: '配置值不合法', en: 'A configuration value is not valid' },
} as const satisfies { readonly [code: string]: CodeEntry };

export type Code = keyof typeof CODES;

/** An expected failure that ends a command or a start-up: what broke, by code, and where. */
export class AirtightError extends Error {
  readonly code: Code;
  /** Where and what, without the code and its meaning. */
  readonly detail: string;
  constructor(code: Code, detail: string, options?: ErrorOptions) {
    super(`${code}: ${CODES[code].en}: ${detail}`, options);
    this.name = 'AirtightError';
    this.code = code;
    this.detail = detail;
  }
}
