/** Does the ledger of another region prove what the region says of an alert? */
import {
  type AlertMessage,
  type AlertTransition,
  accept,
  decodeRecord,
  type Outcome,
  refuse,
  SEVERITIES,
  type Severity,
  transitionIn,
  verifyProof,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { type Policy, parseBundle } from '@airtight/tlog';

/** What a record of an alert says itself; a person's act says less. */
const NAMES = ['alert', 'contract', 'version', 'rule', 'agency', 'dataset', 'subject'] as const;

/**
 * @param proof a bundle as JSON, of the record that the message names
 * @param policy by which the sender's ledger is judged
 * @returns the code of the first step that fails; PROOF_MISMATCH when the proven record says something else
 */
export function judgeProof(proof: object | null, { data }: AlertMessage, policy: Policy): Outcome<true> {
  if (proof === null) return refuse('REGION_PROOF_MISSING', '');
  const bundle = parseBundle(JSON.stringify(proof));
  if (!bundle.ok) return refuse('BUNDLE_MALFORMED', bundle.detail);
  const { steps } = verifyProof(bundle.value, policy);
  const failed = steps.find(({ ok }) => !ok);
  if (failed !== undefined) return refuse(failed.code ?? 'PROOF_MISMATCH', `${failed.step}: ${failed.detail}`);
  const record = decodeRecord(bundle.value.record);
  const transition = record.ok ? transitionIn(record.value) : undefined;
  if (transition === undefined || String(bundle.value.position) !== data.record || transition.type !== data.cause)
    return refuse('PROOF_MISMATCH', 'it proves another record');
  const differing = differencesOf(transition, data);
  return differing.length === 0 ? accept(true) : refuse('PROOF_MISMATCH', `the proven record differs: ${differing.join(', ')}`);
}

function differencesOf(transition: AlertTransition, data: AlertMessage['data']): readonly string[] {
  const proven = transition as unknown as { readonly [name: string]: unknown };
  const names: string[] = NAMES.filter((name) => proven[name] !== undefined && proven[name] !== data[name]);
  if (transition.type !== 'raise' && transition.type !== 'update') return names;
  // An update leaves a severity that an escalation gave: it may be told as worse, never as better.
  const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
  const [said, own] = [rank(data.severity), rank(transition.severity)];
  const isSevere = transition.type === 'raise' ? said === own : said >= own;
  const isText = (['zh', 'en'] as const).every(
    (language) => (data.message[language] ?? transition.message[language]) === transition.message[language],
  );
  const areValues = canonicalJson(transition.values) === canonicalJson(data.values);
  return [...names, ...(isSevere ? [] : ['severity']), ...(isText ? [] : ['message']), ...(areValues ? [] : ['values'])];
}
