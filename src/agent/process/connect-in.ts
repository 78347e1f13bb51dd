/** Connecting to the supervisor's unix sockets. */
import { type FileHandle, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';

/**
 * Connects to the socket `name` in `directory` through a descriptor of the directory: the path of a unix socket has 107
 * bytes at the most, and a state directory may be deeper than that.
 *
 * @throws the system's error.
 */
export async function connectIn(directory: string, name: string): Promise<Socket> {
  await using handle: FileHandle = await open(directory, 'r');
  const socket = connect(`/proc/self/fd/${handle.fd}/${name}`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve).once('error', reject);
  try {
    await promise;
    return socket;
  } finally {
    socket.off('connect', resolve).off('error', reject);
  }
}
