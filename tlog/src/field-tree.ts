/**
 * Commitment to the fields of one record, of which any can be shown without the others: an RFC 6962 tree over
 *
 *   field leaf = SHA-256(0x00 ‖ salt (16 bytes) ‖ name (UTF-8) ‖ 0x00 ‖ value)
 *   dummy leaf = SHA-256(0x00 ‖ salt (16 bytes) ‖ 0xFF)
 *
 * 0xFF stands in no UTF-8, so a dummy can never be shown as a field. Dummies fill the tree up to a power of two, at least
 * FIELD_TREE_MIN_LEAVES, and all leaves stand in ascending order of their hashes: neither number nor presence of other
 * fields follows from the place of one.
 *
 * A salt is what keeps a temperature from being guessed from its hash: 128 random bits that nobody else knows.
 */
import { rootOfLeafHashes } from './merkle.ts';
import { multiProof, narrowMultiProof, rootFromMultiProof } from './multi-proof.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import { fail, type Verdict } from './verdict.ts';

export const SALT_BYTES = 16;
export const FIELD_TREE_MIN_LEAVES = 8;
/** A day's log of a refrigerator has some 500; hashing so many takes two milliseconds. */
export const FIELD_TREE_MAX_LEAVES = 1024;

const LEAF_PREFIX = 0x00;
const NAME_END = 0x00;
const DUMMY_MARK = 0xff;
const NAME_AT = 1 + SALT_BYTES;
const encoder = new TextEncoder();

export interface TreeField {
  readonly name: string;
  /** As it is hashed; a text in UTF-8. */
  readonly value: string | Uint8Array;
}

export interface FieldTree {
  /** Leaf hashes in the order of the tree, 32 bytes each, concatenated. */
  readonly hashes: Uint8Array;
  /** Place in the tree of each field, in the order in which they were given. */
  readonly places: readonly number[];
  readonly root: Uint8Array;
}

export interface DisclosedField {
  /** Place of its leaf in the tree. */
  readonly index: number;
  readonly name: string;
  /** Text, or base64 where the field is one of bytes. */
  readonly value: string;
  readonly salt: Uint8Array;
}

/** Some fields of a tree with what it takes to check them. */
export interface FieldDisclosure {
  /** Leaves of the tree. */
  readonly size: number;
  /** Multi-proof of the fields' leaves. */
  readonly hashes: readonly Uint8Array[];
  /** At least one, ascending by index. */
  readonly fields: readonly DisclosedField[];
}

/** Kept between calls, with a view of each length: a field of a reading is shorter than this, and a view costs as much as a salt. */
const KEPT_PREIMAGE_BYTES = 512;
const keptPreimage = new Uint8Array(KEPT_PREIMAGE_BYTES);
const keptViews = Array.from({ length: KEPT_PREIMAGE_BYTES + 1 }, (_, length) => keptPreimage.subarray(0, length));

/** Leaves of the tree over so many fields. */
export function fieldTreeSize(fields: number): number {
  let size = FIELD_TREE_MIN_LEAVES;
  while (size < fields) size *= 2;
  return size;
}

/** Leaf hash of a field, 32 bytes. @param salt SALT_BYTES */
export function fieldLeafHash(field: TreeField, salt: Uint8Array, sha: Sha256 = nobleSha256): Uint8Array {
  const out = new Uint8Array(HASH_BYTES);
  hashField(out, 0, field, salt, 0, sha);
  return out;
}

/** Leaf hash of a dummy, 32 bytes. @param salt SALT_BYTES */
export function dummyLeafHash(salt: Uint8Array, sha: Sha256 = nobleSha256): Uint8Array {
  const out = new Uint8Array(HASH_BYTES);
  hashDummy(out, 0, salt, 0, sha);
  return out;
}

/**
 * The tree over these fields.
 * @param fields at most FIELD_TREE_MAX_LEAVES, each name once
 * @param salts SALT_BYTES for each leaf: those of the fields in their order, then those of the dummies
 */
export function fieldTree(fields: readonly TreeField[], salts: Uint8Array, sha: Sha256 = nobleSha256): FieldTree {
  const size = fieldTreeSize(fields.length);
  if (size > FIELD_TREE_MAX_LEAVES) throw new RangeError(`${fields.length} fields; ${FIELD_TREE_MAX_LEAVES} are the most`);
  if (salts.length !== size * SALT_BYTES) throw new RangeError(`${salts.length} bytes of salt for ${size} leaves`);
  const given = new Uint8Array(size * HASH_BYTES);
  for (let i = 0; i < size; i++) {
    const field = fields[i];
    if (field === undefined) hashDummy(given, i * HASH_BYTES, salts, i * SALT_BYTES, sha);
    else hashField(given, i * HASH_BYTES, field, salts, i * SALT_BYTES, sha);
  }
  const order = ascending(given, size);
  const hashes = new Uint8Array(size * HASH_BYTES);
  const places = new Array<number>(fields.length).fill(0);
  for (let place = 0; place < size; place++) {
    const leaf = order[place] as number;
    for (let i = 0; i < HASH_BYTES; i++) hashes[place * HASH_BYTES + i] = given[leaf * HASH_BYTES + i] as number;
    if (leaf < fields.length) places[leaf] = place;
  }
  return { hashes, places, root: rootOfLeafHashes(hashes, sha) };
}

