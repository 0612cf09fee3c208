/** Options of `airtight enroll` that say what a device is, and with what it proves itself. */
import { readFileSync } from 'node:fs';
import { type DeviceTemplate, HJ212_PASSWORD_PATTERN, isName, isTelemetryDataset, type ProducerKind } from '@airtight/protocol';
import { type Options, UsageError, type ValuesOf } from '../command.ts';
import type { CredentialRequest } from '../ingest-client.ts';

const HJ212_PASSWORD = new RegExp(HJ212_PASSWORD_PATTERN);
/** In the place of a password: one is made. */
const GENERATED = 'new';
const KINDS: readonly string[] = ['air-station', 'fridge', 'service'] satisfies ProducerKind[];

export const DEVICE_OPTIONS = {
  agency: { type: 'string', value: 'A', doc: { zh: '所属机构，如 bj-eco', en: 'agency it belongs to, e.g. bj-eco' } },
  producer: { type: 'string', value: 'P', doc: { zh: '设备名，全系统唯一', en: 'its name, unique in the deployment' } },
  dataset: {
    type: 'string',
    value: 'D',
    multiple: true,
    doc: { zh: '可发布的数据集，可重复', en: 'dataset it may publish to; repeatable' },
  },
  kind: {
    type: 'string',
    value: 'KIND',
    default: 'air-station',
    doc: { zh: 'air-station、fridge 或 service', en: 'air-station, fridge or service' },
  },
  'name-zh': { type: 'string', value: 'TEXT', doc: { zh: '中文名（默认同设备名）', en: 'Chinese name (default: the producer name)' } },
  'name-en': { type: 'string', value: 'TEXT', doc: { zh: '英文名（默认同设备名）', en: 'English name (default: the producer name)' } },
  lat: { type: 'string', value: 'DEGREES', doc: { zh: '纬度，WGS 84', en: 'latitude, WGS 84' } },
  lon: { type: 'string', value: 'DEGREES', doc: { zh: '经度，WGS 84', en: 'longitude, WGS 84' } },
  gateway: { type: 'string', value: 'P', doc: { zh: '代其转发的设备', en: 'producer that forwards for it' } },
  'foreign-id': {
    type: 'string',
    value: 'NETWORK:ID',
    doc: { zh: '它在另一网络中的标识，如 lorawan:24e124136b502217', en: 'what another network calls it, e.g. lorawan:24e124136b502217' },
  },
  'signature-required': {
    type: 'boolean',
    doc: { zh: '未签名的数据不予接收（隔离）', en: 'what it sends unsigned is not admitted' },
  },
} as const satisfies Options;

export const CREDENTIAL_OPTIONS = {
  password: {
    type: 'boolean',
    doc: { zh: '同时生成密码（无其他登录方式时默认生成）', en: 'a password too (made anyway when there is nothing else to log in with)' },
  },
  certificate: { type: 'boolean', doc: { zh: '由本部署的 CA 签发客户端证书', en: 'issue a client certificate by our own CA' } },
  csr: {
    type: 'string',
    value: 'FILE',
    doc: { zh: '按设备自己的证书请求（PKCS #10）签发', en: 'issue it for the key of this request (PKCS #10)' },
  },
  fingerprint: {
    type: 'string',
    value: 'HEX',
    doc: { zh: '机构 CA 所签证书的 SHA-256 指纹', en: "SHA-256 of a certificate that the agency's CA has issued" },
  },
  'common-name': {
    type: 'string',
    value: 'CN',
    doc: { zh: '机构 CA 所签证书的主体名称', en: "subject CN of certificates that the agency's CA issues" },
  },
  'jwt-key': {
    type: 'string',
    value: 'FILE',
    doc: { zh: '设备登录令牌（JWT）的 Ed25519 公钥', en: 'Ed25519 public key of its login tokens (JWT)' },
  },
  'sign-key': {
    type: 'string',
    value: 'FILE',
    doc: { zh: '设备数据签名的 Ed25519 公钥', en: 'Ed25519 public key with which it signs payloads' },
  },
  hj212: {
    type: 'string',
    value: 'PASSWORD',
    doc: {
      zh: 'HJ 212 监测仪的访问密码（PW，六位数字）；new 表示随机生成。须有 --foreign-id hj212:MN',
      en: 'what an HJ 212 monitor sends as PW, six digits; new: generated. Needs --foreign-id hj212:MN',
    },
  },
} as const satisfies Options;

