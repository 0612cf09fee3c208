import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CAP_CATEGORIES,
  CAP_CERTAINTIES,
  CAP_MESSAGE_TYPES,
  CAP_RESPONSE_TYPES,
  CAP_SCOPES,
  CAP_SEVERITIES,
  CAP_STATUSES,
  CAP_URGENCIES,
  type CapAlert,
  type CapArea,
  type CapInfo,
  capReference,
  capTime,
  parseCap,
  writeCap,
} from './cap.ts';
import type { CapPoint } from './cap-values.ts';

const SAMPLES = join(import.meta.dirname, '../../../shared/data/payload-cap');
const XSD = join(SAMPLES, 'cap12.xsd');

const english: CapInfo = {
  language: 'en',
  category: ['Env', 'Health'],
  event: 'PM2.5 red alert',
  responseType: ['Avoid'],
  urgency: 'Immediate',
  severity: 'Severe',
  certainty: 'Observed',
  effective: '2026-11-22T10:05:00+08:00',
  expires: '2026-11-22T16:05:00+08:00',
  headline: 'Stay in & keep windows <shut>',
  web: 'https://example.gov.cn/alerts/1?x=1&y=%E4%B8%AD#a',
  parameter: [{ valueName: 'evidence.leafIndex', value: '123456' }],
  resource: [{ resourceDesc: 'evidence bundle', mimeType: 'application/json', size: 2048, uri: 'https://example.gov.cn/bundle/1' }],
  area: [
    {
      areaDesc: 'Beijing',
      polygon: [
        [
          [39.4, 115.4],
          [41.1, 115.4],
          [41.1, 117.5],
          [39.4, 115.4],
        ],
      ],
      circle: [{ centre: [39.9042, 116.4074], radiusKm: 50.5 }],
      geocode: [{ valueName: 'GB/T2260', value: '110000' }],
      altitude: 0,
      ceiling: 3000,
    },
  ],
};
const chinese: CapInfo = { ...english, language: 'zh-CN', event: 'PM2.5 红色预警', headline: '请减少外出，关闭门窗' };
const alert: CapAlert = {
  identifier: 'urn:uuid:7d7c0b7e-0d5c-4e0b-9e55-000000000001',
  sender: 'alerts@env.example.gov.cn',
  sent: '2026-11-22T10:05:00+08:00',
  status: 'Exercise',
  msgType: 'Alert',
  scope: 'Public',
  info: [chinese, english],
};

const written = (message: CapAlert): string => {
  const outcome = writeCap(message);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return new TextDecoder().decode(outcome.document);
};
const read = (document: string) => parseCap(new TextEncoder().encode(document));
const refusalOf = (document: string): string => {
  const outcome = read(document);
  return outcome.ok ? 'read' : `${outcome.reason}: ${outcome.detail}`;
};
const writingRefusal = (change: object, ofInfo: object = {}, ofArea: object = {}): string => {
  const area = [{ ...english.area?.[0], ...ofArea }] as CapArea[];
  const outcome = writeCap({ ...alert, info: [{ ...english, area, ...ofInfo }], ...change } as CapAlert);
  return outcome.ok ? 'written' : outcome.reason;
};

