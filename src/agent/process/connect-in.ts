/** Connecting to the supervisor's unix sockets. */
import { closeSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/**
 * Connects to the socket `name` in `directory` through a descriptor of the directory: the path of a unix socket has 107
 * bytes at the most, and a state directory may be deeper than that.
 *
 * Whoever awaits this listens for errors of the socket in the same turn: nothing may take time between the connect and the
 * end of this, or the error of a peer that has just died would be nobody's, and the end of the program.
 *
 * @throws the system's error.
 */
export async function connectIn(directory: string, name: string): Promise<Socket> {
  const descriptor = openSync(directory, 'r');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(`/proc/self/fd/${descriptor}/${name}`, resolve).once('error', reject);
  try {
    await promise;
    return socket;
  } finally {
    socket.off('error', reject);
    closeSync(descriptor);
  }
}
