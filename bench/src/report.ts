/** Output of a benchmark: progress on stderr, tables and one JSON line on stdout. */

export interface Verdict {
  /** Key in the JSON line. */
  readonly name: string;
  readonly value: number;
  readonly target: { readonly atLeast: number } | { readonly atMost: number };
  /** What the ratio or figure is, for people. */
  readonly meaning: string;
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints rows of one width per column; numbers to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = [header, ...rows.map((row) => row.map(format))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells) {
    const line = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
    console.log(line.join('  '));
  }
  console.log('');
}

/** Prints every figure next to its target, then everything as one JSON line. Nothing fails: a benchmark is no test. */
export function printVerdicts(benchmark: string, verdicts: readonly Verdict[], figures: { readonly [name: string]: unknown }): void {
  printTable(
    ['figure', 'value', 'target', 'met'],
    verdicts.map((verdict) => [verdict.meaning, verdict.value, targetText(verdict), isMet(verdict) ? 'yes' : 'NO']),
  );
  const results = verdicts.map((verdict) => [verdict.name, { value: verdict.value, ...verdict.target, met: isMet(verdict) }]);
  const line = { benchmark, at: new Date().toISOString(), ...Object.fromEntries(results), figures };
  console.log(JSON.stringify(line, (_key, value) => (typeof value === 'number' ? rounded(value) : value)));
}

function isMet(verdict: Verdict): boolean {
  return 'atLeast' in verdict.target ? verdict.value >= verdict.target.atLeast : verdict.value <= verdict.target.atMost;
}

function targetText(verdict: Verdict): string {
  return 'atLeast' in verdict.target ? `≥ ${verdict.target.atLeast}` : `≤ ${verdict.target.atMost}`;
}

function format(value: string | number): string {
  if (typeof value === 'string') return value;
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 100 ? 0 : 2);
}

/** Three significant digits: more would be noise. A number without a fraction (a count, a time) stays as it is. */
export function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(3));
}
