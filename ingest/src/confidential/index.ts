/** What an audit of a data directory needs, keys and what they prove; and what a benchmark measures. */
export { nodeSha256 } from '../batch/running-root.ts';
export { commitTo } from './commitment.ts';
export { commitmentFault } from './commitment-fault.ts';
export { keyFilesFault } from './key-files-fault.ts';
export { SaltKeys } from './salt-keys.ts';
export { SaltStream } from './salt-stream.ts';
