/** Which of its states a panel shows. */
import { isForbidden, type RequestProblem } from './problem.ts';

export type PanelStateName = 'loading' | 'empty' | 'forbidden' | 'error' | 'ready';

export interface PanelInput {
  readonly hasData: boolean;
  readonly empty: boolean;
  readonly loading: boolean;
  readonly problem: RequestProblem | null;
}

/** An error or a reload behind data that is there already keeps the data; the panel then shows a line above it. */
export function panelStateOf(input: PanelInput): PanelStateName {
  if (input.hasData && !input.empty) return 'ready';
  if (input.problem !== null) return isForbidden(input.problem) ? 'forbidden' : 'error';
  if (!input.hasData) return 'loading';
  return 'empty';
}
