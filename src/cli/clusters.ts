/**
 * The connections of one invocation: one for each data directory that its commands name, and one for where nothing is named, made on
 * the first use.
 */
import type { Connection } from './connect-cluster.ts';

/** Makes connections and keeps them; disposing of it closes them all. */
export interface Clusters extends Disposable {
  /**
   * The cluster of a data directory.
   *
   * @param dataDirectory undefined for the context in use, or without one for the default.
   * @throws CommandError where there is no cluster there, or the contexts cannot be read.
   */
  connect(dataDirectory?: string): Promise<Connection>;
  /** HOST:PORT of the cluster that was asked for last. */
  readonly connectedTo: () => string | undefined;
}

/** Where a command goes that does not say where. */
export interface DefaultCluster {
  /** Of the cluster of this machine. */
  readonly dataDirectory: string;
  /** The contexts, where that directory is not one that somebody chose. */
  readonly contextsFile: string | undefined;
}

/** Makes none yet. */
export function createClusters(byDefault: DefaultCluster): Clusters {
  const connections = new Map<string | undefined, Connection>();
  let address: string | undefined;
  return {
    async connect(dataDirectory) {
      const connection = connections.get(dataDirectory) ?? (await open(byDefault, dataDirectory));
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

async function open(byDefault: DefaultCluster, dataDirectory: string | undefined): Promise<Connection> {
  const [{ readAccess }, { currentAccess }, { connectCluster }] = await Promise.all([
    import('./access-file.ts'),
    import('./contexts-file.ts'),
    import('./connect-cluster.ts'),
  ]);
  const { contextsFile } = byDefault;
  const inUse = dataDirectory === undefined && contextsFile !== undefined && currentAccess(contextsFile);
  return connectCluster(inUse || readAccess(dataDirectory ?? byDefault.dataDirectory));
}
