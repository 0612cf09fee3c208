import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeXml, parseXml, XML_MAX_ATTRIBUTES, XML_MAX_BYTES, XML_MAX_DEPTH, XML_MAX_ELEMENTS, type XmlElement } from './xml.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const root = (text: string): XmlElement => {
  const outcome = parseXml(bytesOf(text));
  assert.ok(outcome.ok, `${text}: ${JSON.stringify(outcome)}`);
  return outcome.root;
};
const reasonOf = (document: string | Uint8Array): string => {
  const outcome = parseXml(typeof document === 'string' ? bytesOf(document) : document);
  return outcome.ok ? 'read' : outcome.reason;
};

test('elements, texts, references, CDATA, comments and instructions', () => {
  const { text, children } = root(
    '\uFEFF<?xml version = "1.0" encoding = \'utf-8\' standalone="yes"?>\r\n<?style href="x"?><!-- a - b --><r>\r\n&lt;&amp;&gt;&apos;&quot;' +
      '&#65;&#x4E2D;&#x1F600;&#0000013;<!--x--><![CDATA[<a>&b;]] ]]><?p?><e/>end<f a=\'1\' b="&lt;&#10;\n"></f >\r</r ><!----> <?x y?>\n',
  );
  assert.equal(text, '\n<&>\'"A中😀\r<a>&b;]] end\n');
  assert.deepEqual(
    children.map(({ name, line, attributes }) => [name, line, attributes.map(({ name: attribute, value }) => [attribute, value])]),
    [
      ['e', 3, []],
      [
        'f',
        3,
        [
          ['a', '1'],
          ['b', '<\n '],
        ],
      ],
    ],
  );
});

test('namespaces: default, prefixes, their scope, attributes by expanded name', () => {
  const { namespace, children, attributes } = root(
    '<r xmlns="u:1" xmlns:p="u:2" a="" p:a="" xml:lang="zh"><p:x xmlns:p="u:3"/><p:x/><y xmlns=""/></r>',
  );
  assert.equal(namespace, 'u:1');
  assert.deepEqual(
    children.map((child) => `${child.namespace}|${child.name}`),
    ['u:3|x', 'u:2|x', '|y'],
  );
  assert.deepEqual(
    attributes.map((attribute) => attribute.namespace),
    ['', 'u:2', 'http://www.w3.org/XML/1998/namespace'],
  );
});

test('a document type is refused where it begins, whatever it declares', () => {
  const laughs = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('');
  for (const document of [
    `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">${laughs}]><r>&l9;</r>`,
    '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
    '<!DOCTYPE r [<!ENTITY e SYSTEM "http://127.0.0.1/">]><r>&e;</r>',
    '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1/"> %p;]><r/>',
    '<!doctype html><r/>',
    '<!-- c --><!DOCTYPE r><r/>',
    '<!DOCTYPE',
  ]) {
    assert.equal(reasonOf(document), 'doctype', document);
  }
  assert.equal(reasonOf('<r><!DOCTYPE r></r>'), 'malformed');
  assert.equal(reasonOf('<r/><!DOCTYPE r>'), 'malformed');
  for (const document of ['<r>&e;</r>', '<r a="&e;"/>', '<r>&nbsp;</r>', '<r>&constructor;</r>', '<r>&AMP;</r>']) {
    assert.equal(reasonOf(document), 'entity', document);
  }
  assert.equal(root('<r><![CDATA[<!DOCTYPE r>&e;]]></r>').text, '<!DOCTYPE r>&e;');
});

