/** Bare aedes on a loopback port given as the only argument; ends with its parent. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
createServer((socket) => {
  socket.setNoDelay(true);
  broker.handle(socket);
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('disconnect', () => process.exit(0));
