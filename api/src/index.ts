/** What other programs of this product take from the read side: the cli starts it, rebuilds its store and audits it. */
export { generatePassword, hashPassword, verifyPassword } from './accounts/password.ts';
export type { BacktestReport, BacktestRequest, TrialResult } from './backtest/backtest-report.ts';
export { runBacktest } from './backtest/backtest-run.ts';
export { API_SETTINGS, type ApiConfig, loadApiConfig } from './config.ts';
export type { AlertDifference, AlertReport } from './rebuild/alert-check.ts';
export type { AuditFinding, AuditReport } from './rebuild/audit.ts';
export type { StoreDigest, TableDigest } from './rebuild/digest.ts';
export { auditStore, digestStore, type OnProgress, type RebuildReport, rebuildStore } from './rebuild/rebuild.ts';
export { type RunningApi, startApi } from './service.ts';