/** mulberry32: the same messages in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TEXTS = [
  '',
  ' ',
  'PM2.5',
  '红色预警',
  '<b>&amp;</b>',
  ']]>',
  ' a\n\tb ',
  'x\r\ny',
  '"quoted" \'s',
  '😀𠀀',
  'https://example.org/a?b=c&d',
  '\u0085\u2028',
];

function anyAlert(random: () => number): CapAlert {
  const below = (count: number) => Math.floor(random() * count);
  const of = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const maybe = <T>(name: string, make: () => T): { readonly [key: string]: T } => (random() < 0.5 ? { [name]: make() } : {});
  const list = <T>(make: () => T, least = 1): T[] => Array.from({ length: least + below(3) }, make);
  const text = () => of(TEXTS);
  const token = () => of(['urn:uuid:1', 'alerts@example.gov.cn', '2.49.0.1.156-7', '北京', 'a"b>c']) + below(1e6);
  const time = (fromMs = 0) => capTime(fromMs + below(2 ** 31) * 1000, of([0, 480, -330, 840, -840, 345]));
  const uri = () => of(['https://example.gov.cn/a%20b?c=d&e#f', 'urn:x:y', 'a/b', 'http://[::1]:8080/', 'https://例.cn/预警', '']);
  const degrees = (range: number) => of([0, range, -range, 1e-7, (random() - 0.5) * 2 * range, Math.round(random() * range * 1e4) / 1e4]);
  const point = (): CapPoint => [degrees(90), degrees(180)];
  const named = () => ({ valueName: text(), value: text() });
  const area = () => {
    const first = point();
    const polygon = () => [first, point(), ...list(point), first];
    const height = random() < 0.5 ? {} : { altitude: degrees(9000), ...maybe('ceiling', () => below(9000)) };
    const shapes = {
      ...maybe('polygon', () => list(polygon)),
      ...maybe('circle', () => list(() => ({ centre: point(), radiusKm: below(1e3) / 7 }))),
    };
    return { areaDesc: text(), ...shapes, ...maybe('geocode', () => list(named)), ...height };
  };
  const resource = () => ({
    ...{
      resourceDesc: text(),
      mimeType: 'text/html',
      ...maybe('size', () => below(1e9)),
      ...maybe('uri', uri),
      ...maybe('derefUri', () => 'aGk='),
    },
    ...maybe('digest', () => 'da39a3ee5e6b4b0d3255bfef95601890afd80709'),
  });
  const info = () => ({
    ...{ ...maybe('language', () => of(['zh-CN', 'en', 'mn-Mong-CN'])), category: list(() => of(CAP_CATEGORIES)), event: text() },
    ...{ ...maybe('responseType', () => list(() => of(CAP_RESPONSE_TYPES))), urgency: of(CAP_URGENCIES), severity: of(CAP_SEVERITIES) },
    ...{
      certainty: of(CAP_CERTAINTIES),
      ...maybe('audience', text),
      ...maybe('eventCode', () => list(named)),
      ...maybe('effective', time),
    },
    ...{
      ...maybe('onset', time),
      ...maybe('expires', time),
      ...maybe('senderName', text),
      ...maybe('headline', text),
      ...maybe('web', uri),
    },
    ...{
      ...maybe('description', text),
      ...maybe('instruction', text),
      ...maybe('contact', text),
      ...maybe('parameter', () => list(named)),
    },
    ...{ ...maybe('resource', () => list(resource)), ...maybe('area', () => list(area)) },
  });
  const words = () => list(() => of(['a', '事件 1', '', 'x  y', "it's", 'a\nb']));
  return {
    ...{
      identifier: `${token()}#own`,
      sender: token(),
      sent: time(2 ** 31 * 1000),
      status: of(CAP_STATUSES),
      msgType: of(CAP_MESSAGE_TYPES),
    },
    ...{ ...maybe('source', text), scope: of(CAP_SCOPES), restriction: 'members', addresses: words(), ...maybe('code', () => list(text)) },
    ...{
      ...maybe('note', text),
      references: list(() => ({ sender: token(), identifier: token(), sent: time() })),
      ...maybe('incidents', words),
    },
    ...maybe('info', () => list(info)),
  } as CapAlert;
}

/** A document for each thing the schema forbids. */
function wrongDocuments(): { readonly [what: string]: string } {
  const right = written(alert);
  const but = (from: string | RegExp, to: string) => {
    assert.ok(typeof from === 'string' ? right.includes(from) : from.test(right), String(from));
    return right.replace(from, to);
  };
  const names = ['identifier', 'sender', 'sent', 'status', 'msgType', 'scope', 'event', 'urgency', 'severity', 'certainty', 'areaDesc'];
  const wrong: { [what: string]: string } = {
    order: but(/( *<sender>.*\n)( *<sent>.*\n)/, '$2$1'),
    twice: but(/( *<status>.*\n)/, '$1$1'),
    unknown: but('<info>', '<colour>red</colour><info>'),
    'other namespace at the end': but('</alert>', '<x xmlns="u:x"/></alert>'),
    'other namespace in info': but('</info>', '<x xmlns="u:x"/></info>'),
    'no namespace': but('<info>', '<info xmlns="">'),
    'info after signature': but('</alert>', '<S xmlns="http://www.w3.org/2000/09/xmldsig#"/><info/></alert>'),
    'text between': but('<info>', 'text<info>'),
    'no-break space between': but('<info>', '\u00A0<info>'),
    'element in text': but('PM2.5 red', '<b>PM2.5</b> red'),
    attribute: but('<info>', '<info id="1">'),
    'xml:lang': but('<info>', '<info xml:lang="en">'),
    'status unknown': but('Exercise', 'exercise'),
    'status with spaces': but('Exercise', ' Exercise '),
    'no category': but(/ *<category>.*\n/g, ''),
    category: but('>Health<', '>Air<'),
    language: but('zh-CN', 'zh_CN'),
    size: but('2048', '2 kB'),
    altitude: but('>0<', '>1e3<'),
    ceiling: but('>3000<', '>high<'),
    web: but('%E4', '%4'),
    'web with two fragments': but('#a', '#a#b'),
    'web with a port that is none': but('gov.cn/alerts', 'gov.cn:http/alerts'),
    'web with an empty port': but('gov.cn/alerts', 'gov.cn:/alerts'),
    'web with a bracket': but('gov.cn/alerts', 'gov.cn/[alerts'),
    'value missing': but('<value>110000</value>', ''),
    'value first': but(/(<valueName>GB.*)\n(.*)\n/, '$2\n$1\n'),
    'mimeType missing': but(/ *<mimeType>.*\n/, ''),
  };
  for (const name of names) wrong[`${name} missing`] = but(new RegExp(` *<${name}>.*\n`), '');
  for (const time of [
    'T10:05:00Z',
    'T10:05:00',
    'T10:05:00.5+08:00',
    'T10:05+08:00',
    ' 10:05:00+08:00',
    'T25:05:00+08:00',
    'T10:60:00+08:00',
  ]) {
    wrong[`sent ${time}`] = but('<sent>2026-11-22T10:05:00+08:00', `<sent>2026-11-22${time}`);
  }
  for (const time of ['2026-02-30T10:05:00+08:00', '2026-13-01T10:05:00+08:00', '0000-01-01T00:00:00+08:00', '2026-11-22T10:05:00,08:00']) {
    wrong[`effective ${time}`] = but('<effective>2026-11-22T10:05:00+08:00', `<effective>${time}`);
  }
  for (const zone of ['+15:00', '+14:01', '+08:60'])
    wrong[`zone ${zone}`] = but('<expires>2026-11-22T16:05:00+08:00', `<expires>2026-11-22T16:05:00${zone}`);
  return wrong;
}

