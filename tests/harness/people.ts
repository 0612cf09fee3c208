/** People with accounts, who ask the API in their own names. */
import { createHash, randomBytes } from 'node:crypto';
import { CONTROL_AGENCY, type Role, type TokenRecord, USERS_DATASET } from '@airtight/protocol';
import type { Product } from './product.ts';

export interface Answer {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

export class People {
  readonly #product: Pick<Product, 'ingest' | 'httpUrl'>;
  readonly #tokens = new Map<string, string>();

  constructor(product: Pick<Product, 'ingest' | 'httpUrl'>) {
    this.#product = product;
  }

  /** An account's own API token, on record. */
  async add(person: string, role: Role): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    const secretHash = createHash('sha256').update(secret).digest('base64url');
    const payload: TokenRecord = { type: 'token', id: `${person}1`, title: person, role, secretHash, createdBy: person, revoked: false };
    await this.#product.ingest('/records', { records: [{ agency: CONTROL_AGENCY, dataset: USERS_DATASET, producer: 'tests', payload }] });
    const token = `at_${person}1_${secret}`;
    this.#tokens.set(person, token);
    return token;
  }

  /** @param path below `/api/v1/` @param body sent as JSON, by POST unless another method is named; undefined: GET */
  async request(person: string, path: string, body?: object, method = 'POST'): Promise<Answer> {
    const authorization = `Bearer ${this.#tokens.get(person)}`;
    const url = `${this.#product.httpUrl}/api/v1/${path}`;
    const sent = body === undefined ? {} : { method, body: JSON.stringify(body) };
    const headers = body === undefined ? { authorization } : { authorization, 'content-type': 'application/json' };
    const answer = await fetch(url, { ...sent, headers });
    return { status: answer.status, body: (await answer.json()) as Answer['body'] };
  }
}
