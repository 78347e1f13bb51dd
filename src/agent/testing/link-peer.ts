/** The controller's end of the agents' link, as small as it can be: what it says and when is the test's. */
import { once } from 'node:events';
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { encodeFrame, FrameDecoder } from '#base/grpc-frames.ts';
import {
  type AgentFrame,
  AgentFrameSchema,
  ControllerFrameSchema,
  FilesDownSchema,
  type FilesUp,
  FilesUpSchema,
  InputFrameSchema,
  InputTakenSchema,
  WelcomeSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { Inbox } from './inbox.ts';
import type { TestIdentity } from './test-pki.ts';

/** What the peer says, without the frame around it. */
export type ControllerSays = NonNullable<MessageInitShape<typeof ControllerFrameSchema>['kind']>;

/** One session that an agent opened. */
export class PeerSession {
  readonly frames = new Inbox<AgentFrame['kind']>();
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Resolves when the stream is gone. */
  readonly closed: Promise<unknown>;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.headers = headers;
    this.closed = new Promise((resolve) => stream.once('close', resolve));
    const decoder = new FrameDecoder(limits.messageBytesMax);
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      for (const message of decoder.push(bytes)) this.frames.put(fromBinary(AgentFrameSchema, message).kind);
    });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  }

  say(kind: ControllerSays): void {
    this.stream.write(encodeFrame(toBinary(ControllerFrameSchema, create(ControllerFrameSchema, { kind }))));
  }

  welcome(acknowledgedEvent = 0n): void {
    this.say({
      case: 'welcome',
      value: create(WelcomeSchema, { protocol: 1, heartbeatIntervalMs: 1_000, acknowledgedEvent }),
    });
  }

  /** The next frame, which must be of that kind; heartbeats, which come at any time, are passed over for others. */
  async expect<K extends NonNullable<AgentFrame['kind']['case']>>(kind: K) {
    let frame = await this.frames.next();
    while (frame.case === 'heartbeat' && kind !== 'heartbeat') frame = await this.frames.next();
    if (frame.case !== kind) throw new Error(`expected ${kind}, got ${frame.case}`);
    return frame.value as Extract<AgentFrame['kind'], { case: K }>['value'];
  }
}

/** One log that an agent pushes. Nobody reads it until the test calls `read`. */
export class PeerPush {
  readonly streamId: string;
  readonly stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.streamId = String(headers['drover-stream']);
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  }

  /** Everything to the end. */
  async read(): Promise<LogChunk[]> {
    const decoder = new FrameDecoder(limits.messageBytesMax);
    const chunks: LogChunk[] = [];
    for await (const bytes of this.stream) {
      for (const message of decoder.push(bytes as Buffer)) chunks.push(fromBinary(LogChunkSchema, message));
    }
    return chunks;
  }
}

/** Input that an agent asks for. */
export class PeerPull {
  readonly streamId: string;
  readonly stream: ServerHttp2Stream;
  /** Offsets that were taken; "end" when the agent has ended its request, "reset" when it broke off. */
  readonly takens = new Inbox<bigint | 'end' | 'reset'>();

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.streamId = String(headers['drover-stream']);
    const decoder = new FrameDecoder(limits.messageBytesMax);
    let ended = false;
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      for (const message of decoder.push(bytes))
        this.takens.put(fromBinary(InputTakenSchema, message).offset);
    });
    stream.on('end', () => {
      ended = !stream.aborted && stream.rstCode === 0;
      if (ended) this.takens.put('end');
    });
    stream.on('close', () => {
      if (!ended) this.takens.put('reset');
    });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  }

  say(kind: NonNullable<MessageInitShape<typeof InputFrameSchema>['kind']>): boolean {
    return this.stream.write(encodeFrame(toBinary(InputFrameSchema, create(InputFrameSchema, { kind }))));
  }
}

/** An order about files that an agent carries out. Nobody reads what it says until the test calls `next`. */
export class PeerFiles {
  readonly streamId: string;
  readonly stream: ServerHttp2Stream;
  readonly #decoder = new FrameDecoder(limits.messageBytesMax);
  readonly #bytes: AsyncIterator<Buffer>;
  #frames: FilesUp['kind'][] = [];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.streamId = String(headers['drover-stream']);
    this.#bytes = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  }

  say(kind: NonNullable<MessageInitShape<typeof FilesDownSchema>['kind']>): boolean {
    return this.stream.write(encodeFrame(toBinary(FilesDownSchema, create(FilesDownSchema, { kind }))));
  }

  /** The next frame; "end" when the agent has ended its request, "reset" when it broke off. */
  async next(): Promise<FilesUp['kind'] | 'end' | 'reset'> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      const step = await this.#bytes.next().catch(() => 'reset' as const);
      if (step === 'reset' || this.stream.rstCode !== 0) return 'reset';
      if (step.done) return 'end';
      this.#frames = this.#decoder.push(step.value).map((message) => fromBinary(FilesUpSchema, message).kind);
    }
  }
}

/** A listener that takes every node of its root. */
export class LinkPeer implements AsyncDisposable {
  readonly sessions = new Inbox<PeerSession>();
  readonly pushes = new Inbox<PeerPush>();
  readonly pulls = new Inbox<PeerPull>();
  readonly files = new Inbox<PeerFiles>();
  readonly address: { host: string; port: number };
  readonly #server;
  readonly #connections: Set<ServerHttp2Session>;

  private constructor(
    server: ReturnType<typeof createSecureServer>,
    connections: Set<ServerHttp2Session>,
    port: number,
  ) {
    this.#server = server;
    this.#connections = connections;
    this.address = { host: '127.0.0.1', port };
    server.on('stream', (stream, headers) => {
      if (headers[':path'] === '/drover.v1.AgentLinkService/Push')
        this.pushes.put(new PeerPush(stream, headers));
      else if (headers[':path'] === '/drover.v1.AgentLinkService/Pull')
        this.pulls.put(new PeerPull(stream, headers));
      else if (headers[':path'] === '/drover.v1.AgentLinkService/Files')
        this.files.put(new PeerFiles(stream, headers));
      else this.sessions.put(new PeerSession(stream, headers));
    });
  }

  static async listen({ key, certificate }: TestIdentity, root: string): Promise<LinkPeer> {
    const server = createSecureServer({
      key,
      cert: certificate,
      ca: [root],
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      settings: { enablePush: false, initialWindowSize: 256 << 10 },
    });
    const connections = new Set<ServerHttp2Session>();
    server.on('session', (session) => {
      session.setLocalWindowSize(1 << 20);
      connections.add(session);
      session.on('close', () => connections.delete(session));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LinkPeer(server, connections, (server.address() as AddressInfo).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
