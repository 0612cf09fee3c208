import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLorawanUplink, type LorawanUplink, parseLorawanUplink } from './lorawan-uplink.ts';

const chirpStack = {
  deduplicationId: '3ac7e3c4-4401-4b8d-9386-a5c902f9202d',
  time: '2026-11-22T08:30:00.123456789+00:00',
  deviceInfo: { applicationName: 'air', deviceName: 'hall', devEui: '24E124136B502217' },
  devAddr: '00189440',
  fCnt: 17,
  fPort: 85,
  confirmed: false,
  data: 'AXVc',
  rxInfo: [{ gatewayId: '0016c001f153a14c', rssi: -60 }],
};
const thingsStack = {
  end_device_ids: { device_id: 'hall', application_ids: { application_id: 'air' }, dev_eui: '24E124136B502217', dev_addr: '00189440' },
  received_at: '2026-11-22T08:30:00.500Z',
  uplink_message: {
    f_port: 85,
    f_cnt: 17,
    frm_payload: 'AXVc',
    rx_metadata: [
      { time: '1970-01-01T00:00:10Z' },
      { time: '2026-11-22T08:30:00.130Z' },
      { time: '2026-11-22T08:30:00.123Z' },
      { rssi: 1 },
    ],
    received_at: '2026-11-22T08:30:00.300Z',
  },
};
const uplinkOf = (json: unknown): LorawanUplink => {
  assert.ok(isLorawanUplink(json));
  const outcome = parseLorawanUplink(json);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.uplink;
};
const refusalOf = (json: unknown): string => {
  assert.ok(isLorawanUplink(json));
  const outcome = parseLorawanUplink(json);
  return outcome.ok ? 'taken' : outcome.reason;
};

test('both network servers say the same of one uplink', () => {
  const wanted = {
    devEui: '24e124136b502217',
    devAddr: '00189440',
    fCnt: 17,
    fPort: 85,
    receivedAt: Date.UTC(2026, 10, 22, 8, 30, 0, 123),
  };
  for (const json of [chirpStack, thingsStack]) {
    const { frame, ...uplink } = uplinkOf(json);
    assert.deepEqual(uplink, wanted);
    assert.equal(frame.toHex(), '01755c');
  }
});

test("no gateway's clock is trusted that is far from the network server's", () => {
  const message = { ...thingsStack.uplink_message, rx_metadata: [{ time: '2026-11-22T09:30:00Z' }] };
  assert.equal(uplinkOf({ ...thingsStack, uplink_message: message }).receivedAt, Date.UTC(2026, 10, 22, 8, 30, 0, 300));
});

test('members that are 0 or empty are left out by the servers', () => {
  const { devAddr: _, fCnt: __, fPort: ___, data: ____, ...rest } = chirpStack;
  assert.deepEqual(uplinkOf(rest), {
    devEui: '24e124136b502217',
    fCnt: 0,
    fPort: 0,
    frame: new Uint8Array(),
    receivedAt: Date.UTC(2026, 10, 22, 8, 30, 0, 123),
  });
});

test('what is no uplink is refused', () => {
  assert.equal(isLorawanUplink({ t: 1, m: {} }), false);
  const wrong: readonly (readonly [object, string])[] = [
    [{ deviceInfo: { devEui: '24e1' } }, 'shape'],
    [{ devAddr: 'xyz' }, 'shape'],
    [{ fCnt: -1 }, 'shape'],
    [{ fCnt: 2 ** 32 }, 'shape'],
    [{ fPort: 256 }, 'shape'],
    [{ data: '*' }, 'shape'],
    [{ data: 'AAAA'.repeat(100) }, 'shape'],
    [{ time: 'yesterday' }, 'time'],
  ];
  for (const [change, reason] of wrong) assert.equal(refusalOf({ ...chirpStack, ...change }), reason, JSON.stringify(change));
  assert.equal(refusalOf({ ...thingsStack, uplink_message: null }), 'shape');
});
