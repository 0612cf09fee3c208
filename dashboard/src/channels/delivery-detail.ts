/** What a receiver, or the way to it, answered to an attempt, in the reader's language. */
type Translate = (key: string, values?: Record<string, unknown>) => string;

/** Details that are told in words; others say themselves (docs/reference/channels.md). */
const IN_WORDS: ReadonlySet<string> = new Set([
  'published',
  'accepted',
  'timeout',
  'address denied',
  'name not found',
  'https required',
  'url invalid',
  'queue full',
  'answer broke off',
  'connection failed',
  'internal',
  'interrupted',
  'no mail server is set',
  'no STARTTLS',
  'no region name is set',
  'region not known',
  'receipt invalid',
  'receipt checked',
  'ECONNREFUSED',
  'ECONNRESET',
]);
/** A certificate that is refused: OpenSSL's and Node's names of the faults. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/;

export function deliveryDetail(detail: string, t: Translate): string {
  if (IN_WORDS.has(detail)) return t(`channels.detail.${detail.replaceAll(' ', '-')}`);
  const [, way, status] = /^(http|smtp) (\d{3})$/.exec(detail) ?? [];
  if (way !== undefined) return t(`channels.detail.${way}`, { status });
  const [, refused, code] = /^http (\d{3}) (\w+)$/.exec(detail) ?? [];
  if (code !== undefined) return t('channels.detail.refused', { status: refused, code });
  if (CERTIFICATE.test(detail)) return t('channels.detail.tls');
  const [, fault] = /^smtp (.+)$/.exec(detail) ?? [];
  if (fault === undefined) return detail;
  return t('channels.detail.smtpFault', { fault: IN_WORDS.has(fault) ? t(`channels.detail.${fault}`) : fault });
}
