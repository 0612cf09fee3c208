/** Fetches a record's proof bundle and checks it here, against whom this browser trusts. */
import type { DatasetDefinition } from '@airtight/protocol';
import { onScopeDispose, shallowRef } from 'vue';
import { getText } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { ledgerKnown } from '../live/ledger-known.ts';
import { useLive } from '../live/live-store.ts';
import type { ProofCheck } from './check-proof.ts';
import { useCheckpoints } from './checkpoint-watch.ts';
import type { ShownValue } from './shown-value.ts';
import { trustFor } from './trust.ts';

/** A batch is sealed within a second and anchored soon after: the reader is not asked to press again. */
const NOT_YET: readonly string[] = ['RECORD_NOT_SEALED', 'RECORD_NOT_ANCHORED'];
const ASK_AGAIN_MS = 1500;
/** After two minutes the ledger is in trouble, and the reader is told the problem instead. */
const ASKS_MAX = 80;

export function useRecordProof() {
  const live = useLive();
  const checkpoints = useCheckpoints();
  const check = shallowRef<ProofCheck | null>(null);
  const problem = shallowRef<RequestProblem | null>(null);
  const state = shallowRef<'busy' | 'waiting' | 'done'>('busy');
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));

  /** @param shown a value on the screen that the record must hold */
  async function verify(record: string, shown?: ShownValue, asked = 1): Promise<void> {
    if (asked === 1) state.value = 'busy';
    const answer = await getText(`/records/${encodeURIComponent(record)}/proof`);
    if (!answer.ok && NOT_YET.includes(answer.problem.code) && asked < ASKS_MAX) {
      state.value = 'waiting';
      timer = setTimeout(() => void verify(record, shown, asked + 1), ASK_AGAIN_MS);
      return;
    }
    problem.value = answer.ok ? null : answer.problem;
    const trusted = trustFor((await ledgerKnown(live.ledger))?.vkey, live.now.value);
    if (answer.ok && trusted !== undefined) {
      const { birthNeeded, checkProof } = await import('./check-proof.ts');
      const birth = shown === undefined ? undefined : birthNeeded(answer.value);
      const birthAnswer = birth === undefined ? undefined : await getText(`/records/${birth}/proof`);
      const birthText = birthAnswer?.ok ? birthAnswer.value : undefined;
      // The api answers definitions as they stand in their records; its schema names those members alone that screens show.
      const definitionOf = (dataset: string) => live.datasets.get(dataset) as DatasetDefinition | undefined;
      check.value = checkProof(answer.value, trusted.policy, shown && { value: shown, birthText, definitionOf });
      if (check.value.ok && check.value.value.ok) checkpoints.seeGiven(check.value.value.note, live.ledger.value);
    }
    state.value = 'done';
  }
  return { check, problem, state, verify };
}
