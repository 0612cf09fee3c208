/** The person behind a request, and that person's own signature on what is asked for. */
import {
  ACTS_PRODUCER,
  AirtightError,
  actMessage,
  CONTROL_AGENCY,
  type DeviceSignature,
  isSignedBy,
  isValidAt,
  type KeyRecord,
  type PersonalSignature,
  SIGNED_ACT_TOLERANCE_MS,
} from '@airtight/protocol';
import { nobleAlgorithms } from '@airtight/tlog';
import { Type } from 'typebox';
import type { ControlState } from '../control/control-state.ts';
import type { NewRecord } from '../upstream/ingest-client.ts';
import type { Identity } from './identity.ts';

/** How an identity by token is called (identity.ts). */
const TOKEN_NAME = 'token:';

/** A signature in a request's body. */
export const Signature = Type.Object(
  {
    kid: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    sig: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
    at: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{16}$' })),
  },
  { additionalProperties: false },
);

/** Of a program's token the one who made it, so that a second token is no second person. */
export function personOf({ name }: Identity, control: Pick<ControlState, 'tokens'>): string {
  const known = name as string;
  return known.startsWith(TOKEN_NAME) ? (control.tokens.get(known.slice(TOKEN_NAME.length))?.createdBy ?? known) : known;
}

/** The key with which a person signs at a moment, epoch ms. One counts at a time. */
export function keyOfPerson(person: string, control: Pick<ControlState, 'personKeys'>, at: number): KeyRecord | undefined {
  return control.personKeys(person).find(({ record }) => isValidAt({ ...record, id: record.kid }, at))?.record;
}

export interface ActRules {
  readonly control: Pick<ControlState, 'personKeys'>;
  readonly config: { readonly requireSignedActs: boolean };
}

export interface Act {
  readonly person: string;
  readonly dataset: string;
  readonly messageId: string;
  readonly payload: object;
}

/**
 * The record of a person's act, with the signature when there is one. Who ever had a key on record signs always: a stolen
 * password or token alone does nothing in that name.
 * @throws AirtightError SIGNATURE_MISSING; SIGNATURE_INVALID when it is not by the person's key over just this payload, or
 *   its time is more than SIGNED_ACT_TOLERANCE_MS from this service's clock
 */
export function recordOfAct(
  { person, dataset, messageId, payload }: Act,
  given: PersonalSignature | undefined,
  rules: ActRules,
): NewRecord {
  const record = { agency: CONTROL_AGENCY, dataset, producer: ACTS_PRODUCER, messageId, payload };
  const now = Date.now();
  const key = keyOfPerson(person, rules.control, now);
  if (given === undefined) {
    if (key !== undefined) throw new AirtightError('SIGNATURE_MISSING', `${person} signs with key ${key.kid}`);
    if (rules.control.personKeys(person).length > 0)
      throw new AirtightError('SIGNATURE_MISSING', `${person} signs, and has no key that counts now`);
    if (rules.config.requireSignedActs) throw new AirtightError('SIGNATURE_MISSING', `${person} has no signing key on record`);
    return record;
  }
  if (key?.kid !== given.kid) throw new AirtightError('SIGNATURE_INVALID', `${given.kid} is no key of ${person} that counts now`);
  if (given.at !== undefined && Math.abs(given.at - now) > SIGNED_ACT_TOLERANCE_MS)
    throw new AirtightError('SIGNATURE_INVALID', `signed for ${new Date(given.at).toISOString()}, which is too far from now`);
  if (!isSignedBy(key.publicKey, actMessage(dataset, payload), given.sig, nobleAlgorithms))
    throw new AirtightError('SIGNATURE_INVALID', `not by key ${given.kid} over this act`);
  return { ...record, signature: signatureOf(given) };
}

function signatureOf({ kid, sig }: PersonalSignature): DeviceSignature {
  return { kid, sig };
}