test('what is not well-formed is refused', () => {
  for (const document of [
    ...[
      '',
      ' ',
      'x',
      '<',
      '<r',
      '<r>',
      '<r/',
      '<r></r',
      '</r>',
      '<r></s>',
      '<r/><s/>',
      '<r/>x',
      'x<r/>',
      '<r><s></r></s>',
      '< r/>',
      '<1/>',
    ],
    ...['<r a/>', '<r a=1/>', '<r a="1/>', '<r a="1"b="2"/>', '<r a="1" a="2"/>', '<r a="<"/>', '<r / >', '<r a=""  / />', '<r>]]></r>'],
    ...['<r>&</r>', '<r>&;</r>', '<r>&amp</r>', '<r>&#;</r>', '<r>&#x;</r>', '<r>&#0;</r>', '<r>&#xD800;</r>', '<r>&#x110000;</r>'],
    ...['<r>&#xFFFE;</r>', '<r>&#99999999;</r>', '<r>\u0000</r>', '<r>\u0008</r>', '<r>\uFFFF</r>', '<r a="\u0001"/>'],
    ...['<r><!-- -- --></r>', '<r><!----->', '<r><!-- ', '<r><![CDATA[ </r>', '<r><![cdata[]]></r>', '<![CDATA[x]]><r/>', '<r><!x></r>'],
    ...['<r><?xml version="1.0"?></r>', ' <?xml version="1.0"?><r/>', '<r><?XML x?></r>', '<r><?p</r>', '<r><? p?></r>', '<r><?p!?></r>'],
    ...['<?xml?><r/>', '<?xml version="2.0"?><r/>', '<?xml encoding="utf-8"?><r/>', '<?xml version="1.0" standalone="maybe"?><r/>'],
    ...['<p:r/>', '<r p:a=""/>', '<:r/>', '<p:/>', '<p:q:r xmlns:p="u"/>', '<r xmlns:p=""/>', '<r xmlns:xml="u"/>', '<r xmlns:xmlns="u"/>'],
    ...['<r xmlns:p="http://www.w3.org/2000/xmlns/"/>', '<r xmlns="http://www.w3.org/XML/1998/namespace"/>', '<r xmlns="a" xmlns="b"/>'],
    ...['<r xmlns:p="u" xmlns:q="u" p:a="" q:a=""/>', '<p:r xmlns:p="u" xmlns:q="u"></q:r>', '<r><s p:a="" /><t xmlns:p="u"/></r>'],
  ]) {
    assert.equal(reasonOf(document), 'malformed', document);
  }
});

test('only UTF-8 is read', () => {
  for (const label of ['UTF-16', 'GB18030', 'ISO-8859-1'])
    assert.equal(reasonOf(`<?xml version="1.0" encoding="${label}"?><r/>`), 'encoding');
  for (const label of ['utf-8', 'UTF-8', 'US-ASCII']) assert.equal(reasonOf(`<?xml version="1.0" encoding="${label}"?><r/>`), 'read');
  assert.equal(reasonOf(Buffer.from('\uFEFF<r/>', 'utf16le')), 'encoding');
  assert.equal(reasonOf(Uint8Array.of(0x3c, 0x72, 0x3e, 0xc3, 0x3c, 0x2f, 0x72, 0x3e)), 'encoding');
});

test('the bounds hold, at their edges', () => {
  const deep = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  assert.equal(reasonOf(deep(XML_MAX_DEPTH)), 'read');
  assert.equal(reasonOf(deep(XML_MAX_DEPTH + 1)), 'limit');
  assert.equal(reasonOf(`<r>${'<a/>'.repeat(XML_MAX_ELEMENTS - 1)}</r>`), 'read');
  assert.equal(reasonOf(`<r>${'<a/>'.repeat(XML_MAX_ELEMENTS)}</r>`), 'limit');
  const wide = (count: number) => `<r ${Array.from({ length: count }, (_, at) => `a${at}=""`).join(' ')}/>`;
  assert.equal(reasonOf(wide(XML_MAX_ATTRIBUTES)), 'read');
  assert.equal(reasonOf(wide(XML_MAX_ATTRIBUTES + 1)), 'limit');
  assert.equal(reasonOf(`<r>${'x'.repeat(XML_MAX_BYTES - 7)}</r>`), 'read');
  assert.equal(reasonOf(`<r>${'x'.repeat(XML_MAX_BYTES - 6)}</r>`), 'limit');
});

test('a refusal names the line', () => {
  const outcome = parseXml(bytesOf('<r>\r\n<a/>\r\n\r<b></c>\n</r>'));
  assert.ok(!outcome.ok);
  assert.equal(outcome.line, 4);
});

test('what was escaped is read as it was', () => {
  const text = ' <a b="c" d=\'e\'>&amp; ]]> \r\n\t中文😀 ';
  const escaped = escapeXml(text);
  assert.equal(root(`<r>${escaped}</r>`).text, text);
  assert.equal(root(`<r a="${escapeXml('<"\'&')}"/>`).attributes[0]?.value, '<"\'&');
  for (const wrong of ['\u0000', '\u001B', '\uD800', '\uDC00x', '\uFFFE']) assert.equal(escapeXml(wrong), null);
});
