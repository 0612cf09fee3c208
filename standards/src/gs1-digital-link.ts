/**
 * GS1 keys in one form: EPC URIs (EPC Tag Data Standard) and GS1 Digital Link URIs as the canonical Digital Link URI of the finest level of
 * identification, as the event hash of CBV 2.0 demands: `https://id.gs1.org/01/04012345111118/21/9876`.
 */

const CANONICAL = 'https://id.gs1.org';
/** Digits of company prefix and reference together, without the check digit. */
const GTIN_DIGITS = 13;
const SSCC_DIGITS = 17;
const GLN_DIGITS = 12;
const GSIN_DIGITS = 16;

/** What stands between scheme and serial. `rest`: undefined where there is none. */
interface Epc {
  readonly prefix: string;
  readonly reference: string;
  readonly rest: string | undefined;
}
type Convert = (epc: Epc) => string | null;

/** Standard check digit (GS1 General Specifications, 7.9.1): weights 3 and 1 from the right. */
export function gs1CheckDigit(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits.at(-1 - i)) * (i % 2 === 0 ? 3 : 1);
  return (10 - (sum % 10)) % 10;
}

const checked = (digits: string): string => digits + gs1CheckDigit(digits);

/** Prefix and reference as one number of so many digits; null when they are not. */
function numberOf({ prefix, reference }: Epc, digits: number): string | null {
  const number = prefix + reference;
  return number.length === digits && /^\d+$/.test(number) ? number : null;
}

/** Of a GTIN and an SSCC the first digit of the reference stands in front. */
function withIndicator(epc: Epc, digits: number): string | null {
  const number = numberOf(epc, digits);
  return number === null ? null : checked(epc.reference.slice(0, 1) + epc.prefix + epc.reference.slice(1));
}

const key = (ai: string, number: string | null, behind = ''): string | null =>
  number === null ? null : `${CANONICAL}/${ai}/${number}${behind}`;
const gtin =
  (qualifier: string): Convert =>
  (epc) => {
    const behind = epc.rest === undefined || epc.rest === '*' ? '' : `/${qualifier}/${encoded(epc.rest)}`;
    return key('01', withIndicator(epc, GTIN_DIGITS), behind);
  };
/** A key of thirteen digits with its serial right behind it. */
const serialised =
  (ai: string, leading = ''): Convert =>
  (epc) => {
    const number = numberOf(epc, GLN_DIGITS);
    return key(ai, number === null ? null : checked(leading + number), epc.rest === undefined || epc.rest === '*' ? '' : encoded(epc.rest));
  };
const plain =
  (ai: string): Convert =>
  ({ prefix, reference, rest }) =>
    key(ai, prefix + encoded(rest === undefined ? reference : `${reference}.${rest}`));
const numbered =
  (ai: string, digits: number): Convert =>
  (epc) => {
    const number = numberOf(epc, digits);
    return epc.rest === undefined && number !== null ? key(ai, checked(number)) : null;
  };

const EPC_SCHEMES: { readonly [scheme: string]: Convert } = {
  'id:sgtin': gtin('21'),
  'id:upui': gtin('235'),
  'class:lgtin': gtin('10'),
  'idpat:sgtin': gtin('21'),
  'idpat:upui': gtin('235'),
  'id:sscc': (epc) => (epc.rest === undefined ? key('00', withIndicator(epc, SSCC_DIGITS)) : null),
  'id:sgln': (epc) => {
    const number = numberOf(epc, GLN_DIGITS);
    return number === null ? null : key('414', checked(number), (epc.rest ?? '0') === '0' ? '' : `/254/${encoded(epc.rest as string)}`);
  },
  // Piece and total, two digits each, stand between key and serial.
  'id:itip': (epc) => {
    const [, piece, total, serial] = /^(\d\d)\.(\d\d)\.(.+)$/.exec(epc.rest ?? '') ?? [];
    const number = withIndicator(epc, GTIN_DIGITS);
    return serial === undefined || number === null ? null : key('8006', `${number}${piece}${total}`, `/21/${encoded(serial)}`);
  },
  'id:pgln': numbered('417', GLN_DIGITS),
  'id:grai': serialised('8003', '0'),
  'idpat:grai': serialised('8003', '0'),
  'id:gdti': serialised('253'),
  'idpat:gdti': serialised('253'),
  'id:sgcn': serialised('255'),
  'idpat:sgcn': serialised('255'),
  'id:gsrn': numbered('8018', SSCC_DIGITS),
  'id:gsrnp': numbered('8017', SSCC_DIGITS),
  'id:gsin': numbered('402', GSIN_DIGITS),
  'id:giai': plain('8004'),
  'id:ginc': plain('401'),
  'id:cpi': ({ prefix, reference, rest }) => (rest === undefined ? null : key('8010', prefix + encoded(reference), `/8011/${rest}`)),
};
const EPC = /^urn:epc:((?:id|class|idpat):[a-z]+):(\d{6,12})\.([^.]*)(?:\.(.+))?$/;

/** Keys by their short names, and the qualifiers that may follow each, the finest first (Digital Link 1.2, section 4.11). */
const SHORT_NAMES: { readonly [name: string]: string } = {
  gtin: '01',
  itip: '8006',
  cpid: '8010',
  gln: '414',
  party: '417',
  gsrnp: '8017',
  gsrn: '8018',
  gcn: '255',
  sscc: '00',
  gdti: '253',
  ginc: '401',
  gsin: '402',
  grai: '8003',
  giai: '8004',
  cpv: '22',
  lot: '10',
  ser: '21',
};
const QUALIFIERS: { readonly [ai: string]: readonly string[] } = {
  '00': [],
  '01': ['21', '235', '10'],
  '253': [],
  '255': [],
  '401': [],
  '402': [],
  '414': ['254'],
  '417': [],
  '8003': [],
  '8004': [],
  '8006': ['21', '10'],
  '8010': ['8011'],
  '8017': [],
  '8018': [],
};

/** @returns the canonical URI; null for a URI that holds no GS1 key */
export function canonicalDigitalLink(uri: string): string | null {
  const epc = EPC.exec(uri);
  if (epc !== null) {
    const [, scheme = '', prefix = '', reference = '', rest] = epc;
    return Object.hasOwn(EPC_SCHEMES, scheme) ? (EPC_SCHEMES[scheme] as Convert)({ prefix, reference, rest }) : null;
  }
  const path = /^https?:\/\/[^/?#]+(\/[^?#]*)/.exec(uri)?.[1];
  return path === undefined ? null : ofPath(path.split('/').slice(1));
}

function ofPath(segments: readonly string[]): string | null {
  const ais = segments.map((segment) => (Object.hasOwn(SHORT_NAMES, segment) ? (SHORT_NAMES[segment] as string) : segment));
  const at = ais.findIndex((ai, i) => Object.hasOwn(QUALIFIERS, ai) && /^\d{4}/.test(segments[i + 1] ?? ''));
  if (at < 0) return null;
  const ai = ais[at] as string;
  const value = segments[at + 1] as string;
  const number = ai === '01' ? value.padStart(GTIN_DIGITS + 1, '0') : value;
  for (const qualifier of QUALIFIERS[ai] as readonly string[]) {
    const place = ais.findIndex((name, i) => name === qualifier && i > at + 1 && (i - at) % 2 === 0);
    const qualified = segments[place + 1];
    if (place >= 0 && qualified !== undefined) return key(ai, number, `/${qualifier}/${qualified}`);
  }
  return key(ai, number);
}

/** Digital Link, Table 7-1: signs that an EPC URI may hold as they are. */
function encoded(text: string): string {
  return text.replace(/[!()*+,:]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
