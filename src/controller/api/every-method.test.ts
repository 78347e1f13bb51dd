/**
 * Every method of the API × every role × nobody. The methods come from the schema: one without a row here fails, and a row says
 * which roles may call it, so that whoever adds a method has to think of it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { randomSecret } from '#controller/auth/secrets.ts';
import { encodeBase64url } from '#core/base64url.ts';
import { RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { apiServices } from './api-server.ts';
import { methodName, verbOf } from './method-verbs.ts';
import { ApiFixture } from './testing/api-fixture.ts';

/** `local` reads everything and acts on web1 alone, `hidden` knows of web1 alone; `nobody` has no role. */
const roles = ['admin', 'operator', 'viewer', 'local', 'hidden', 'nobody'] as const;
type RoleName = (typeof roles)[number];

interface Row {
  /** The request; in its JSON "$run" becomes an id of a run that was never used. */
  readonly ask: object;
  /** Who may call it beside admin. Others are denied. */
  readonly may: readonly RoleName[];
  /** With which code those are answered; undefined for success. */
  readonly code?: Code;
  /** With which code `local` and `hidden` are answered when they ask the same of db1; absent where it is not about nodes. */
  readonly elsewhere?: readonly [local: Code | undefined, hidden: Code | undefined];
}

const readers = ['operator', 'viewer', 'local', 'hidden'] as const;
const actors = ['operator', 'local', 'hidden'] as const;
const managers = ['local', 'hidden'] as const;
const everybody = ['operator', 'viewer', 'local', 'hidden', 'nobody'] as const;

const seen = [undefined, Code.NotFound] as const;
const denied = [Code.PermissionDenied, Code.NotFound] as const;
const noTask = { query: { refs: ['nosuchtask'] } };

