/** Ports for services whose address must be known before they listen: in a policy, in a client, for the next start. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const FIRST_PORT = 10_000;
/**
 * Linux, where /proc does not say otherwise. From here on the kernel takes ports for outgoing connections: one of them may get a
 * port between the look and the use of it, and a client that keeps trying an address of these while nobody listens there can be
 * connected to itself (simultaneous open, RFC 9293 §3.5), which then holds the port.
 */
const EPHEMERAL_FIRST_PORT = 32_768;

/** A TCP port of loopback that nobody listens on, and that no outgoing connection gets. */
export async function freePort(): Promise<number> {
  const [first] = await freePorts([0]);
  return first as number;
}

/** Ports at fixed distances from the first, all of them as `freePort` gives them. @param offsets the first one is 0 */
export async function freePorts(offsets: readonly number[]): Promise<number[]> {
  const end = ephemeralFirst() - Math.max(...offsets);
  for (;;) {
    // At random: test files run side by side, and each looks for itself.
    const first = randomInt(FIRST_PORT, end);
    const ports = offsets.map((offset) => first + offset);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function ephemeralFirst(): number {
  try {
    const first = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
    // A range that leaves too little below it is no help.
    return first > FIRST_PORT + 5000 ? first : EPHEMERAL_FIRST_PORT;
  } catch {
    return EPHEMERAL_FIRST_PORT;
  }
}
