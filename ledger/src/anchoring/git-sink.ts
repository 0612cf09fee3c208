/**
 * Anchoring in a git repository: the file of this log in it becomes the checkpoint's signed note, a commit for each. Who
 * has cloned the repository, or pulls now and then, has the history of the log in his own hands.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { AnchorSink, AnchorTarget, ReceiptReading, Submission } from './anchor-sink.ts';
import { formatPlace, readPlace } from './place-receipt.ts';

const run = promisify(execFile);
/** A push waits for the network; all else takes milliseconds. */
const COMMAND_TIMEOUT_MS = 60_000;
const OUTPUT_MAX_BYTES = 1024 * 1024;
const COMMIT = /^[0-9a-f]{40,64}$/;

export interface GitSinkOptions {
  /** The work tree of a repository that is there. */
  readonly dir: string;
  /** Where to push: a remote's name or URL; empty: nowhere. */
  readonly remote: string;
  readonly intervalMs: number;
}

export class GitSink implements AnchorSink {
  readonly id = 'git';
  readonly kind = 'git';
  readonly intervalMs: number;
  readonly #options: GitSinkOptions;

  constructor(options: GitSinkOptions) {
    this.intervalMs = options.intervalMs;
    this.#options = options;
  }

  async submit(target: AnchorTarget, signal: AbortSignal): Promise<Submission> {
    const path = fileOf(target.origin);
    const commit = (await this.#commitOf(path, target, signal)) ?? (await this.#commit(path, target, signal));
    return this.#options.remote === '' ? this.#receipt(commit, target) : { kind: 'pending', pending: commit };
  }

  /** A commit waits for its push: then it is a receipt. */
  async poll(commit: string, target: AnchorTarget, signal: AbortSignal): Promise<Submission> {
    if (!COMMIT.test(commit)) throw new Error('no commit');
    const branch = await this.#git(signal, 'symbolic-ref', '--short', 'HEAD');
    // Never forced: a remote that has other history must be looked at by people.
    await this.#git(signal, 'push', '--quiet', this.#options.remote, `${commit}:refs/heads/${branch}`);
    return this.#receipt(commit, target);
  }

  verify(receipt: Uint8Array, target: AnchorTarget): ReceiptReading {
    return { timeMs: null, authority: `commit ${readPlace(receipt, target)['commit']}` };
  }

  #receipt(commit: string, target: AnchorTarget): Submission {
    const place = { commit, file: fileOf(target.origin), repository: withoutSecrets(this.#options.remote || basename(this.#options.dir)) };
    return { kind: 'receipt', receipt: formatPlace(target, place) };
  }

  /** The newest commit of the file, when it is of this checkpoint: a crash came between committing and remembering. */
  async #commitOf(path: string, target: AnchorTarget, signal: AbortSignal): Promise<string | undefined> {
    // A repository without a commit has no HEAD.
    const newest = await this.#git(signal, 'log', '-1', '--format=%H %s', '--', path).catch(() => '');
    const [commit = '', ...subject] = newest.split(' ');
    return subject.join(' ') === subjectOf(target) ? commit : undefined;
  }

  async #commit(path: string, target: AnchorTarget, signal: AbortSignal): Promise<string> {
    const place = join(this.#options.dir, path);
    await mkdir(dirname(place), { recursive: true });
    if ((await readFile(place, 'utf8').catch(() => '')) !== target.note) await writeFile(place, target.note);
    await this.#git(signal, 'add', '--', path);
    const who = ['-c', `user.name=${target.origin}`, '-c', 'user.email=ledger@airtight.invalid', '-c', 'commit.gpgsign=false'];
    await this.#git(signal, ...who, 'commit', '--quiet', '--no-verify', '--allow-empty', '-m', subjectOf(target), '--', path);
    return this.#git(signal, 'rev-parse', 'HEAD');
  }

  async #git(signal: AbortSignal, ...args: readonly string[]): Promise<string> {
    const options = {
      signal,
      timeout: COMMAND_TIMEOUT_MS,
      maxBuffer: OUTPUT_MAX_BYTES,
      // Nobody is there to type a password.
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
    };
    const { stdout } = await run('git', ['-C', this.#options.dir, ...args], options);
    return stdout.trim();
  }
}

function subjectOf({ origin, size, imprint }: AnchorTarget): string {
  return `${origin} ${size} ${Buffer.from(imprint).toString('hex')}`;
}

/** The file of a log in the repository. */
function fileOf(origin: string): string {
  return `checkpoints/${origin.replace(/^\.+|[^A-Za-z0-9.-]+/g, '_')}`;
}

/** A receipt is public: a password in the address of a repository is not, nor where it lies on this machine. */
function withoutSecrets(repository: string): string {
  return repository.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}