const rows: Readonly<Record<string, Row>> = {
  'NodeService/ListNodes': { ask: { nodes: 'web1' }, may: readers, elsewhere: seen },
  'NodeService/GetNode': { ask: { name: 'web1' }, may: readers, elsewhere: seen },
  'NodeService/GetNodeUsage': { ask: { nodes: 'web1' }, may: readers, elsewhere: seen },
  'NodeService/LabelNodes': { ask: { nodes: 'web1', set: { a: 'b' } }, may: managers, elsewhere: denied },
  'NodeService/DrainNodes': { ask: { nodes: 'web1', reason: 'x' }, may: managers, elsewhere: denied },
  'NodeService/ResumeNodes': { ask: { nodes: 'web1' }, may: managers, elsewhere: denied },
  'NodeService/RemoveNode': { ask: { name: 'web9' }, may: managers, code: Code.NotFound },
  'RunService/CreateRun': {
    ask: { id: '$run', nodes: 'web1', spec: { argv: ['true'] } },
    may: actors,
    elsewhere: denied,
  },
  'RunService/GetRun': {
    ask: { id: '01979c5e-7d0c-7000-8000-00000000ffff' },
    may: readers,
    code: Code.NotFound,
  },
  'RunService/ListRuns': { ask: {}, may: readers },
  'TaskService/ListTasks': { ask: { query: { nodes: 'web1' } }, may: readers, elsewhere: seen },
  'TaskService/GetTask': { ask: { ref: 'nosuchtask' }, may: readers, code: Code.NotFound },
  'TaskService/SignalTasks': { ask: { ...noTask, signal: 'TERM' }, may: actors, code: Code.NotFound },
  'TaskService/StopTasks': { ask: { query: { nodes: 'web1' } }, may: actors, elsewhere: denied },
  'TaskService/FollowTasks': { ask: noTask, may: readers, code: Code.NotFound },
  'TaskService/SampleTasks': { ask: { query: { nodes: 'web1' } }, may: readers, elsewhere: seen },
  'TaskService/WriteInput': { ask: { target: noTask }, may: actors, code: Code.NotFound },
  'TaskService/ReadLogs': { ask: noTask, may: readers, code: Code.NotFound },
  'FileService/CopyToNodes': {
    ask: { target: { target: { nodes: 'web1' }, put: {} } },
    may: actors,
    elsewhere: denied,
  },
  'FileService/CopyFromNodes': {
    ask: { target: { target: { nodes: 'web1' }, get: {} } },
    may: actors,
    code: Code.InvalidArgument,
  },
  'FileService/ListFiles': { ask: { target: { nodes: 'web1' }, list: {} }, may: actors, elsewhere: denied },
  'FileService/ReadFile': {
    ask: { target: { nodes: 'web1' }, read: { path: 'a' } },
    may: actors,
    elsewhere: denied,
  },
  'FileService/MakeDirectories': {
    ask: { target: { nodes: 'web1' }, make: { paths: ['a'] } },
    may: actors,
    elsewhere: denied,
  },
  'FileService/MoveFile': {
    ask: { target: { nodes: 'web1' }, move: { from: 'a', to: 'b' } },
    may: actors,
    elsewhere: denied,
  },
  'FileService/RemoveFiles': {
    ask: { target: { nodes: 'web1' }, remove: { paths: ['a'] } },
    may: actors,
    elsewhere: denied,
  },
  'ClusterService/GetCluster': { ask: {}, may: readers },
  'ClusterService/Shutdown': { ask: {}, may: [] },
  'JoinService/GetRoot': { ask: {}, may: everybody },
  'JoinService/Join': { ask: { name: 'web9' }, may: everybody, code: Code.InvalidArgument },
  'JoinService/RenewCertificate': { ask: {}, may: everybody, code: Code.PermissionDenied },
  'JoinTokenService/CreateJoinToken': { ask: {}, may: [] },
  'JoinTokenService/ListJoinTokens': { ask: {}, may: [] },
  'JoinTokenService/RevokeJoinToken': { ask: { id: 'none' }, may: [], code: Code.NotFound },
  'EventService/ListEvents': { ask: { query: { nodes: 'web1' } }, may: readers, elsewhere: seen },
  'EventService/FollowEvents': { ask: { query: { nodes: 'web1' } }, may: readers, elsewhere: seen },
  'AuditService/ListAudit': { ask: {}, may: [] },
  'AuditService/FollowAudit': { ask: {}, may: [] },
  'UserService/CreateUser': { ask: { name: 'A b' }, may: [], code: Code.InvalidArgument },
  'UserService/ListUsers': { ask: {}, may: [] },
  'UserService/ChangeUser': { ask: { name: 'nosuchuser', disabled: true }, may: [], code: Code.NotFound },
  'UserService/RemoveUser': { ask: { name: 'nosuchuser' }, may: [], code: Code.NotFound },
  'UserService/WhoAmI': { ask: {}, may: everybody },
  'UserService/ExplainAccess': { ask: { verb: 'node.read' }, may: everybody },
  'RoleService/CreateRole': { ask: { role: { name: 'r' } }, may: [], code: Code.InvalidArgument },
  'RoleService/GetRole': { ask: { name: 'viewer' }, may: [] },
  'RoleService/ListRoles': { ask: {}, may: [] },
  'RoleService/RemoveRole': { ask: { name: 'nosuchrole' }, may: [], code: Code.NotFound },
  'LoginService/LogInByDevice': { ask: {}, may: everybody, code: Code.FailedPrecondition },
  'UserTokenService/CreateUserToken': { ask: {}, may: everybody },
  'UserTokenService/ListUserTokens': { ask: {}, may: everybody },
  'UserTokenService/RevokeUserToken': { ask: { id: 'none' }, may: everybody, code: Code.NotFound },
};

/** Methods after whose success nothing else works come last. */
const methods = apiServices
  .flatMap((service) => service.methods as readonly DescMethod[])
  .toSorted((a, b) => Number(a.name === 'Shutdown') - Number(b.name === 'Shutdown'));