test('the sample alerts parse; those with errors are refused, with the reason', (t) => {
  if (!existsSync(SAMPLES)) return t.skip('../shared/data/payload-cap is not there');
  const expected: { readonly [file: string]: string } = {
    'canada_errors.cap': 'rule: Update is about earlier messages: references must name them',
    'invalid.cap': 'structure: alert: <scope> is missing',
  };
  const files = readdirSync(SAMPLES).filter((file) => file.endsWith('.cap'));
  assert.ok(files.length >= 6, `${files.length} files`);
  for (const file of files) {
    const outcome = parseCap(readFileSync(join(SAMPLES, file)));
    assert.equal(outcome.ok ? 'read' : `${outcome.reason}: ${outcome.detail}`, expected[file] ?? 'read', file);
    if (!outcome.ok) continue;
    assert.equal(outcome.version, file === 'earthquake.cap' ? '1.1' : '1.2');
    const again = read(written(outcome.alert));
    assert.ok(again.ok);
    assert.deepEqual(again.alert, outcome.alert, `${file}: written and read again`);
  }
});

test('the samples say what they say', (t) => {
  if (!existsSync(SAMPLES)) return t.skip('../shared/data/payload-cap is not there');
  const alertIn = (file: string) => {
    const outcome = parseCap(readFileSync(join(SAMPLES, file)));
    assert.ok(outcome.ok);
    return outcome.alert;
  };
  const fire = alertIn('australia.cap');
  assert.deepEqual([fire.sent, fire.code?.length, fire.info?.length], ['2011-10-05T23:04:00+10:00', 1, 2]);
  assert.deepEqual(fire.info?.[0]?.category, ['Fire', 'Met']);
  assert.deepEqual(fire.info?.[0]?.area?.[0]?.circle, [{ centre: [-35.3888, 147.0598], radiusKm: 25 }]);
  assert.deepEqual(fire.info?.[0]?.parameter?.[5], { valueName: 'AllocatedResources', value: '' });
  assert.match(fire.info?.[0]?.description ?? '', /^ALERT LEVEL: Not Applicable<br \/>/);
  const storm = alertIn('thunderstorm.cap').info?.[0]?.area?.[0];
  assert.deepEqual(storm?.polygon?.[0]?.[1], [38.34, -119.95]);
  assert.deepEqual(
    storm?.geocode?.map(({ value }) => value),
    ['006109', '006009', '006003'],
  );
});

