/** The one way in on an empty folder, for tests of doors: a real journal and quarantine, no dataset defined. */
import { join } from 'node:path';
import { DatasetRegistry } from '@airtight/protocol';
import { Intake, tagOfBody } from '../intake.ts';
import { Journal } from '../journal/journal.ts';
import { Quarantine } from '../quarantine/quarantine.ts';

/** @param root the caller closes journal and quarantine before it removes the folder */
export function openIntake(root: string): { readonly journal: Journal; readonly quarantine: Quarantine; readonly intake: Intake } {
  const journal = Journal.open(join(root, 'records'), { tagOf: tagOfBody });
  const quarantine = new Quarantine(join(root, 'quarantine'));
  const intake = new Intake({
    ...{ journal, quarantine, datasets: new DatasetRegistry() },
    onCommitted: () => undefined,
    onCommitSeconds: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  return { journal, quarantine, intake };
}
