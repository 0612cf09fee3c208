/** All commands, in the order in which help lists them. */
import type { Command } from '../command.ts';
import { auditCommand } from './audit.ts';
import { backtestCommand } from './backtest.ts';
import { caCommand } from './ca.ts';
import { contractCommand } from './contract.ts';
import { datasetCommand } from './dataset.ts';
import { discloseCommand } from './disclose.ts';
import { doctorCommand } from './doctor.ts';
import { enrollCommand } from './enroll.ts';
import { eraseCommand } from './erase.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { keyCommand } from './key.ts';
import { mirrorCommand } from './mirror.ts';
import { passwordCommand } from './password.ts';
import { quarantineCommand } from './quarantine.ts';
import { rebuildCommand } from './rebuild.ts';
import { regionsCommand } from './regions.ts';
import { replayCommand } from './replay.ts';
import { revokeCommand } from './revoke.ts';
import { apiCommand, ingestCommand, ledgerCommand } from './service.ts';
import { signingKeyCommand } from './signing-key.ts';
import { simulateCommand } from './simulate.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';
import { witnessCommand } from './witness.ts';

export const COMMANDS: readonly Command[] = [
  upCommand,
  enrollCommand,
  revokeCommand,
  caCommand,
  passwordCommand,
  datasetCommand,
  contractCommand,
  signingKeyCommand,
  backtestCommand,
  quarantineCommand,
  simulateCommand,
  replayCommand,
  importCommand,
  verifyCommand,
  discloseCommand,
  eraseCommand,
  exportCommand,
  auditCommand,
  mirrorCommand,
  rebuildCommand,
  doctorCommand,
  keyCommand,
  witnessCommand,
  regionsCommand,
  ledgerCommand,
  ingestCommand,
  apiCommand,
];
