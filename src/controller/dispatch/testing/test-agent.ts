/**
 * The agent's side of the link, by hand, for tests of the controller's: it sends exactly what it is told, right or wrong, and keeps
 * what comes.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { encodeFrame, FrameDecoder, grpcContentType } from '#base/grpc-frames.ts';
import {
  AgentFrameSchema,
  type ControllerFrame,
  ControllerFrameSchema,
  type FilesDown,
  FilesDownSchema,
  FilesUpSchema,
  type HelloSchema,
  type InputFrame,
  InputFrameSchema,
  InputTakenSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { type AttemptSchema, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import type { TestIdentity } from './test-certificates.ts';

type ControllerKind = ControllerFrame['kind'];
type KindName = NonNullable<ControllerKind['case']>;
type KindValue<K extends KindName> = Extract<ControllerKind, { case: K }>['value'];
type AgentKind = NonNullable<MessageInitShape<typeof AgentFrameSchema>['kind']>;

/** One connection with a session on it. */
export class TestAgent implements AsyncDisposable {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly http2: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  readonly #frames: ControllerKind[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  private constructor(http2: ClientHttp2Session) {
    this.http2 = http2;
    this.closed = new Promise((resolve) =>
      http2.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      }),
    );
    http2.on('error', () => {});
    this.stream = this.request('Session');
    const decoder = new FrameDecoder(limits.messageBytesMax);
    this.stream.on('data', (bytes: Buffer) => {
      for (const message of decoder.push(bytes)) {
        this.#frames.push(fromBinary(ControllerFrameSchema, message).kind);
      }
      this.#wake();
    });
    this.stream.on('end', () => http2.close());
  }

  /** Connects to `address` (HOST:PORT) and opens the session; says nothing yet. */
  static connect(address: string, { ca, cert, key }: TestIdentity): TestAgent {
    const http2 = connect(`https://${address}`, {
      ca,
      cert,
      key,
      servername: controllerServerName,
      settings: { enablePush: false },
    });
    return new TestAgent(http2);
  }

  /** Connects, says Hello, and waits for Welcome. */
  static async join(
    address: string,
    identity: TestIdentity,
    hello: MessageInitShape<typeof HelloSchema> = {},
  ): Promise<TestAgent> {
    const agent = TestAgent.connect(address, identity);
    agent.hello(hello);
    await agent.next('welcome');
    return agent;
  }

  /** Every frame that has not been taken by `next`. */
  get frames(): readonly ControllerKind[] {
    return this.#frames;
  }

  /** The next frame of a kind; others stay. @throws when the connection closes first. */
  async next<K extends KindName>(kind: K): Promise<KindValue<K>> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.case === kind);
      const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
      if (frame) return frame.value as KindValue<K>;
      if (this.#isClosed) throw new Error(`the connection closed before a ${kind} came`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Begins a request of the link's service. */
  request(method: string, headers: Record<string, string> = {}): ClientHttp2Stream {
    const stream = this.http2.request({
      ':method': 'POST',
      ':path': `/drover.v1.AgentLinkService/${method}`,
      'content-type': grpcContentType,
      ...headers,
    });
    stream.on('error', () => {});
    return stream;
  }

  hello(hello: MessageInitShape<typeof HelloSchema> = {}): void {
    const value = { protocol: 1, version: '0', journalId: 'journal', ...hello };
    this.send({ case: 'hello', value });
  }

  send(kind: AgentKind): void {
    this.sendBytes(encodeFrame(toBinary(AgentFrameSchema, create(AgentFrameSchema, { kind }))));
  }

  sendBytes(bytes: Uint8Array): void {
    this.stream.write(bytes);
  }

  event(sequence: number, taskId: string, attempt: MessageInitShape<typeof AttemptSchema>): void {
    this.send({
      case: 'event',
      value: { sequence: BigInt(sequence), taskId, attempt: { number: 1, ...attempt } },
    });
  }

  /** Opens the stream that OpenLog asked for. */
  push(streamId: bigint): TestPush {
    return new TestPush(this.request('Push', { 'drover-stream': String(streamId) }));
  }

  /** Opens the request that OpenInput asked for. */
  pull(streamId: bigint): TestPull {
    return new TestPull(this.request('Pull', { 'drover-stream': String(streamId) }));
  }

  /** Opens the request that OpenFiles asked for. */
  files(streamId: bigint): TestFiles {
    return new TestFiles(this.request('Files', { 'drover-stream': String(streamId) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.http2.destroy();
    await this.closed;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Input on its way from the controller. */
export class TestPull {
  readonly stream: ClientHttp2Stream;
  readonly #frames: (InputFrame['kind'] | 'end')[] = [];
  #news = Promise.withResolvers<void>();

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    const decoder = new FrameDecoder(limits.messageBytesMax);
    const put = (frame: InputFrame['kind'] | 'end') => {
      this.#frames.push(frame);
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    };
    stream.on('data', (bytes: Buffer) => {
      for (const message of decoder.push(bytes)) put(fromBinary(InputFrameSchema, message).kind);
    });
    stream.on('end', () => put('end'));
  }

  /** Bytes of input that have come and were not taken by `next`. */
  get waiting(): number {
    const sizes = this.#frames.map((frame) =>
      frame !== 'end' && frame.case === 'data' ? frame.value.data.length : 0,
    );
    return sizes.reduce((a, b) => a + b, 0);
  }

  /** Resets it; close() would end it first, which says that no more is taken. */
  breakOff(): void {
    this.stream.destroy(new Error('broken off'));
  }

  taken(offset: bigint): void {
    const message = toBinary(InputTakenSchema, create(InputTakenSchema, { offset }));
    this.stream.write(encodeFrame(message));
  }

  /** What comes next; "end" where the controller has ended it. */
  async next(): Promise<InputFrame['kind'] | 'end'> {
    for (;;) {
      const [frame] = this.#frames.splice(0, 1);
      if (frame) return frame;
      await this.#news.promise;
    }
  }

  end(): void {
    this.stream.end();
  }
}

/** Files on their way to or from the controller. */
export class TestFiles {
  readonly stream: ClientHttp2Stream;
  readonly #frames: (FilesDown['kind'] | 'end')[] = [];
  #news = Promise.withResolvers<void>();

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
  }

  /** Begins to take what the controller sends; until then it has to wait. */
  read(): void {
    const decoder = new FrameDecoder(limits.messageBytesMax);
    const put = (frame: FilesDown['kind'] | 'end') => {
      this.#frames.push(frame);
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    };
    this.stream.on('data', (bytes: Buffer) => {
      for (const message of decoder.push(bytes)) put(fromBinary(FilesDownSchema, message).kind);
    });
    this.stream.on('end', () => put('end'));
  }

  /** What comes next; "end" where the controller has ended it. */
  async next(): Promise<FilesDown['kind'] | 'end'> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) return frame;
      await this.#news.promise;
    }
  }

  /** Sends a frame; false when the stream wants no more for now. */
  send(kind: MessageInitShape<typeof FilesUpSchema>['kind']): boolean {
    const frame = create(FilesUpSchema, kind ? { kind } : {});
    return this.stream.write(encodeFrame(toBinary(FilesUpSchema, frame)));
  }

  end(): void {
    this.stream.end();
  }
}

/** A log on its way to the controller. */
export class TestPush {
  readonly stream: ClientHttp2Stream;
  /** gRPC status of the answer, from its headers or trailers. */
  readonly status: Promise<string | undefined>;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    this.status = new Promise((resolve) => {
      stream.on('response', (headers) => {
        if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
      });
      stream.on('trailers', (headers) => resolve(String(headers['grpc-status'])));
      stream.on('close', () => resolve(undefined));
    });
    stream.resume();
  }

  /** Sends a chunk; false when the stream wants no more for now. */
  chunk(chunk: MessageInitShape<typeof LogChunkSchema>): boolean {
    const message = create(LogChunkSchema, { attempt: 1, ...chunk });
    return this.stream.write(encodeFrame(toBinary(LogChunkSchema, message)));
  }

  end(): void {
    this.stream.end();
  }
}
