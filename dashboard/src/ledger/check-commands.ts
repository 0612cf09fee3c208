/** How anybody checks the ledger without this page: the same files, by common tools. */
export interface CheckCommand {
  readonly key: 'checkpoint' | 'proof' | 'verify' | 'tile';
  readonly text: string;
}

/** @param origin scheme and host at which the reader reached this deployment */
export function checkCommands(origin: string): readonly CheckCommand[] {
  return [
    { key: 'checkpoint', text: `curl ${origin}/ledger/checkpoint` },
    { key: 'tile', text: `curl ${origin}/ledger/tile/0/000` },
    { key: 'proof', text: `curl -o 42.airtight-proof.json ${origin}/api/v1/records/42/proof` },
    { key: 'verify', text: 'airtight verify 42.airtight-proof.json --policy policy.txt' },
  ];
}
