/** Cuts a stream of bytes into lines (NDJSON), with a bound on what one line may hold back. */

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineSplitter {
  readonly #lineMaxBytes: number;
  #pieces: Buffer[] = [];
  #heldBytes = 0;

  constructor(lineMaxBytes: number) {
    this.#lineMaxBytes = lineMaxBytes;
  }

  /** True when the line that has begun is longer than a line may be. */
  get overlong(): boolean {
    return this.#heldBytes > this.#lineMaxBytes;
  }

  /** The lines that end in this piece, without their line ends (LF or CRLF). Ask for `overlong` after each piece. */
  *push(piece: Buffer): Generator<Buffer> {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      this.#hold(piece.subarray(from, end));
      from = end + 1;
      // What is held stays, and counts, when the line is too long.
      if (this.overlong) return;
      yield this.#take();
    }
    this.#hold(piece.subarray(from));
  }

  /** What stands after the last line end; empty when nothing does. */
  rest(): Buffer {
    return this.#take();
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#heldBytes += piece.length;
  }

  #take(): Buffer {
    const line = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.#heldBytes);
    this.#pieces = [];
    this.#heldBytes = 0;
    return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  }
}
