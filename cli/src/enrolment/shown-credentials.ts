/** New credentials as a person is shown them, once; keys and certificates go to files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError } from '../command.ts';
import { writeSecret } from '../data-directory.ts';
import type { ShownCredentials } from '../ingest-client.ts';
import type { Terminal } from '../terminal.ts';

/** A reading to try the credentials with, by dataset; any other dataset gets a neutral one. */
const SAMPLE_MEASUREMENTS: { readonly [dataset: string]: string } = { air: '{"pm25":35.4}', coldchain: '{"tvc":4.6}' };

/**
 * Writes certificate, key and CA certificate into a folder; a file that is there is written over.
 * @returns their paths; empty when no certificate was issued
 */
export function writeCertificate({ username, certificate }: ShownCredentials, directory: string): { readonly [what: string]: string } {
  if (certificate === undefined) return {};
  const at = (ending: string): string => join(directory, `${username}.${ending}`);
  const files = { certificate: at('crt'), ca: at('ca.crt'), ...(certificate.privateKey === undefined ? {} : { privateKey: at('key') }) };
  try {
    writeFileSync(files.certificate, certificate.certificate, { flush: true });
    writeFileSync(files.ca, certificate.ca, { flush: true });
    if (certificate.privateKey !== undefined) writeSecret(at('key'), certificate.privateKey);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError({
      zh: `证书已登记，但写不进 ${directory}：${reason}。请用 --rotate 重新签发。`,
      en: `The certificate is on record, but cannot be written to ${directory}: ${reason}. Issue another with --rotate.`,
    });
  }
  return files;
}

/** @param files as `writeCertificate` answers */
export function showCredentials(shown: ShownCredentials, files: { readonly [what: string]: string }, terminal: Terminal): void {
  const { username, secret, hj212Password, credentials } = shown;
  terminal.say({ zh: `用户名：${username}`, en: `User name: ${username}` });
  if (secret !== undefined) terminal.say({ zh: `密码：  ${secret}（只显示这一次）`, en: `Secret:    ${secret} (shown once)` });
  if (hj212Password !== undefined)
    terminal.say({ zh: `HJ 212 PW：${hj212Password}（只显示这一次）`, en: `HJ 212 PW: ${hj212Password} (shown once)` });
  for (const file of Object.values(files)) terminal.say({ zh: `文件：  ${file}`, en: `File:      ${file}` });
  for (const { id, kind } of credentials) {
    if (kind === 'password' || kind === 'hj212-password') continue;
    terminal.say({ zh: `凭据：  ${kind} ${id}`, en: `Credential: ${kind} ${id}` });
  }
}

/** Where devices come in. */
export interface MqttDoor {
  readonly host: string;
  readonly port: number;
  /** Over TLS; absent where the running `up` has none. */
  readonly tlsPort: number | undefined;
}

/** A command with which the credentials can be tried. @param files as `writeCertificate` answers */
export function showTrial(
  { username, secret }: ShownCredentials,
  files: { readonly [what: string]: string },
  mqtt: MqttDoor,
  topics: readonly string[],
  dataset: string,
  terminal: Terminal,
): void {
  terminal.say({ zh: `主题：  ${topics.join('，')}`, en: `Topic:     ${topics.join(', ')}` });
  const { certificate, privateKey, ca } = files;
  const isByCertificate = certificate !== undefined && privateKey !== undefined && mqtt.tlsPort !== undefined;
  if (secret === undefined && !isByCertificate) return;
  const payload = `{"t":'$(date +%s000)',"m":${SAMPLE_MEASUREMENTS[dataset] ?? '{"value":1}'}}`;
  const login = isByCertificate
    ? `-p ${mqtt.tlsPort} --cafile ${ca} --cert ${certificate} --key ${privateKey} -q 1 -i ${username}`
    : `-p ${mqtt.port} -q 1 -i ${username} -u ${username} -P ${secret}`;
  terminal.say('');
  terminal.say({ zh: '试发一条：', en: 'Try it:' });
  terminal.say(`mosquitto_pub -h ${mqtt.host} ${login} -t ${topics[0] ?? ''} -m '${payload}'`);
}
