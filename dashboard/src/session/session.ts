/** Who is signed in, and the dialog to sign in. One instance per page load. */
import type { Session } from '@airtight/protocol';
import { computed, type InjectionKey, inject, ref, shallowRef } from 'vue';
import { getJson, sendJson, setRequestContext } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';

const NOBODY: Session = { name: null, role: null, csrf: null };

export class SessionStore {
  readonly session = shallowRef<Session>(NOBODY);
  readonly name = computed(() => this.session.value.name);
  readonly role = computed(() => this.session.value.role);
  /** Operators and administrators acknowledge alerts. */
  readonly mayAct = computed(() => this.role.value === 'operator' || this.role.value === 'administrator');
  readonly dialogOpen = ref(false);
  readonly problem = shallowRef<RequestProblem | null>(null);
  readonly busy = ref(false);
  readonly #changed: () => void;

  /** @param changed called when another person is signed in than before: what may be seen may differ */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  open(): void {
    this.problem.value = null;
    this.dialogOpen.value = true;
  }

  async load(): Promise<void> {
    const answer = await getJson<Session>('/session');
    if (answer.ok) this.#take(answer.value);
  }

  async signIn(name: string, password: string): Promise<boolean> {
    this.busy.value = true;
    const answer = await sendJson<Session>('POST', '/session', { name, password });
    this.busy.value = false;
    this.problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return false;
    this.#take(answer.value);
    this.dialogOpen.value = false;
    this.#changed();
    return true;
  }

  async signOut(): Promise<void> {
    const answer = await sendJson<undefined>('DELETE', '/session', undefined);
    if (!answer.ok) return;
    this.#take(NOBODY);
    this.#changed();
  }

  #take(session: Session): void {
    this.session.value = session;
    setRequestContext({ csrf: session.csrf });
  }
}

export const SESSION: InjectionKey<SessionStore> = Symbol('session');

export function useSession(): SessionStore {
  const session = inject(SESSION);
  if (session === undefined) throw new Error('no session store is provided');
  return session;
}
