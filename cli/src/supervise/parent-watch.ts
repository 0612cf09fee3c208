/**
 * Preloaded (`node --import`) into every supervised process: the process ends when its supervisor does, however that
 * ended. The supervisor holds the other end of the IPC channel, and the kernel closes it even after kill -9.
 */
const STOP_GRACE_MS = 4000;

process.on('disconnect', () => {
  // As if it had been asked to stop; a process that cannot is ended.
  setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
// A listener would keep a process alive that has nothing left to do.
process.channel?.unref();
