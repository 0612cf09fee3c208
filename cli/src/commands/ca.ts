/** `airtight ca init`: this deployment's own certificate authority for devices. */
import { join } from 'node:path';
import { AirtightError, CODES } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { createDataDirectory, dataDirectory } from '../data-directory.ts';

const NAME_MAX_LENGTH = 64;

export const caCommand = defineCommand({
  name: 'ca',
  summary: {
    zh: '建立本部署自己的证书颁发机构，为设备签发客户端证书',
    en: 'make a certificate authority of this deployment, which issues client certificates to devices',
  },
  details: {
    zh: 'ca init 在 keys/ 中写入 ca.key（0600）与 ca.crt。airtight up --tls 以 ca.crt 为客户端 CA；设备证书由 airtight enroll --certificate 签发。',
    en: 'ca init writes ca.key (0600) and ca.crt into keys/. airtight up --tls takes ca.crt as client CA; airtight enroll --certificate issues certificates.',
  },
  operands: 'init',
  options: {
    name: {
      type: 'string',
      value: 'TEXT',
      default: 'Airtight device CA',
      doc: { zh: '证书中的名称（CN）', en: 'its name in certificates (CN)' },
    },
    data: DATA_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    if (operands.length !== 1 || operands[0] !== 'init') throw new UsageError({ zh: '用法：airtight ca init', en: 'say airtight ca init' });
    if (values.name.length === 0 || values.name.length > NAME_MAX_LENGTH) {
      throw new UsageError({ zh: '--name 为 1 到 64 个字符', en: '--name takes 1 to 64 characters' });
    }
    const data = dataDirectory(values.data);
    createDataDirectory(data);
    const { CA_CERTIFICATE_FILE, CA_KEY_FILE, CertificateAuthority } = await import('@airtight/ingest/certificate-authority.ts');
    try {
      await CertificateAuthority.create(data.keys, values.name, Date.now());
    } catch (error) {
      if (!(error instanceof AirtightError)) throw error;
      terminal.note(`${error.code}: ${terminal.text(CODES[error.code])}: ${error.detail}`);
      return EXIT.found;
    }
    const files = { key: join(data.keys, CA_KEY_FILE), certificate: join(data.keys, CA_CERTIFICATE_FILE) };
    if (values.json === true) terminal.json(files);
    else {
      terminal.say({ zh: `私钥：${files.key}（请备份，切勿外传）`, en: `Key:         ${files.key} (back it up, give it to nobody)` });
      terminal.say({
        zh: `证书：${files.certificate}（airtight up --tls 的客户端 CA）`,
        en: `Certificate: ${files.certificate} (the client CA of airtight up --tls)`,
      });
    }
    return EXIT.ok;
  },
});
