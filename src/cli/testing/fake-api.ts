/** A small API over real TLS and HTTP/2 for tests, with the answers that a test gives it. */
import { createSecureServer, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Access } from '#cli/access-file.ts';
import { type ErrorReason, errorReasons } from '#protocol/errors.ts';
import { ErrorDetailSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { Freshness, type Task, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { controllerServerName } from '#protocol/version.ts';

/** The token that it takes. */
const token = 'secret';

/** A server that listens. */
export interface FakeApi extends AsyncDisposable {
  readonly access: Access;
  /** Cuts every connection, as a controller that dies does. */
  cut(): void;
}

/** Starts a server with these routes on any free port of this machine. */
export async function startFakeApi(routes: (router: ConnectRouter) => void): Promise<FakeApi> {
  const { key, certificate } = await makeCertificate();
  const handle = connectNodeAdapter({ routes });
  const server = createSecureServer(
    { key, cert: certificate, minVersion: 'TLSv1.3' },
    (request, response) => {
      if (request.headers.authorization === `Bearer ${token}`) return handle(request, response);
      return refuse(response);
    },
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const session of sessions) session.destroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    access: { address: `127.0.0.1:${port}`, rootCertificate: certificate, token },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse(response: Http2ServerResponse): void {
  response.writeHead(401).end();
}

/** A refusal as the API makes it. */
export function refusal(reason: ErrorReason, message: string): ConnectError {
  const code = Code[pascal(errorReasons[reason]) as keyof typeof Code];
  return new ConnectError(message, code, undefined, [{ desc: ErrorDetailSchema, value: { reason } }]);
}

function pascal(snake: string): string {
  return snake.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A task that runs on a node, with what `init` says otherwise. */
export function makeTask(id: string, node: string, init: MessageInitShape<typeof TaskSchema> = {}): Task {
  return create(TaskSchema, { id, node, state: TaskState.RUNNING, freshness: Freshness.LIVE, ...init });
}

async function makeCertificate(): Promise<{ key: string; certificate: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=fake',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: controllerServerName }])],
  });
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: x509.PemConverter.encode(der, 'PRIVATE KEY'), certificate: certificate.toString('pem') };
}
