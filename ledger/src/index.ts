export { type AuditFinding, type AuditProgress, type AuditReport, auditLedger } from './audit/audit-ledger.ts';
export { DEFAULT_ORIGIN, LEDGER_SETTINGS, type LedgerConfig, resolveLedgerConfig } from './config.ts';
export { LedgerError, type LedgerErrorCode } from './ledger-error.ts';
export { generateLedgerKey, type LedgerKey, readLedgerKey, readLedgerVkey } from './ledger-key.ts';
export { createLedger, Ledger, loadLedger } from './log/ledger.ts';
export { ledgerDirectory, type RunningLedger, startLedger } from './service.ts';
