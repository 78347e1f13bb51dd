/**
 * No row in the audit, no command: on a cluster whose audit takes no rows, nothing that an operator or a node asks for is done. The
 * methods come from the schema, so that a new one that changes something fails here until it has a row.
 */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { v7 } from 'uuid';
import { systemClock } from '#base/clock.ts';
import { apiServices } from '#controller/api/api-server.ts';
import { verbOf } from '#controller/api/method-verbs.ts';
import { logIn } from '#controller/auth/oidc/log-in.ts';
import { makeNodeKey } from '#controller/auth/testing/node-key.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import { parseJoinToken } from '#core/join-token.ts';
import { JoinService, type WriteInputRequestSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { StdinMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { renewOf } from '#test/fixture/renewal.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

/** What the calls are about. */
interface Scene {
  readonly cluster: TestCluster;
  /** A task that runs, and takes input. */
  readonly query: { readonly refs: string[] };
  /** Has one file, "here". */
  readonly workspace: string;
  /** What a launch or the input of the task would make in it. */
  readonly trace: string;
  readonly joinToken: string;
  /** Of the user bob. */
  readonly userTokenId: string;
}

type WriteInput = MessageInitShape<typeof WriteInputRequestSchema>;

const noRows = "create trigger full before insert on audit begin select raise(abort, 'no rows'); end";
const rules = [{ allow: ['node.read'] }];

/** A call that would change something, or read what is recorded, for each such method. */
const calls: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'NodeService/LabelNodes': ({ cluster }) =>
    cluster.connection.nodes.labelNodes({ nodes: 'node1', set: { a: 'b' } }),
  'NodeService/DrainNodes': ({ cluster }) =>
    cluster.connection.nodes.drainNodes({ nodes: 'node1', reason: 'test' }),
  'NodeService/ResumeNodes': ({ cluster }) => cluster.connection.nodes.resumeNodes({ nodes: 'node1' }),
  'NodeService/RemoveNode': ({ cluster }) => cluster.connection.nodes.removeNode({ name: 'node1' }),
  'RunService/CreateRun': ({ cluster, trace }) =>
    cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec: { argv: ['touch', trace] } }),
  'TaskService/SignalTasks': ({ cluster, query }) =>
    cluster.connection.tasks.signalTasks({ query, signal: 'KILL' }),
  'TaskService/StopTasks': ({ cluster, query }) => cluster.connection.tasks.stopTasks({ query }),
  'TaskService/WriteInput': ({ cluster, query }) => {
    const target = { kind: { case: 'target' as const, value: { query } } };
    const data = { kind: { case: 'data' as const, value: Buffer.from('input\n') } };
    return drain(cluster.connection.tasks.writeInput(only<WriteInput>(target, data)));
  },
  'TaskService/ReadLogs': ({ cluster, query }) => drain(cluster.connection.tasks.readLogs({ query })),
  'TaskService/FollowTasks': ({ cluster, query }) =>
    drain(cluster.connection.tasks.followTasks({ query, output: true })),
  'FileService/CopyToNodes': ({ cluster }) => {
    const value = { target: { nodes: 'node1' }, put: { destination: 'there' } };
    return drain(cluster.connection.files.copyToNodes(only({ kind: { case: 'target' as const, value } })));
  },
  'FileService/CopyFromNodes': ({ cluster }) => {
    const value = { target: { nodes: 'node1' }, get: { paths: ['here'] } };
    return drain(cluster.connection.files.copyFromNodes(only({ kind: { case: 'target' as const, value } })));
  },
  'FileService/ListFiles': ({ cluster }) =>
    drain(cluster.connection.files.listFiles({ target: { nodes: 'node1' }, list: {} })),
  'FileService/ReadFile': ({ cluster }) =>
    drain(cluster.connection.files.readFile({ target: { nodes: 'node1' }, read: { path: 'here' } })),
  'FileService/MakeDirectories': ({ cluster }) =>
    drain(cluster.connection.files.makeDirectories({ target: { nodes: 'node1' }, make: { paths: ['new'] } })),
  'FileService/MoveFile': ({ cluster }) =>
    drain(
      cluster.connection.files.moveFile({ target: { nodes: 'node1' }, move: { from: 'here', to: 'there' } }),
    ),
  'FileService/RemoveFiles': ({ cluster }) =>
    drain(cluster.connection.files.removeFiles({ target: { nodes: 'node1' }, remove: { paths: ['here'] } })),
  'UserService/CreateUser': ({ cluster }) => cluster.connection.users.createUser({ name: 'eve' }),
  'UserService/ChangeUser': ({ cluster }) =>
    cluster.connection.users.changeUser({ name: 'bob', grant: ['admin'] }),
  'UserService/RemoveUser': ({ cluster }) => cluster.connection.users.removeUser({ name: 'bob' }),
  'RoleService/CreateRole': ({ cluster }) =>
    cluster.connection.roles.createRole({ role: { name: 'new', rules } }),
  'RoleService/RemoveRole': ({ cluster }) => cluster.connection.roles.removeRole({ name: 'unused' }),
  'UserTokenService/CreateUserToken': ({ cluster }) =>
    cluster.connection.userTokens.createUserToken({ user: 'bob' }),
  'UserTokenService/RevokeUserToken': ({ cluster, userTokenId }) =>
    cluster.connection.userTokens.revokeUserToken({ id: userTokenId }),
  'ClusterService/Shutdown': ({ cluster }) => cluster.connection.cluster.shutdown({}),
  'JoinService/Join': async ({ cluster, joinToken }) => {
    const nodeOptions = { ca: cluster.controller.rootCertificate };
    const options = { httpVersion: '2' as const, baseUrl: cluster.controller.address, nodeOptions };
    const client = createClient(JoinService, createConnectTransport(options));
    const { id: tokenId, secret } = parseJoinToken(joinToken);
    const certificateRequest = (await makeNodeKey()).request;
    await client.join({ tokenId, secret, name: 'stranger', certificateRequest });
  },
  'JoinService/RenewCertificate': ({ cluster }) =>
    // What the API answered, instead of what the agent's log says of it.
    renewOf(cluster, 'node1').catch((error: Error) => Promise.reject(error.cause)),
  'JoinTokenService/CreateJoinToken': ({ cluster }) => cluster.connection.joinTokens.createJoinToken({}),
  'JoinTokenService/RevokeJoinToken': ({ cluster, joinToken }) =>
    cluster.connection.joinTokens.revokeJoinToken({ id: parseJoinToken(joinToken).id }),
};

