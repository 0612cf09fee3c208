/** Names of agencies, datasets, producers and properties: they stand in topics, URLs and file names. */

export const NAME_MAX_LENGTH = 64;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** As a JSON Schema `pattern`. */
export const PROPERTY_PATTERN = '^[A-Za-z][A-Za-z0-9_]{0,63}$';
const PROPERTY = new RegExp(PROPERTY_PATTERN);

/** Agency, dataset or producer name: 1 to 64 of A–Z a–z 0–9 . _ -, first one alphanumeric. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** observedProperty name as it stands in a reading's `m`: 1 to 64 of A–Z a–z 0–9 _, first one a letter. */
export function isPropertyName(text: string): boolean {
  return PROPERTY.test(text);
}

export const MESSAGE_NAME_MAX_LENGTH = 128;

/**
 * A name that a payload gives itself: 1 to 128 characters without control characters. It stands in the record's header, which
 * is bounded, and JSON writes a control character as six bytes.
 */
export function isMessageName(text: unknown): text is string {
  return (
    typeof text === 'string' && text.length > 0 && text.length <= MESSAGE_NAME_MAX_LENGTH && text.isWellFormed() && !/\p{Cc}/u.test(text)
  );
}
