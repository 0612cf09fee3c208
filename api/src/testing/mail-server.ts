/**
 * A mail server in a process of its own. Told "listen" it listens on the port of the command line and says "listening"; each mail that
 * comes in whole is sent back as text. The first `refused` mails are answered with 451.
 */
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

const [, , port = '0', refused = '0'] = process.argv;
let mails = 0;
const server = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData: (stream, _session, done) => {
    text(stream).then((mail) => {
      process.send?.({ mail });
      done(++mails <= Number(refused) ? Object.assign(new Error('busy'), { responseCode: 451 }) : null);
    }, done);
  },
});
process.on('message', () => server.listen(Number(port), '127.0.0.1', () => process.send?.('listening')));
// Then nothing keeps it any more.
process.on('disconnect', () => server.close(() => undefined));
process.send?.('ready');