export interface NamedDevice {
  readonly producer: string;
  readonly template: DeviceTemplate;
}

/** @throws UsageError naming the option that is missing or wrong */
export function deviceOf(values: ValuesOf<typeof DEVICE_OPTIONS>): NamedDevice {
  const { agency, producer, dataset: datasets = [], gateway, 'foreign-id': foreignId } = values;
  if (agency === undefined || producer === undefined || datasets.length === 0) {
    throw new UsageError({ zh: '--agency、--producer、--dataset 都要给出', en: '--agency, --producer and --dataset are all needed' });
  }
  for (const [option, name] of Object.entries({ agency, producer, gateway })) {
    if (name !== undefined && !isName(name)) throw badName(option, name);
  }
  for (const name of datasets) if (!isTelemetryDataset(name)) throw badName('dataset', name);
  if (!KINDS.includes(values.kind)) throw new UsageError({ zh: `没有设备类型 ${values.kind}`, en: `There is no kind ${values.kind}` });
  const location = locationOf(values.lat, values.lon);
  const template = {
    agency,
    datasets,
    kind: values.kind as ProducerKind,
    name: { zh: values['name-zh'] ?? producer, en: values['name-en'] ?? producer },
    ...(location === undefined ? {} : { location }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(foreignId === undefined ? {} : { foreignId }),
    ...(values['signature-required'] === true ? { signatureRequired: true } : {}),
  };
  return { producer, template };
}

/** @throws UsageError when two options exclude each other, or a file is not there */
export function credentialsOf(values: ValuesOf<typeof CREDENTIAL_OPTIONS>): CredentialRequest {
  const { fingerprint: fingerprint256, 'common-name': commonName, password } = values;
  const csr = fileOf('csr', values.csr);
  const wantsOwn = values.certificate === true || csr !== undefined;
  if ([wantsOwn, fingerprint256 !== undefined, commonName !== undefined].filter(Boolean).length > 1) {
    throw new UsageError({
      zh: '--certificate/--csr、--fingerprint、--common-name 只能取其一',
      en: 'only one of --certificate/--csr, --fingerprint and --common-name is taken',
    });
  }
  const { hj212 } = values;
  if (hj212 !== undefined && hj212 !== GENERATED && !HJ212_PASSWORD.test(hj212)) {
    throw new UsageError({
      zh: '--hj212 应为六位数字（最多 64 个可见字符，不含 ; 与 =），或 new',
      en: '--hj212 takes six digits (up to 64 visible characters without ; and =), or new',
    });
  }
  const jwtKey = fileOf('jwt-key', values['jwt-key']);
  const signKey = fileOf('sign-key', values['sign-key']);
  const hasCertificate = wantsOwn || fingerprint256 !== undefined || commonName !== undefined;
  return {
    ...(password === true ? { password } : {}),
    ...(hasCertificate
      ? {
          certificate: {
            ...(csr === undefined ? {} : { csr }),
            ...(fingerprint256 === undefined ? {} : { fingerprint256 }),
            ...(commonName === undefined ? {} : { commonName }),
          },
        }
      : {}),
    ...(jwtKey === undefined ? {} : { jwtKey }),
    ...(signKey === undefined ? {} : { signKey }),
    ...(hj212 === undefined ? {} : { hj212Password: hj212 === GENERATED ? true : hj212 }),
  };
}

function fileOf(option: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError({ zh: `--${option}：读不到文件 ${file}`, en: `--${option}: the file ${file} cannot be read` });
  }
}

function badName(option: string, name: string): UsageError {
  return new UsageError({
    zh: `--${option} 不能是 ${JSON.stringify(name)}：1 到 64 个字母、数字、点、下划线或连字符，且不是系统保留名`,
    en: `--${option} cannot be ${JSON.stringify(name)}: 1 to 64 letters, digits, dots, underscores or hyphens, and no reserved name`,
  });
}

function locationOf(lat: string | undefined, lon: string | undefined): { lat: number; lon: number } | undefined {
  if (lat === undefined && lon === undefined) return undefined;
  const location = { lat: Number(lat), lon: Number(lon) };
  if (Math.abs(location.lat) <= 90 && Math.abs(location.lon) <= 180) return location;
  throw new UsageError({ zh: '--lat 与 --lon 须同时给出，单位为度', en: '--lat and --lon are degrees, and are given together' });
}
