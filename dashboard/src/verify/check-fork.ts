/** Checks evidence that a ledger has two histories, in this browser. */
import { decodeBase64, type ForkKind, judgeFork, openCheckpoint, parseVkey, type Vkey } from '@airtight/tlog';

/** An evidence file as a witness keeps it (docs/reference/witness.md), as far as it is shown. */
export interface ForkEvidenceFile {
  readonly id: string;
  readonly origin: string;
  readonly witness: string;
  readonly seenAt: string;
  readonly held: string;
  readonly offered: string;
  readonly path: readonly string[];
  readonly otherRoot: string | null;
}

export interface ForkStep {
  readonly step: 'held' | 'offered' | 'contradiction';
  readonly ok: boolean;
  readonly detail: string;
}

export interface ForkCheck {
  /** Null: the file does not prove it by these keys. */
  readonly kind: ForkKind | null;
  readonly steps: readonly ForkStep[];
  /** Size of the cosigned checkpoint, its root, and the root of the later tree at that size; base64. */
  readonly size: number | null;
  readonly heldRoot: string;
  readonly otherRoot: string;
}

/** @param vkeys verifier keys of the log, as texts */
export function checkFork(file: ForkEvidenceFile, vkeys: readonly string[]): ForkCheck {
  const keys = vkeys.flatMap((text): Vkey[] => {
    const vkey = parseVkey(text);
    return vkey.ok ? [vkey.value] : [];
  });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const notes = { held: bytes(file.held), offered: bytes(file.offered) };
  const [held, offered] = [openCheckpoint(notes.held, keys), openCheckpoint(notes.offered, keys)];
  const root = file.otherRoot === null ? null : decodeBase64(file.otherRoot);
  const path = file.path.map((text) => decodeBase64(text) ?? new Uint8Array(0));
  const judged = judgeFork({ ...notes, path, ...(root === null ? {} : { otherRoot: root }) }, keys);
  const rootLine = (note: string) => note.split('\n')[2] ?? '';
  const kind = judged.ok ? judged.value : null;
  return {
    kind,
    steps: [
      { step: 'held', ok: held.ok, detail: held.ok ? '' : `${held.code}: ${held.detail}` },
      { step: 'offered', ok: offered.ok, detail: offered.ok ? '' : `${offered.code}: ${offered.detail}` },
      { step: 'contradiction', ok: judged.ok, detail: judged.ok ? '' : `${judged.code}: ${judged.detail}` },
    ],
    size: held.ok ? held.value.size : null,
    heldRoot: rootLine(file.held),
    otherRoot: kind === 'same-size' ? rootLine(file.offered) : (file.otherRoot ?? ''),
  };
}
