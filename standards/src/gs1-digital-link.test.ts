import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalDigitalLink, gs1CheckDigit } from './gs1-digital-link.ts';

test('check digits', () => {
  // GS1 General Specifications, 7.9.1: 629104150021 → 3; the SSCC of its example 37610425002123456 → 9.
  assert.equal(gs1CheckDigit('629104150021'), 3);
  assert.equal(gs1CheckDigit('37610425002123456'), 9);
});

test('EPC URIs as canonical Digital Link URIs', () => {
  for (const [epc, link] of [
    ['urn:epc:id:sgtin:4012345.011111.9876', '01/04012345111118/21/9876'],
    ['urn:epc:id:sgtin:4012345.011111.a.b(c)', '01/04012345111118/21/a.b%28c%29'],
    ['urn:epc:class:lgtin:4012345.011111.LOT-1', '01/04012345111118/10/LOT-1'],
    ['urn:epc:idpat:sgtin:4012345.011111.*', '01/04012345111118'],
    ['urn:epc:id:sscc:4012345.0000000111', '00/040123450000001112'],
    ['urn:epc:id:sgln:4012345.00011.987', '414/4012345000115/254/987'],
    ['urn:epc:id:sgln:4012345.00005.0', '414/4012345000054'],
    ['urn:epc:id:sgln:401234512345..0', '414/4012345123456'],
    ['urn:epc:id:giai:4000001.111', '8004/4000001111'],
    ['urn:epc:id:pgln:4012345.00000', '417/4012345000009'],
    ['urn:epc:id:gdti:4012345.11111.123', '253/4012345111118123'],
    ['urn:epc:id:itip:4012345.011111.01.02.987', '8006/040123451111180102/21/987'],
  ] as const)
    assert.equal(canonicalDigitalLink(epc), `https://id.gs1.org/${link}`, epc);
});

test('Digital Link URIs: one domain, no query, the finest level alone', () => {
  for (const [uri, link] of [
    ['https://id.example.org/8004/401234599999', '8004/401234599999'],
    ['http://shop.example/some/path/01/4012345111118/10/LOT/21/9876?x=1#y', '01/04012345111118/21/9876'],
    ['https://id.gs1.org/01/04012345111118/10/LOT', '01/04012345111118/10/LOT'],
    ['https://example.com/gln/4012345000115/254/987', '414/4012345000115/254/987'],
  ] as const)
    assert.equal(canonicalDigitalLink(uri), `https://id.gs1.org/${link}`, uri);
  for (const uri of [
    'https://example.com/',
    'urn:epc:id:sgtin:4012345.011.9876',
    'urn:uuid:1',
    'urn:epc:id:constructor:401234.1',
    'mailto:a@b',
    '',
  ])
    assert.equal(canonicalDigitalLink(uri), null, uri);
});
