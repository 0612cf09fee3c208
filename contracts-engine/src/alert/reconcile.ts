/**
 * What was issued against what should have been: late data were judged, and the outcome of a rule about one subject since
 * some time is another. Says which alerts stand, go on, change, go or come.
 */
import type { Transition } from '../rule/machine.ts';
import type { Episode, Step } from './episode.ts';

/** An alert as it should be, seen from the end. */
export interface Draft {
  readonly since: number;
  readonly raisedAt: number;
  readonly steps: readonly Step[];
  readonly clearedAt: number | null;
  /** What makes it up, of the time that was judged again. */
  readonly transitions: readonly Transition[];
  /** Steps from before that time. */
  readonly kept: number;
}

export interface Reconciled {
  /** Should never have been. */
  readonly retracted: readonly Episode[];
  /** In order of time; null: nobody has been told of it yet. */
  readonly drafts: readonly (readonly [Episode | null, Draft])[];
}

/**
 * @param episodes all that are known of the rule and subject
 * @param start nothing up to this time was judged again
 */
export function reconcile(episodes: readonly Episode[], start: number, transitions: readonly Transition[]): Reconciled {
  const standing = episodes.filter(({ retracted }) => !retracted);
  const open = standing.find(({ raisedAt, clearedAt }) => raisedAt <= start && (clearedAt === null || clearedAt > start));
  const drafts = draftsOf(open, start, transitions);
  const candidates = standing.filter((episode) => episode !== open && episode.raisedAt > start);
  const matched = drafts.map((draft, index): readonly [Episode | null, Draft] => {
    if (index === 0 && open !== undefined) return [open, draft];
    const match =
      candidates.find(({ since }) => since === draft.since) ??
      candidates.find((candidate) => overlaps(candidate, draft)) ??
      episodes.find(({ retracted, since }) => retracted && since === draft.since);
    if (match === undefined) return [null, draft];
    const place = candidates.indexOf(match);
    if (place >= 0) candidates.splice(place, 1);
    return [match, draft];
  });
  return { retracted: candidates, drafts: matched };
}

/** What must still be told of an alert that is right so far; null: it is not right so far. */
export function continuation(episode: Episode, draft: Draft): readonly Transition[] | null {
  const { retracted, since, raisedAt, steps, clearedAt } = episode;
  if (retracted || since !== draft.since || raisedAt !== draft.raisedAt || steps.length > draft.steps.length) return null;
  if (!steps.every((step, index) => isSame(step, draft.steps[index] as Step))) return null;
  const isOver = clearedAt !== null;
  if (isOver && (clearedAt !== draft.clearedAt || steps.length !== draft.steps.length)) return null;
  return draft.transitions.slice(steps.length - draft.kept + (isOver ? 1 : 0));
}

function draftsOf(open: Episode | undefined, start: number, transitions: readonly Transition[]): Draft[] {
  const drafts: Draft[] = [];
  if (open !== undefined) {
    const steps = open.steps.filter(({ at }) => at <= start);
    drafts.push({ since: open.since, raisedAt: open.raisedAt, steps, clearedAt: null, transitions: [], kept: steps.length });
  }
  for (const transition of transitions) {
    const { kind, at, level, flapping, since } = transition;
    if (kind === 'raise') {
      drafts.push({ since, raisedAt: at, steps: [{ at, level, flapping }], clearedAt: null, transitions: [transition], kept: 0 });
      continue;
    }
    const draft = drafts.pop();
    if (draft === undefined) throw new Error('a transition of no alert');
    const all = { ...draft, transitions: [...draft.transitions, transition] };
    drafts.push(kind === 'update' ? { ...all, steps: [...draft.steps, { at, level, flapping }] } : { ...all, clearedAt: at });
  }
  return drafts;
}

function overlaps(a: Pick<Draft, 'since' | 'clearedAt'>, b: Pick<Draft, 'since' | 'clearedAt'>): boolean {
  return a.since < (b.clearedAt ?? Number.POSITIVE_INFINITY) && b.since < (a.clearedAt ?? Number.POSITIVE_INFINITY);
}

function isSame(a: Step, b: Step): boolean {
  return a.at === b.at && a.level === b.level && a.flapping === b.flapping;
}