test('two languages, written as the schema orders them and read again', () => {
  const document = written({ ...alert, references: [], incidents: [] });
  assert.match(
    document,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1\.2">\n {2}<identifier>/,
  );
  assert.match(document, /<headline>Stay in &amp; keep windows &lt;shut&gt;<\/headline>/);
  assert.match(
    document,
    /<polygon>39\.4,115\.4 41\.1,115\.4 41\.1,117\.5 39\.4,115\.4<\/polygon>\n.*<circle>39\.9042,116\.4074 50\.5<\/circle>/,
  );
  assert.doesNotMatch(document, /references|incidents/);
  assert.deepEqual(read(document), { ok: true, version: '1.2', alert, signed: false });
});

test('random messages are written and read again, and nothing is lost', () => {
  const random = randomFrom(12);
  for (let at = 0; at < 500; at += 1) {
    const message = anyAlert(random);
    const outcome = read(written(message));
    assert.ok(outcome.ok);
    assert.deepEqual(outcome.alert, message);
  }
});

test('whatever the schema forbids is refused', () => {
  for (const [what, document] of Object.entries(wrongDocuments())) assert.match(refusalOf(document), /^(structure|value): /, what);
});

test('what a validator may let through is refused: URIs with spaces (§3.2.2 asks for a full URI), a language of no letters', () => {
  assert.match(refusalOf(written(alert).replace('alerts/1', 'alerts 1')), /^value: info\[0\]\/web: /);
  assert.match(refusalOf(written(alert).replace('zh-CN', '')), /^value: info\[0\]\/language: /);
});

