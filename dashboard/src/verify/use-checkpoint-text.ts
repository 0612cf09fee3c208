/** What the remembered checkpoint says, in one sentence. */
import { type ComputedRef, computed } from 'vue';
import { useFormat } from '../i18n/use-format.ts';
import { useCheckpoints } from './checkpoint-watch.ts';

export interface CheckpointText {
  readonly tone: 'good' | 'warn' | 'bad' | 'open';
  readonly text: string;
}

export function useCheckpointText(): ComputedRef<CheckpointText> {
  const { state } = useCheckpoints();
  const { t, time } = useFormat();
  return computed(() => {
    const { kind, from, now } = state.value;
    const counts = {
      from: (from?.size ?? 0).toLocaleString(),
      to: (now?.size ?? 0).toLocaleString(),
      time: time.value.full(from?.seenAt ?? 0),
    };
    const tone = kind === 'conflict' ? 'bad' : kind === 'untrusted' ? 'warn' : kind === 'grown' || kind === 'same' ? 'good' : 'open';
    return { tone, text: t(`checkpoint.${kind}`, counts) };
  });
}