async function* only<T>(...requests: T[]): AsyncGenerator<T> {
  yield* requests;
}

async function drain(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const answer of answers) assert.fail(`answered ${answer}`);
}

/** Methods that change nothing and read nothing that is recorded, although their verb says nothing of it. */
const harmless: readonly string[] = [
  ...[
    'JoinService/GetRoot',
    'JoinTokenService/ListJoinTokens',
    'UserService/ListUsers',
    'UserService/WhoAmI',
  ],
  ...['UserService/ExplainAccess', 'RoleService/GetRole', 'RoleService/ListRoles'],
  'UserTokenService/ListUserTokens',
];

/** Takes an identity provider: what follows after that is tried below. */
const triedBelow: readonly string[] = ['LoginService/LogInByDevice'];

/** Verbs of methods that only read, and leave no row. */
const readingVerbs: readonly Verb[] = [Verb.NODE_READ, Verb.TASK_READ, Verb.AUDIT_READ];

/** Everything that is recorded, but for what the cluster records by itself all the time. */
function dump(database: DatabaseSync): Record<string, unknown> {
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const rows = database.prepare(`select * from "${name}"`).all();
      return [name, rows.map(({ seen_at: _seen, facts: _facts, ...row }) => row)];
    }),
  );
}

describe('on a cluster whose audit takes no rows', () => {
  const resources = new AsyncDisposableStack();
  let scene: Scene;
  let database: DatabaseSync;

  before(async () => {
    const cluster = resources.use(await TestCluster.start(1));
    const workspace = join(cluster.directory, 'node1', 'workspace');
    await writeFile(join(workspace, 'here'), 'content');
    const trace = join(workspace, 'trace');
    const spec = { argv: ['sh', '-c', `read line; touch '${trace}'; sleep 60`], stdin: StdinMode.STREAM };
    const { tasks } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
    const query = { refs: tasks.map(({ id }) => id) };
    await until('the task runs', async () => (await stateOf(cluster, query)) === TaskState.RUNNING);
    const { token } = await cluster.connection.joinTokens.createJoinToken({});
    await cluster.connection.users.createUser({ name: 'bob' });
    await cluster.connection.roles.createRole({ role: { name: 'unused', rules } });
    const { recorded } = await cluster.connection.userTokens.createUserToken({ user: 'bob' });
    scene = { cluster, query, workspace, trace, joinToken: token, userTokenId: recorded?.id ?? '' };
    database = new DatabaseSync(join(cluster.directory, 'controller', 'drover.db'));
    database.exec(noRows);
    resources.defer(() => {
      database.exec('drop trigger full');
      database.close();
    });
  });
  after(() => resources.disposeAsync());

  it('every method that changes something is tried', () => {
    const methods = apiServices.flatMap((service) => service.methods);
    const changing = methods.filter((method) => !readingVerbs.includes(verbOf(method)));
    const names = changing.map((method) => `${method.parent.name}/${method.name}`);
    const untried = names.filter((name) => !(name in calls) && ![...harmless, ...triedBelow].includes(name));
    assert.deepEqual(untried, []);
  });

  for (const [name, call] of Object.entries(calls)) {
    it(`${name} fails, and nothing is done`, async () => {
      const before = dump(database);
      await assert.rejects(call(scene), (error) => {
        assert.ok(error instanceof ConnectError, String(error));
        assert.equal(error.code, Code.Internal, error.message);
        return true;
      });
      assert.deepEqual(dump(database), before);
      assert.equal(await stateOf(scene.cluster, scene.query), TaskState.RUNNING);
      assert.deepEqual(await readdir(scene.workspace), ['here']);
    });
  }
});

it('nobody is let in by an identity provider either', async (t) => {
  const path = join(temporaryDirectory(t), 'drover.db');
  await using store = await openSqliteStore({ path });
  using database = new DatabaseSync(path);
  const login = () => {
    const identity = { subject: 's', name: 'ann', groups: ['ops'] };
    const roles = new Map([['ops', ['operator']]]);
    const config = { roles, nameClaim: 'name', tokenTtlMs: 1_000 };
    return logIn({ store, clock: systemClock }, identity, config, 'laptop');
  };
  database.exec(noRows);
  const before = dump(database);
  await assert.rejects(login(), /could not record a decision/);
  assert.deepEqual(dump(database), before);
  database.exec('drop trigger full');
  await login();
});

async function stateOf(
  { connection }: TestCluster,
  { refs }: Scene['query'],
): Promise<TaskState | undefined> {
  return (await connection.tasks.getTask({ ref: refs[0] ?? '' })).state;
}