/** The hashes that prove the leaves at these places. @param places ascending, at least one */
export function fieldProof({ hashes }: FieldTree, places: readonly number[], sha: Sha256 = nobleSha256): Uint8Array[] {
  return multiProof(hashes, places, sha);
}

/**
 * The root that disclosed fields lead to.
 * @param valueIn the bytes or text of a field's value
 * @returns PROOF_MALFORMED when the size is none of a field tree, or hashes and fields do not fit it
 */
export function rootOfDisclosure(
  { size, hashes, fields }: FieldDisclosure,
  valueIn: (field: DisclosedField) => TreeField['value'],
  sha: Sha256 = nobleSha256,
): Verdict<Uint8Array> {
  if (size < FIELD_TREE_MIN_LEAVES || size > FIELD_TREE_MAX_LEAVES || fieldTreeSize(size) !== size) {
    return fail('PROOF_MALFORMED', `no field tree has ${size} leaves`);
  }
  const leaves = fields.map((field) => ({
    index: field.index,
    leafHash: fieldLeafHash({ name: field.name, value: valueIn(field) }, field.salt, sha),
  }));
  return rootFromMultiProof({ size, leaves, hashes }, sha);
}

/**
 * The same disclosure with fewer fields. @param names of fields that it shows, at least one
 */
export function narrowDisclosure(
  { size, hashes, fields }: FieldDisclosure,
  names: readonly string[],
  valueIn: (field: DisclosedField) => TreeField['value'],
  sha: Sha256 = nobleSha256,
): FieldDisclosure {
  const leaves = fields.map((field) => ({
    index: field.index,
    leafHash: fieldLeafHash({ name: field.name, value: valueIn(field) }, field.salt, sha),
  }));
  const kept = fields.filter(({ name }) => names.includes(name));
  const indexes = kept.map(({ index }) => index);
  return { size, hashes: narrowMultiProof({ size, leaves, hashes }, indexes, sha), fields: kept };
}

function hashField(out: Uint8Array, at: number, { name, value }: TreeField, salts: Uint8Array, saltAt: number, sha: Sha256): void {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  const most = NAME_AT + name.length * 3 + 1 + (typeof value === 'string' ? value.length * 3 : value.length);
  const preimage = most <= KEPT_PREIMAGE_BYTES ? keptPreimage : new Uint8Array(most);
  preimage[0] = LEAF_PREFIX;
  writeSalt(preimage, salts, saltAt);
  let end = writeText(preimage, NAME_AT, name);
  preimage[end++] = NAME_END;
  if (typeof value === 'string') end = writeText(preimage, end, value);
  else {
    preimage.set(value, end);
    end += value.length;
  }
  sha.into(out, at, preimage === keptPreimage ? (keptViews[end] as Uint8Array) : preimage.subarray(0, end));
}

function hashDummy(out: Uint8Array, at: number, salts: Uint8Array, saltAt: number, sha: Sha256): void {
  keptPreimage[0] = LEAF_PREFIX;
  writeSalt(keptPreimage, salts, saltAt);
  keptPreimage[NAME_AT] = DUMMY_MARK;
  sha.into(out, at, keptViews[NAME_AT + 1] as Uint8Array);
}

function writeSalt(preimage: Uint8Array, salts: Uint8Array, saltAt: number): void {
  for (let i = 0; i < SALT_BYTES; i++) preimage[1 + i] = salts[saltAt + i] as number;
}

/** Most names and values are short and ASCII: written so they cost a fifth of a call of the encoder. */
function writeText(target: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      const bytes = encoder.encode(text);
      target.set(bytes, at);
      return at + bytes.length;
    }
    target[at + i] = code;
  }
  return at + text.length;
}

/** The leaves in ascending order of their hashes. */
function ascending(hashes: Uint8Array, size: number): number[] {
  const order: number[] = [];
  for (let leaf = 0; leaf < size; leaf++) order.push(leaf);
  if (size > FIELD_TREE_MIN_LEAVES) return order.sort((a, b) => compareHashes(hashes, a, b));
  // Insertion: for so few a call of sort costs more than a hash.
  for (let i = 1; i < size; i++) {
    const leaf = order[i] as number;
    let at = i;
    for (; at > 0 && compareHashes(hashes, order[at - 1] as number, leaf) > 0; at--) order[at] = order[at - 1] as number;
    order[at] = leaf;
  }
  return order;
}

function compareHashes(hashes: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const difference = (hashes[a * HASH_BYTES + i] as number) - (hashes[b * HASH_BYTES + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
