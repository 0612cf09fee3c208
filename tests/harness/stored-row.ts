/** Reaches into the store at rest, as somebody with the files and a ClickHouse would. */
import { join } from 'node:path';
import { finish, root } from './programs.ts';

/** Runs a statement on the embedded engine, in a process of its own: an engine holds its folder as long as it lives. */
async function statement(dataDir: string, sql: string): Promise<string> {
  const program = `
    import { Session } from 'chdb';
    const session = new Session(process.argv[1]);
    process.stdout.write(session.query(process.argv[2], 'TSV') ?? '');
    session.close?.();`;
  const args = ['--input-type=module', '-e', program, join(dataDir, 'store/clickhouse'), sql];
  const { code, stdout, stderr } = await finish(process.execPath, args, 60_000, join(root, 'api'));
  if (code !== 0) throw new Error(`${sql}: ${stderr}`);
  return stdout;
}

/**
 * Adds `by` to one stored value of a producer.
 * @returns what takes it back
 */
export async function changeStoredRow(dataDir: string, producer: string, by: number): Promise<() => Promise<void>> {
  const table = 'airtight.observations';
  const subject = `producer = '${producer}'`;
  const position = (await statement(dataDir, `SELECT max(position) FROM ${table} WHERE ${subject}`)).trim();
  const change = (amount: number) =>
    statement(
      dataDir,
      `ALTER TABLE ${table} UPDATE result = result + ${amount} WHERE ${subject} AND position = ${position} SETTINGS mutations_sync = 2`,
    );
  await change(by);
  return async () => {
    await change(-by);
  };
}
