/** SHA-256 as lower-case hex, for the packages above that name things by their content and must not know the ledger. */
export { sha256Hex } from '@airtight/tlog';
