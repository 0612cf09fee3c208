/** A real Chromium with the list of alerts open, and when each alert stood on it. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'];
const OPEN_TIMEOUT_MS = 60_000;

/**
 * Runs in the page before its own scripts. The time is that of the first frame that is drawn with the alert, by the clock of
 * the machine, which is this process's too.
 */
const WATCH = `
  window.shownAt = {};
  new MutationObserver((mutations) => {
    for (const { addedNodes } of mutations) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        for (const link of node.querySelectorAll('a.message')) {
          const text = link.textContent.trim();
          requestAnimationFrame(() => { window.shownAt[text] ??= Date.now(); });
        }
      }
    }
  }).observe(document, { childList: true, subtree: true });
`;

export class AlertsPage implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #page: Page;
  readonly #profile: string;

  private constructor(context: BrowserContext, page: Page, profile: string) {
    this.#context = context;
    this.#page = page;
    this.#profile = profile;
  }

  /**
   * Opens the list of all alerts, the newest first. The dashboard must be built.
   * @throws Error when there is no Chromium on the path, or the page does not come up
   */
  static async open(apiUrl: string, directory: string): Promise<AlertsPage> {
    const profile = mkdtempSync(join(directory, 'chromium-'));
    const options = { executablePath: chromiumPath(), headless: true, args: ARGUMENTS, locale: 'en-US' };
    const context = await chromium.launchPersistentContext(profile, options);
    const page = await context.newPage();
    await page.addInitScript({ content: WATCH });
    await page.goto(`${apiUrl}/alerts?show=all`);
    await page.locator('.inbox').waitFor({ timeout: OPEN_TIMEOUT_MS });
    return new AlertsPage(context, page, profile);
  }

  /** By message: epoch ms at which it was first drawn. */
  async shownAt(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries((await this.#page.evaluate('window.shownAt')) as { [message: string]: number }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

function chromiumPath(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'chromium')).find(isExecutable);
  if (found === undefined) throw new Error('chromium is not on the path');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
