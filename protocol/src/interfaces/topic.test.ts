import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertTopic, liveTopic, parseTelemetryTopic, receiptTopic, telemetryTopic } from './topic.ts';

test('telemetry topics are recognised, and nothing else is', () => {
  const topic = { agency: 'bj-eco', dataset: 'air', producer: '1001A' };
  assert.equal(telemetryTopic(topic), 'v1/bj-eco/air/1001A');
  assert.deepEqual(parseTelemetryTopic('v1/bj-eco/air/1001A'), topic);
  const others = [
    receiptTopic(topic),
    liveTopic(topic),
    alertTopic('bj-eco', 'severe', 'heavy-pm25'),
    'v1/bj-eco/alerts/x',
    'v1/bj-eco/live/x',
    'v1/bj-eco/sys.devices/x',
    'v2/bj-eco/air/1001A',
    'v1//air/1001A',
    'v1/bj-eco/air/',
    'v1/bj eco/air/x',
    `v1/a/b/${'c'.repeat(65)}`,
    'v1/北京/air/x',
    '',
  ];
  for (const other of others) assert.equal(parseTelemetryTopic(other), null, other);
});
