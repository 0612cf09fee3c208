import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { EnvironmentError, UsageError } from '../command.ts';
import { DEFAULT_PORTS } from '../endpoints.ts';
import { assertPortsFree, resolvePorts } from './ports.ts';

test('command line before environment before file before default', () => {
  const file = { api: { port: 3 }, ingest: { mqttPort: 4, port: 5 } };
  assert.deepEqual(resolvePorts({ http: '1' }, { AIRTIGHT_API_PORT: '2', AIRTIGHT_INGEST_MQTT_PORT: '6' }, file), {
    http: 1,
    mqtt: 6,
    ingest: 5,
    ledger: DEFAULT_PORTS.ledger,
  });
  assert.deepEqual(resolvePorts({}, {}, undefined), DEFAULT_PORTS);
  assert.deepEqual(resolvePorts({}, {}, undefined, true), { ...DEFAULT_PORTS, mqttTls: 8883 });
  assert.equal(resolvePorts({}, { AIRTIGHT_INGEST_MQTT_TLS_PORT: '7' }, undefined, true).mqttTls, 7);
  assert.throws(() => resolvePorts({ http: '70000' }, {}, undefined), UsageError);
});

test('a port that is taken is named, with the option that changes it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await assert.rejects(
    assertPortsFree({ http: port, mqtt: port, ingest: port, ledger: port }),
    (error: unknown) => error instanceof EnvironmentError && error.text.en.includes(`${port}`) && error.text.zh.includes('--port'),
  );
  await new Promise((resolve) => server.close(resolve));
});
