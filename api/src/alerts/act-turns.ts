/** Acts on one alert are taken one after the other: each is judged by how the one before has left it. */
import { AirtightError } from '@airtight/protocol';

/** People who act on one alert at the same moment; more is a program gone wild. */
export const TURNS_MAX = 20;

export class ActTurns {
  readonly #turns = new Map<string, { waiting: number; last: Promise<unknown> }>();

  /** Runs `act` when those before it on `id` are done. @throws AirtightError OVERLOADED when too many wait; what `act` throws */
  async run<T>(id: string, act: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(id) ?? { waiting: 0, last: Promise.resolve() };
    if (turn.waiting >= TURNS_MAX) throw new AirtightError('OVERLOADED', `acts on ${id}`);
    turn.waiting++;
    this.#turns.set(id, turn);
    const done = turn.last.then(act, act);
    turn.last = done;
    try {
      return await done;
    } finally {
      turn.waiting--;
      if (turn.waiting === 0) this.#turns.delete(id);
    }
  }
}