describe('every method of the API', () => {
  let api: ApiFixture;
  const tokens = new Map<RoleName, string>();
  before(async () => {
    api = await ApiFixture.start();
    await api.addNodes('web1', 'db1');
    const verbs = 'node.manage task.launch task.signal shell.open file.read file.write file.remove'.split(
      ' ',
    );
    const reading = ['node.read', 'task.read', 'logs.read'];
    await addRole('local', { allow: reading }, { allow: verbs, nodes: 'web1' });
    await addRole('hidden', { allow: [...reading, ...verbs], nodes: 'web1' });
    tokens.set('admin', api.adminToken);
    for (const role of roles) {
      const given = role === 'nobody' ? [] : [role];
      if (role !== 'admin') tokens.set(role, await api.addUser(role, ...given));
    }
  });
  after(() => api[Symbol.asyncDispose]());

  /** What is denied on another node has to be there. */
  before(async () => {
    const spec = { argv: ['true'] };
    await api.client(RunService).createRun({ id: newRunId(), nodes: 'web1,db1', spec });
  });

  async function addRole(name: string, ...rules: { allow: string[]; nodes?: string }[]): Promise<void> {
    const made = rules.map((rule) => create(RuleSchema, rule));
    const record = { name, description: '', rules: made, revision: name, changedBy: 'admin', changedAtMs: 1 };
    await api.parts.store.transact((writer) => writer.putRole(record));
  }

  it('has a row in this table, and each row a method', () => {
    assert.deepEqual(Object.keys(rows).sort(), methods.map(shortName).sort());
  });

  for (const method of methods) {
    const name = shortName(method);
    const row = rows[name];
    if (!row) continue;
    const isOpen = verbOf(method) === Verb.ANYONE;

    // Whoever is refused comes before those whose call may change what is there.
    it(`${name} ${isOpen ? 'answers' : 'refuses'} a call without a token`, async () => {
      const code = await codeOf(api.anonymousTransport(), method, row.ask);
      assert.equal(code, isOpen ? row.code : Code.Unauthenticated);
    });
    it(`${name} takes no unknown and no malformed token for one`, async () => {
      const unknown = `dvo1.abcdefgh.${encodeBase64url(randomSecret())}`;
      for (const token of [unknown, 'dvo1.x.y', 'nonsense', `${api.adminToken}x`]) {
        const code = await codeOf(api.transport(token), method, row.ask);
        // Above some tries within a minute unknown ones are not even looked at.
        const refusals: readonly (Code | undefined)[] = [Code.Unauthenticated, Code.ResourceExhausted];
        assert.ok(isOpen ? code === row.code : refusals.includes(code), `${token}: ${code}`);
      }
    });
    for (const role of roles.toReversed()) {
      const may = role === 'admin' || row.may.includes(role);
      it(`${name} ${may ? 'answers' : 'refuses'} ${role}`, async () => {
        const code = await codeOf(api.transport(tokens.get(role)), method, row.ask);
        assert.equal(code, may ? row.code : Code.PermissionDenied);
      });
    }
    for (const [index, role] of managers.entries()) {
      if (!row.elsewhere) continue;
      const expected = row.elsewhere[index];
      it(`${name} ${expected === undefined ? 'answers' : 'refuses'} ${role} on another node`, async () => {
        const ask = JSON.parse(JSON.stringify(row.ask).replaceAll('web1', 'db1')) as object;
        assert.equal(await codeOf(api.transport(tokens.get(role)), method, ask), expected);
      });
    }
  }

  it('left an audit row for each method and user of those who were denied, and one for all strangers', async () => {
    const { store } = api.parts;
    const all = (await store.read.listAudit(0, 5_000)).filter((row) => row.decision === 'denied');
    const found = all.map(
      ({ who, request }) => `${who} ${(JSON.parse(request) as { method: string }).method}`,
    );
    const expected = methods.flatMap((method) => {
      const row = rows[shortName(method)];
      const refused = roles.filter((role) => role !== 'admin' && !row?.may.includes(role));
      const elsewhere = row?.elsewhere?.[0] === Code.PermissionDenied ? ['local' as const] : [];
      return [...refused, ...elsewhere].map((role) => `${role} ${methodName(method)}`);
    });
    assert.deepEqual(found.filter((row) => !row.startsWith('- ')).sort(), expected.sort());
    assert.equal(found.filter((row) => row.startsWith('- ')).length, 1);
  });
});

function shortName(method: DescMethod): string {
  return `${method.parent.name}/${method.name}`;
}

let runs = 0;

function newRunId(): string {
  runs++;
  return `01979c5e-7d0c-7000-8000-${runs.toString(16).padStart(12, '0')}`;
}

async function codeOf(transport: Transport, method: DescMethod, ask: object): Promise<Code | undefined> {
  const json = JSON.parse(JSON.stringify(ask).replaceAll('$run', newRunId())) as Record<string, never>;
  const input = fromJson(method.input, json);
  try {
    if (method.methodKind === 'unary') {
      await transport.unary(method as DescMethodUnary, undefined, undefined, undefined, input);
    } else {
      const requests = (async function* () {
        yield input;
      })();
      const streaming = method as DescMethodServerStreaming;
      const { message } = await transport.stream(streaming, undefined, undefined, undefined, requests);
      for await (const _ of message);
    }
    return undefined;
  } catch (error) {
    return ConnectError.from(error).code;
  }
}
