/** What an audit of a data directory needs: the keys, and whether a record is what it was committed with. */
export { commitmentFault } from './commitment-fault.ts';
export { SaltKeys } from './salt-keys.ts';
