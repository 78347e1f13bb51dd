/** The connections of one invocation: one for each data directory that its commands name, made on the first use. */
import type { Connection } from './connect-cluster.ts';

/** Makes connections and keeps them; disposing of it closes them all. */
export interface Clusters extends Disposable {
  /**
   * The cluster of a data directory.
   *
   * @param dataDirectory undefined for the default.
   * @throws CommandError where there is no cluster there.
   */
  connect(dataDirectory?: string): Promise<Connection>;
  /** HOST:PORT of the cluster that was asked for last. */
  readonly connectedTo: () => string | undefined;
}

/** @param defaultDirectory where a command does not say. */
export function createClusters(defaultDirectory: string): Clusters {
  const connections = new Map<string, Connection>();
  let address: string | undefined;
  return {
    async connect(dataDirectory = defaultDirectory) {
      const connection = connections.get(dataDirectory) ?? (await open(dataDirectory));
      connections.set(dataDirectory, connection);
      address = connection.address;
      return connection;
    },
    connectedTo: () => address,
    [Symbol.dispose]() {
      for (const connection of connections.values()) connection[Symbol.dispose]();
    },
  };
}

async function open(dataDirectory: string): Promise<Connection> {
  const [{ readAccess }, { connectCluster }] = await Promise.all([
    import('./access-file.ts'),
    import('./connect-cluster.ts'),
  ]);
  return connectCluster(readAccess(dataDirectory));
}
