/**
 * Evidence files: one HTML file with values, their proofs and the verifier. Values and proofs stand in it as JSON, so that
 * other programs can take them out again.
 */

/** Where the page's template has room for the data. */
const DATA_PLACE = '<!--airtight:data-->';
const PROOFS = /<script type="application\/json" id="proofs">([^<]*)<\/script>/;

/**
 * Fills the template.
 * @param evidence the `airtight-evidence@1` document
 * @param proofs the text of an `airtight-proof-set@1`
 * @throws Error when the template has no room for data: the dashboard was built from something else
 */
export function evidenceHtml(template: string, evidence: object, proofs: string): string {
  if (!template.includes(DATA_PLACE)) throw new Error('the template of evidence files has no place for the data');
  const data = [jsonScript('evidence', JSON.stringify(evidence)), jsonScript('proofs', proofs)].join('\n    ');
  return template.replace(DATA_PLACE, () => data);
}

/** In JSON `<` stands in texts alone, where it can be written so that no markup begins. */
function jsonScript(id: string, json: string): string {
  return `<script type="application/json" id="${id}">${json.trim().replaceAll('<', '\\u003c')}</script>`;
}

/** The proofs in an evidence file; undefined when the text is none. */
export function proofsInHtml(text: string): string | undefined {
  return /^\s*<!doctype html>/i.test(text) ? PROOFS.exec(text)?.[1] : undefined;
}
