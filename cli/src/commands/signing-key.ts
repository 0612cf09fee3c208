/** `airtight signing-key`: the key with which a person signs contracts and flags, so that not even the operator can do it in that name. */
import { ACTS_PRODUCER, CONTROL_AGENCY, KEYS_DATASET, type KeyRecord } from '@airtight/protocol';
import { ApiClient } from '../api-client.ts';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { type KeyItem, keyOnRecord, makePersonalKey, readPersonalKey } from '../enrolment/personal-key.ts';
import { PLATFORM_OPTIONS, platformOf, tellingRefusals } from '../platform.ts';
import type { Terminal } from '../terminal.ts';

interface Values {
  readonly name?: string | undefined;
  readonly json?: boolean | undefined;
}
interface Call {
  readonly api: ApiClient;
  readonly file: string;
  readonly values: Values;
  readonly terminal: Terminal;
}

const ACTIONS: { readonly [name: string]: { readonly operand: boolean; readonly run: (call: Call) => Promise<ExitCode> } } = {
  new: { operand: true, run: makeNew },
  register: { operand: true, run: register },
  end: { operand: true, run: end },
  list: { operand: false, run: list },
};

export const signingKeyCommand = defineCommand({
  name: 'signing-key',
  summary: { zh: '制作、登记、停用本人的签名密钥', en: "make a person's own signing key, put it on record, end it" },
  details: {
    zh: 'new FILE：生成 Ed25519 密钥（PEM，0600），只由本人保管；register FILE --name NAME：以本人的 API 令牌登记公钥；end FILE：停用；list：在案的密钥。登记之后，以此人名义提出、批准、撤回合约，标注数据质量，均须用此密钥签名。',
    en: 'new FILE: makes an Ed25519 key (PEM, 0600) that the person alone keeps; register FILE --name NAME: puts its public half on record, with the API token of that person; end FILE: ends it; list: the keys on record. From then on a contract is proposed, approved or withdrawn, and a quality flag placed, in that name only with this key.',
  },
  operands: 'new FILE | register FILE | end FILE | list',
  options: {
    name: { type: 'string', value: 'NAME', doc: { zh: 'register：账户名', en: 'register: name of the account' } },
    ...PLATFORM_OPTIONS,
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [name = '', file, ...more], terminal): Promise<ExitCode> {
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (
      action === undefined ||
      more.length > 0 ||
      action.operand !== (file !== undefined) ||
      (name === 'register') !== (values.name !== undefined)
    )
      throw new UsageError({
        zh: '应为 signing-key new FILE、register FILE --name NAME、end FILE 或 list',
        en: 'signing-key takes: new FILE, register FILE --name NAME, end FILE or list',
      });
    // A key is made on a machine of the person's own, where no platform is.
    const api = name === 'new' ? new ApiClient('', '') : platformOf(values);
    return tellingRefusals(() => action.run({ api, file: file ?? '', values, terminal }), terminal, values.json === true);
  },
});

async function makeNew({ file, values, terminal }: Call): Promise<ExitCode> {
  const { kid, publicKey } = makePersonalKey(file);
  if (values.json === true) terminal.json({ key: file, kid, publicKey });
  else
    terminal.say({
      zh: `签名密钥：${file}（切勿外传）\n公钥：${publicKey}（${kid}）`,
      en: `Signing key: ${file} (give it to nobody)\nPublic key:  ${publicKey} (${kid})`,
    });
  return EXIT.ok;
}

async function register({ api, file, values, terminal }: Call): Promise<ExitCode> {
  const key = readPersonalKey(file);
  const item = await api.post<KeyItem>('signing-keys', { publicKey: key.publicKey, possession: key.possession(values.name as string) });
  if (values.json === true) terminal.json(item);
  else
    terminal.say({
      zh: `${item.person} 的签名密钥 ${item.kid} 自 ${item.validFrom} 起有效`,
      en: `Signing key ${item.kid} of ${item.person} counts from ${item.validFrom}`,
    });
  return EXIT.ok;
}

async function end({ api, file, values, terminal }: Call): Promise<ExitCode> {
  const key = readPersonalKey(file);
  const { person, validFrom } = await keyOnRecord(key, api);
  const at = Date.now();
  const ended: KeyRecord = {
    ...{ type: 'key', producer: ACTS_PRODUCER, agency: CONTROL_AGENCY, kid: key.kid, publicKey: key.publicKey },
    ...{ validFrom: Date.parse(validFrom), validTo: at, person, by: person },
  };
  const signature = key.sign(KEYS_DATASET, ended, { at });
  const item = await api.post<KeyItem>(`signing-keys/${encodeURIComponent(person)}/${key.kid}/end`, { signature });
  if (values.json === true) terminal.json(item);
  else
    terminal.say({
      zh: `${item.person} 的签名密钥 ${item.kid} 于 ${item.validTo} 停用`,
      en: `Signing key ${item.kid} of ${item.person} ended at ${item.validTo}`,
    });
  return EXIT.ok;
}

async function list({ api, values, terminal }: Call): Promise<ExitCode> {
  const { items } = await api.read<{ readonly items: readonly KeyItem[] }>('signing-keys');
  if (values.json === true) terminal.json(items);
  else for (const one of items) terminal.say(`${one.kid}  ${one.person}  ${one.validFrom}  ${one.validTo ?? ''}  ${one.publicKey}`);
  return EXIT.ok;
}
