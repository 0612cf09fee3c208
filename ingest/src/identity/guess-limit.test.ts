import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILING_MAX, FAILURE_REGAIN_MS, FAILURES_MAX, GuessLimit, NAME_FAILURES_MAX } from './guess-limit.ts';

const NOW = 1_800_000_000_000;

function fail(limit: GuessLimit, times: number, address: (i: number) => string, name: (i: number) => string): void {
  for (let i = 0; i < times; i++) limit.failed(address(i), name(i), NOW);
}

test('an address is held off after so many failures, under whatever names, and let in again with time', () => {
  const limit = new GuessLimit();
  fail(
    limit,
    FAILURES_MAX - 1,
    () => '192.0.2.1',
    (i) => `d${i}`,
  );
  assert.equal(limit.waitMs('192.0.2.1', 'd', NOW), 0);
  limit.failed('192.0.2.1', 'other', NOW);
  assert.equal(limit.waitMs('192.0.2.1', 'd', NOW), FAILURE_REGAIN_MS);
  assert.equal(limit.waitMs('192.0.2.2', 'd', NOW), 0);
  assert.equal(limit.waitMs('192.0.2.1', 'd', NOW + FAILURE_REGAIN_MS), 0);
  assert.equal(limit.waitMs('192.0.2.1', 'd', NOW - 1000), FAILURE_REGAIN_MS, 'a clock that was set back refills nothing');
});

test('a name is held off over all addresses that are new to it, and its own device gets in all the same', () => {
  const limit = new GuessLimit();
  limit.succeeded('198.51.100.7', 'fridge');
  fail(
    limit,
    NAME_FAILURES_MAX,
    (i) => `192.0.2.${i}`,
    () => 'fridge',
  );
  assert.ok(limit.waitMs('192.0.2.200', 'fridge', NOW) > 0);
  assert.equal(limit.waitMs('198.51.100.7', 'fridge', NOW), 0);
  assert.equal(limit.waitMs('192.0.2.200', 'another', NOW), 0);
});

test('a guesser behind the NAT of a device locks out himself, not the device', () => {
  const limit = new GuessLimit();
  limit.succeeded('198.51.100.7', 'fridge');
  fail(
    limit,
    100,
    () => '198.51.100.7',
    (i) => `guess-${i}`,
  );
  assert.ok(limit.waitMs('198.51.100.7', 'guess', NOW) > 0);
  assert.equal(limit.waitMs('198.51.100.7', 'fridge', NOW), 0);
  fail(
    limit,
    FAILURES_MAX,
    () => '198.51.100.7',
    () => 'fridge',
  );
  assert.ok(limit.waitMs('198.51.100.7', 'fridge', NOW) > 0, 'even there guesses are bounded');
});

test('an IPv6 subscriber has one bucket, whichever of its addresses it uses; IPv4 is IPv4 in either notation', () => {
  const limit = new GuessLimit();
  fail(
    limit,
    FAILURES_MAX,
    (i) => `2001:db8:0:1::${i + 1}`,
    (i) => `d${i}`,
  );
  assert.ok(limit.waitMs('2001:db8::1:ffff:0:0:1', 'd', NOW) > 0);
  assert.equal(limit.waitMs('2001:db8:0:2::1', 'd', NOW), 0);
  fail(
    limit,
    FAILURES_MAX,
    () => '::ffff:192.0.2.9',
    (i) => `e${i}`,
  );
  assert.ok(limit.waitMs('192.0.2.9', 'd', NOW) > 0);
});

test('many addresses do not fill the memory: the oldest is forgotten', () => {
  const limit = new GuessLimit();
  fail(
    limit,
    FAILURES_MAX,
    () => '192.0.2.1',
    (i) => `d${i}`,
  );
  fail(
    limit,
    FAILING_MAX,
    (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    (i) => `f${i}`,
  );
  assert.equal(limit.waitMs('192.0.2.1', 'd', NOW), 0);
});