test('an independent validator agrees: what is written keeps the schema, what breaks it is refused here too', (t) => {
  if (!existsSync(XSD)) return t.skip('../shared/data/payload-cap/cap12.xsd is not there');
  if (spawnSync('xmllint', ['--version']).error) {
    if (process.env['CI']) throw new Error('xmllint (Debian: libxml2-utils) is not there');
    return t.skip('xmllint (Debian: libxml2-utils) is not there');
  }
  const folder = mkdtempSync(join(tmpdir(), 'cap-'));
  const validOf = (documents: readonly string[]): boolean[] => {
    const paths = documents.map((_, at) => join(folder, `${at}.xml`));
    for (const [at, path] of paths.entries()) writeFileSync(path, documents[at] ?? '');
    const { stderr } = spawnSync('xmllint', ['--noout', '--nonet', '--schema', XSD, ...paths], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    return paths.map((path) => stderr.includes(`${path} validates\n`));
  };
  try {
    const random = randomFrom(13);
    const right = [alert, ...Array.from({ length: 200 }, () => anyAlert(random))].map(written);
    const kept = validOf(right);
    assert.deepEqual(
      right.filter((_, at) => !kept[at]),
      [],
    );
    const wrong = Object.entries(wrongDocuments());
    const valid = validOf(wrong.map(([, document]) => document));
    assert.deepEqual(
      wrong.filter((_, at) => valid[at]).map(([what]) => what),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an entity or a document type is refused before anything is read', () => {
  const document = written(alert);
  const doctype = '<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<alert';
  assert.match(refusalOf(document.replace('<alert', doctype).replace('Beijing', '&b;')), /^doctype: /);
  assert.match(refusalOf(document.replace('<alert', '<!DOCTYPE alert SYSTEM "file:///etc/hostname">\n<alert')), /^doctype: /);
  assert.match(refusalOf(document.replace('Beijing', '&b;')), /^entity: /);
});

test('only alerts of 1.2 and 1.1', () => {
  const document = written(alert);
  assert.match(refusalOf(document.replace('cap:1.2', 'cap:1.0')), /^namespace: /);
  assert.match(refusalOf('<feed xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>'), /^namespace: /);
  assert.match(refusalOf('not XML'), /^malformed: /);
});

test('a signature may follow, is reported and not taken for verified; schema locations are ignored', () => {
  const signature = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s"><ds:SignedInfo a="1"/></ds:Signature>';
  const outcome = read(
    written(alert)
      .replace('</alert>', `${signature}</alert>`)
      .replace('<alert', '<alert xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b"'),
  );
  assert.deepEqual(outcome, { ok: true, version: '1.2', alert, signed: true });
  const nil = written(alert).replace('<event>', '<event xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">');
  assert.match(refusalOf(nil), /^structure: .*nil/);
});

test('an update names what it updates, by sender, identifier and time', () => {
  const update: CapAlert = {
    ...alert,
    identifier: 'second',
    msgType: 'Update',
    sent: '2026-11-22T11:00:00+08:00',
    references: [capReference(alert)],
  };
  assert.match(written(update), new RegExp(`<references>${alert.sender},${alert.identifier},2026-11-22T10:05:00\\+08:00</references>`));
  const both = { ...update, identifier: 'third', msgType: 'Cancel', references: [capReference(alert), capReference(update)] } as const;
  const outcome = read(written(both));
  assert.deepEqual(outcome.ok && outcome.alert.references, [capReference(alert), capReference(update)]);
});

test('clauses about more than one element', () => {
  const references = [{ sender: 'a', identifier: 'b', sent: '2026-11-22T10:06:00+08:00' }];
  for (const msgType of ['Update', 'Cancel', 'Ack', 'Error']) assert.equal(writingRefusal({ msgType }), 'rule', msgType);
  assert.equal(writingRefusal({ msgType: 'Update', references }), 'rule', 'sent later');
  assert.equal(writingRefusal({ msgType: 'Ack', references }), 'written', 'the clocks of others');
  assert.equal(writingRefusal({ msgType: 'Update', references: [capReference(alert)] }), 'rule', 'names itself');
  assert.equal(writingRefusal({ scope: 'Restricted' }), 'rule');
  assert.equal(writingRefusal({ scope: 'Restricted', restriction: 'health offices' }), 'written');
  assert.equal(writingRefusal({ scope: 'Private' }), 'rule');
  assert.equal(writingRefusal({ scope: 'Private', addresses: ['a b', 'c'] }), 'written');
  assert.equal(writingRefusal({}, {}, { altitude: undefined }), 'rule');
});

test('values that break their form are not written', () => {
  const square = (...points: CapPoint[]) => ({ polygon: [points] });
  assert.equal(writingRefusal({}), 'written');
  for (const identifier of ['', 'a b', 'a,b', 'a<b', 'a&b', 'a\u3000b']) assert.equal(writingRefusal({ identifier }), 'value', identifier);
  for (const sent of ['2026-11-22T10:05:00Z', '2026-11-22T10:05:00.000+08:00', ' 2026-11-22T10:05:00+08:00', '2026-11-22T10:05:00+00:00']) {
    assert.equal(writingRefusal({ sent }), 'value', sent);
  }
  assert.equal(writingRefusal({ status: 'Real' }), 'value');
  assert.equal(writingRefusal({ note: 'bell \u0007' }), 'value');
  assert.equal(writingRefusal({ note: 'half \uD83D' }), 'value');
  assert.equal(writingRefusal({ incidents: ['a "b"'] }), 'value');
  assert.equal(writingRefusal({ note: 'x'.repeat(2 ** 20) }), 'limit');
  assert.equal(writingRefusal({ colour: 'red' }), 'value', 'a member that CAP does not have');
  assert.equal(writingRefusal({}, { category: [] }), 'structure');
  assert.equal(writingRefusal({}, { language: 'zh CN' }), 'value');
  assert.equal(writingRefusal({}, { resource: [{ resourceDesc: 'x', mimeType: 'a/b', digest: 'e3b0c44298fc1c14' }] }), 'value');
  assert.equal(writingRefusal({}, { resource: [{ resourceDesc: 'x', mimeType: 'a/b', size: 1.5 }] }), 'value');
  assert.equal(writingRefusal({}, {}, square([0, 0], [0, 1], [0, 0])), 'value', 'three points');
  assert.equal(writingRefusal({}, {}, square([0, 0], [0, 1], [1, 1], [1, 0])), 'value', 'open');
  assert.equal(writingRefusal({}, {}, square([0, 0], [91, 1], [1, 1], [0, 0])), 'value', 'latitude');
  assert.equal(writingRefusal({}, {}, square([0, 0], [0, 181], [1, 1], [0, 0])), 'value', 'longitude');
  assert.equal(writingRefusal({}, {}, square([0, 0], [0, Number.NaN], [1, 1], [0, 0])), 'value', 'no number');
  assert.equal(writingRefusal({}, {}, { circle: [{ centre: [0, 0], radiusKm: -1 }] }), 'value');
});

test('times carry their zone; UTC is -00:00', () => {
  const epochMs = Date.UTC(2026, 10, 22, 2, 5, 0, 999);
  assert.equal(capTime(epochMs, 480), '2026-11-22T10:05:00+08:00');
  assert.equal(capTime(epochMs, 0), '2026-11-22T02:05:00-00:00');
  assert.equal(capTime(epochMs, -210), '2026-11-21T22:35:00-03:30');
  assert.equal(refusalOf(written(alert).replaceAll('+08:00', '+00:00')), 'read', 'as others write it');
});

test('10,000 damaged messages: refused or read, never thrown, and what is read can be written', () => {
  const random = randomFrom(14);
  const below = (count: number) => Math.floor(random() * count);
  const pieces = [
    '<',
    '>',
    '&',
    '"',
    '</',
    '/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    '<!DOCTYPE a [',
    '&#',
    ';',
    'xmlns:',
    '\u0000',
    ' ',
  ];
  const originals = [written({ ...alert, info: [english] }), written(anyAlert(random)), written(anyAlert(random))].map((text) =>
    Buffer.from(text),
  );
  const counts = new Map<string, number>();
  for (let at = 0; at < 10_000; at += 1) {
    let document = Buffer.from(originals[at % originals.length] ?? '');
    for (let changes = 1 + below(3); changes > 0; changes -= 1) {
      const [from, to] = [below(document.length), below(document.length)].sort((a, b) => a - b) as [number, number];
      const inserted = [
        Buffer.from(pieces[below(pieces.length)] ?? ''),
        Buffer.of(below(256)),
        document.subarray(from, from + below(80)),
        Buffer.alloc(0),
      ];
      const until = random() < 0.1 ? to : from + below(3);
      document = Buffer.concat([document.subarray(0, from), inserted[below(4)] ?? Buffer.alloc(0), document.subarray(until)]);
    }
    const outcome = parseCap(document);
    const result = outcome.ok ? 'read' : outcome.reason;
    counts.set(result, (counts.get(result) ?? 0) + 1);
    if (!outcome.ok) continue;
    const again = writeCap(outcome.alert);
    if (again.ok) assert.deepEqual(parseCap(again.document), { ...outcome, version: '1.2', signed: false });
    else assert.match(again.detail, /UTC|SHA-1/);
  }
  for (const result of ['read', 'malformed', 'structure', 'value', 'encoding'])
    assert.ok((counts.get(result) ?? 0) > 0, JSON.stringify([...counts]));
});

test('a hostile text takes no more than linear time', () => {
  const long = 400_000;
  const right = written(alert);
  const started = performance.now();
  for (const hostile of [
    '@'.repeat(long),
    `//${'@:1'.repeat(long / 3)}[`,
    `//${'['.repeat(long)}`,
    '"'.repeat(long + 1),
    'a'.repeat(long),
    ' '.repeat(long),
    '1,'.repeat(long / 2),
  ]) {
    const escaped = hostile.replaceAll('"', '&quot;');
    refusalOf(right.replace(/<web>.*<\/web>/, `<web>${escaped} ^</web>`));
    refusalOf(right.replace('<info>', `<references>${escaped}</references><info>`));
    refusalOf(right.replace('<info>', `<incidents>${escaped}</incidents><info>`));
    refusalOf(right.replace(/<polygon>.*<\/polygon>/, `<polygon>${escaped}</polygon>`));
    refusalOf(right.replace('zh-CN', escaped));
  }
  for (const hostile of ['&a', '<!--', '<a ', '<a:', "<a a='"]) refusalOf(`<r>${hostile.repeat(long / 4)}`);
  // Quadratic time would be hours.
  assert.ok(performance.now() - started < 60_000);
});
