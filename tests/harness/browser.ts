/** A real Chromium, far from the deployment's time zone, that notes every request that leaves the product. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { pathOf } from './programs.ts';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page, or the browser itself, on two busy cores; what is there ends the wait at once. */
const TIMEOUT_MS = 90_000;

export interface Browser {
  readonly context: BrowserContext;
  /** URLs outside the product that a page asked for. */
  readonly foreignRequests: readonly string[];
  /** What pages wrote to the console as errors, and exceptions nobody caught. */
  readonly errors: readonly string[];
  newPage(): Promise<Page>;
}

/** Opens a browser with its own empty profile; it is closed when the test ends. */
export async function openBrowser(t: TestContext, origin: string, locale: 'zh-CN' | 'en-US'): Promise<Browser> {
  const executablePath = pathOf('chromium');
  if (executablePath === undefined) throw new Error('chromium is not there');
  const profile = mkdtempSync(join(tmpdir(), 'airtight-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    timeout: TIMEOUT_MS,
    headless: true,
    args: ARGUMENTS,
    locale,
    // Foreign on purpose: times are shown in the deployment's zone, not in the browser's.
    timezoneId: 'America/New_York',
    viewport: { width: 1440, height: 900 },
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  const foreignRequests: string[] = [];
  const errors: string[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== new URL(origin).host) foreignRequests.push(request.url());
  });
  const newPage = async () => {
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(`${error.message}\n${error.stack ?? ''}`));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(`${message.text()} ${message.location().url}`);
    });
    return page;
  };
  return { context, foreignRequests, errors, newPage };
}
