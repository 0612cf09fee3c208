/** What ends a start-up, a command or a request of the ledger, by stable code. The product's list of codes holds the texts. */

export type LedgerErrorCode =
  | 'LEDGER_EXISTS'
  | 'LEDGER_MISSING'
  | 'LEDGER_LOCKED'
  | 'LEDGER_KEY_EXISTS'
  | 'LEDGER_KEY_INVALID'
  | 'LEDGER_STATE_INVALID'
  | 'LEDGER_BEHIND_CHECKPOINT'
  | 'LEDGER_ROOT_MISMATCH'
  | 'LEDGER_TILE_MISMATCH'
  | 'CHECKPOINT_INVALID'
  | 'WITNESS_STATE_INVALID'
  | 'ANCHOR_STATE_INVALID'
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_INVALID'
  | 'REQUEST_INVALID'
  | 'OVERLOADED'
  | 'SERVICE_UNAVAILABLE';

export class LedgerError extends Error {
  readonly code: LedgerErrorCode;
  /** Names, numbers and places; no prose to translate. */
  readonly detail: string;
  constructor(code: LedgerErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.name = 'LedgerError';
    this.code = code;
    this.detail = detail;
  }
}
