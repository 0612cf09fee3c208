/**
 * The signing key of the person at this screen (docs/reference/signed-acts.md). It is made or read here and held until the page is
 * closed; only its public half and signatures leave. One instance per page load.
 */
import { ACTS_PRODUCER, CONTROL_AGENCY, KEYS_DATASET, type KeyRecord, PersonalKey, type PersonalSignature } from '@airtight/protocol';
import { type InjectionKey, inject, ref, shallowRef } from 'vue';
import { getJson, sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';

const SEED_BYTES = 32;

/** A key on record. */
export interface KeyItem {
  readonly person: string;
  readonly kid: string;
  readonly publicKey: string;
  readonly validFrom: string;
  readonly validTo: string | null;
  readonly record: string;
}

export class SigningKeyStore {
  /** Held in this page; null: none is loaded. */
  readonly held = shallowRef<PersonalKey | null>(null);
  /** The person's key on record that counts now. */
  readonly current = shallowRef<KeyItem | null>(null);
  readonly dialogOpen = ref(false);
  readonly busy = ref(false);
  readonly problem = shallowRef<RequestProblem | null>(null);

  /** @param person who is signed in; null: nobody, and whoever was takes the key along */
  async load(person: string | null): Promise<void> {
    this.current.value = null;
    if (person === null) {
      this.held.value = null;
      return;
    }
    const answer = await getJson<{ readonly items: readonly KeyItem[] }>('/signing-keys');
    if (answer.ok) this.current.value = answer.value.items.find((item) => item.person === person && item.validTo === null) ?? null;
  }

  /** Makes a key and puts it on record. @returns its PEM, which the person must keep: nobody else has it; undefined when it was refused */
  async make(person: string): Promise<string | undefined> {
    const key = new PersonalKey(crypto.getRandomValues(new Uint8Array(SEED_BYTES)));
    return (await this.register(person, key)) ? key.toPem() : undefined;
  }

  async register(person: string, key: PersonalKey): Promise<boolean> {
    const item = await this.#post('/signing-keys', { publicKey: key.publicKey, possession: key.possession(person) });
    if (item === undefined) return false;
    this.current.value = item;
    this.held.value = key;
    return true;
  }

  /** Ends the key that is held. */
  async end(): Promise<void> {
    const [key, known] = [this.held.value, this.current.value];
    if (key === null || known === null) return;
    const { person, kid, publicKey, validFrom } = known;
    const at = Date.now();
    const record: KeyRecord = {
      ...{ type: 'key', producer: ACTS_PRODUCER, agency: CONTROL_AGENCY, kid, publicKey },
      ...{ validFrom: Date.parse(validFrom), validTo: at, person, by: person },
    };
    const path = `/signing-keys/${encodeURIComponent(person)}/${kid}/end`;
    if ((await this.#post(path, { signature: key.sign(KEYS_DATASET, record, { at }) })) === undefined) return;
    this.current.value = null;
    this.held.value = null;
  }

  /** The signature of an act; nothing while no key of the person is loaded, and then the server says whether one is needed. */
  sign(dataset: string, act: object, said?: Pick<PersonalSignature, 'at' | 'id'>): { readonly signature?: PersonalSignature } {
    const key = this.held.value;
    return key === null || key.kid !== this.current.value?.kid ? {} : { signature: key.sign(dataset, act, said) };
  }

  async #post(path: string, body: object): Promise<KeyItem | undefined> {
    this.busy.value = true;
    const answer = await sendJson<KeyItem>('POST', path, body);
    this.busy.value = false;
    this.problem.value = answer.ok ? null : answer.problem;
    return answer.ok ? answer.value : undefined;
  }
}

export const SIGNING_KEY: InjectionKey<SigningKeyStore> = Symbol('signing-key');

export function useSigningKey(): SigningKeyStore {
  const store = inject(SIGNING_KEY);
  if (store === undefined) throw new Error('no signing key store is provided');
  return store;
}

/** 16 random hex digits, as a new draft or flag has them. */
export function newActId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
