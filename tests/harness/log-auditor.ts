/**
 * An auditor of transparency logs that is made of other people's parts: Go's checksum database library, from Debian's
 * packages golang-go and golang-golang-x-mod-dev (`tests/log-auditor/main.go`).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Finished, finish, has, root } from './programs.ts';

/** Where Debian puts the sources of Go libraries. */
const GO_PATH = '/usr/share/gocode';
const LIBRARY = join(GO_PATH, 'src/golang.org/x/mod/sumdb/tlog');
/** The compiler takes some seconds, on a loaded machine some more. */
const BUILD_TIMEOUT_MS = 300_000;

export class LogAuditor {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** Compiles the auditor; skips the test, and says so, where compiler or library are not installed. `.ci/run` installs both. */
  static async build(t: TestContext): Promise<LogAuditor | undefined> {
    if (!has(t, 'go')) return undefined;
    if (!existsSync(LIBRARY)) {
      if (process.env['CI']) throw new Error(`${LIBRARY} not there`);
      t.skip('golang-golang-x-mod-dev not there');
      return undefined;
    }
    const folder = mkdtempSync(join(tmpdir(), 'airtight-log-auditor-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const program = join(folder, 'log-auditor');
    // The library's sources as they lie there, nothing from a network; what is compiled goes with the test.
    const settings = ['GO111MODULE=off', `GOPATH=${GO_PATH}`, 'CGO_ENABLED=0', 'GOTOOLCHAIN=local', `GOCACHE=${join(folder, 'cache')}`];
    const arguments_ = [...settings, 'go', 'build', '-o', program, join(root, 'tests/log-auditor/main.go')];
    const built = await finish('env', arguments_, BUILD_TIMEOUT_MS);
    if (built.code !== 0) throw new Error(`go build: ${built.stderr}`);
    return new LogAuditor(program);
  }

  /** @param url of the log's static files @param checkpointFile a checkpoint that was kept */
  audit(url: string, vkey: string, checkpointFile?: string): Promise<Finished> {
    return finish(this.#program, [url, vkey, ...(checkpointFile === undefined ? [] : [checkpointFile])]);
  }
}
