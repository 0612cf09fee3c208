import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  KEPT_ANSWER_AGE_MS,
  KEPT_ANSWERS_MAX,
  KEPT_ANSWERS_PER_DEVICE_MAX,
  KEPT_BYTES_MAX,
  KEPT_BYTES_PER_DEVICE_MAX,
  KeptAnswers,
} from './kept-answers.ts';

const answer = (bytes = 1) => ({ digest: 'd', json: Buffer.alloc(bytes) });

test('an answer is kept for a day', () => {
  const answers = new KeptAnswers();
  answers.keep('p', 'k', answer(), 0);
  assert.ok(answers.find('p', 'k', KEPT_ANSWER_AGE_MS - 1) !== undefined);
  assert.equal(answers.find('p', 'k', KEPT_ANSWER_AGE_MS), undefined);
  assert.equal(answers.find('q', 'k', 0), undefined);
});

test('answers are kept within bounds: of one device, by number and bytes, the oldest goes first', () => {
  const answers = new KeptAnswers();
  answers.keep('other', 'k', answer(), 0);
  for (let i = 0; i <= KEPT_ANSWERS_PER_DEVICE_MAX; i++) answers.keep('p', `k${i}`, answer(), 0);
  assert.deepEqual([answers.find('p', 'k0', 0), answers.find('p', 'k1', 0)?.digest], [undefined, 'd']);
  for (let i = 0; i < 3; i++) answers.keep('p', `big${i}`, answer(KEPT_BYTES_PER_DEVICE_MAX / 2), 0);
  assert.deepEqual([answers.find('p', 'big0', 0), answers.find('p', 'k5', 0)], [undefined, undefined]);
  assert.ok(answers.find('p', 'big1', 0) !== undefined && answers.find('p', 'big2', 0) !== undefined);
  assert.ok(answers.find('other', 'k', 0) !== undefined, 'one device does not push out another');
  // The same key again takes no second place.
  for (let i = 0; i < 10; i++) answers.keep('q', 'k', answer(KEPT_BYTES_PER_DEVICE_MAX / 2), 0);
  answers.keep('q', 'l', answer(KEPT_BYTES_PER_DEVICE_MAX / 2), 0);
  assert.ok(answers.find('q', 'k', 0) !== undefined && answers.find('q', 'l', 0) !== undefined);
});

test('answers are kept within bounds: of all devices, the one that was quiet longest loses first', () => {
  const byNumber = new KeptAnswers();
  for (let i = 0; i <= KEPT_ANSWERS_MAX; i++) byNumber.keep(`p${i}`, 'k', answer(), 0);
  assert.deepEqual([byNumber.find('p0', 'k', 0), byNumber.find('p1', 'k', 0)?.digest], [undefined, 'd']);
  const byBytes = new KeptAnswers();
  const devices = KEPT_BYTES_MAX / KEPT_BYTES_PER_DEVICE_MAX;
  for (let i = 0; i < devices; i++) byBytes.keep(`p${i}`, 'k', answer(KEPT_BYTES_PER_DEVICE_MAX), 0);
  byBytes.keep('p0', 'l', answer(KEPT_BYTES_PER_DEVICE_MAX), 0);
  assert.ok(byBytes.find('p1', 'k', 0) !== undefined, 'p0 gave up its own first answer');
  byBytes.keep('new', 'k', answer(), 0);
  assert.deepEqual([byBytes.find('p1', 'k', 0), byBytes.find('p0', 'l', 0)?.digest], [undefined, 'd']);
});

test('a key is busy from begin to end', () => {
  const answers = new KeptAnswers();
  const end = answers.begin('p', 'k');
  assert.throws(() => answers.begin('p', 'k'), /IDEMPOTENCY_KEY_BUSY/);
  answers.begin('q', 'k')();
  end();
  answers.begin('p', 'k')();
});
