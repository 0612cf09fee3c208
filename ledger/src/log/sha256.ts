/** SHA-256 of OpenSSL, for everything the service hashes. */
import { hash } from 'node:crypto';
import { sha256FromLatin1 } from '@airtight/tlog';

export const nodeSha256 = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
