/** How commands reach the running platform, and tell what it refuses. */
import { readFileSync } from 'node:fs';
import { ApiClient, ApiRefusal } from './api-client.ts';
import { EXIT, type ExitCode } from './command.ts';
import { dataDirectory, readInternalToken } from './data-directory.ts';
import { LOOPBACK, portsOf } from './endpoints.ts';
import type { Terminal } from './terminal.ts';

/** Options of every command that asks the platform. */
export const PLATFORM_OPTIONS = {
  api: {
    type: 'string',
    value: 'URL',
    doc: { zh: '平台地址（默认取自正在运行的 up）', en: "the platform's address (default: that of the running up)" },
  },
  'token-file': { type: 'string', value: 'FILE', doc: { zh: 'API 令牌所在文件', en: 'file with an API token' } },
} as const;

export interface PlatformValues {
  readonly api?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly data: string;
}

/** The platform by its options; without a token file in the name of this machine. @throws EnvironmentError when there is no such file */
export function platformOf({ api, 'token-file': tokenFile, data }: PlatformValues): ApiClient {
  const directory = dataDirectory(data);
  const token = tokenFile === undefined ? readInternalToken(directory) : readFileSync(tokenFile, 'utf8').trim();
  return new ApiClient(platformUrl({ api, data }), token);
}

export function platformUrl({ api, data }: Pick<PlatformValues, 'api' | 'data'>): string {
  return api ?? `http://${LOOPBACK}:${portsOf(dataDirectory(data)).http}`;
}

/** @param act throws ApiRefusal: what was refused is told, with its code */
export async function tellingRefusals(act: () => Promise<ExitCode>, terminal: Terminal, asJson: boolean): Promise<ExitCode> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    const { code, detail, known, message } = error;
    if (asJson) terminal.json({ ok: false, code, detail });
    else terminal.note(known === undefined ? message : `${code}: ${terminal.text(known)}: ${detail}`);
    return EXIT.found;
  }
}
