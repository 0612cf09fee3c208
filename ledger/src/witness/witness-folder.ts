/** Folder of the log's directory with what was cosigned for other logs, and the evidence against them. */
export const WITNESS_FOLDER = 'witness';

/** A file in it that is not what it should be. */
export interface WrongFile {
  readonly path: string;
  readonly detail: string;
}
