/**
 * One session of an agent with its controller, from Hello to its end, as link.proto has it. Does not connect and does
 * not try again: connect-link.ts and keep-linked.ts do.
 *
 *   greeting ──Welcome──► open ──Goodbye, silence, close, misbehaviour──► closed
 *       └──────Goodbye, close, 10 s, misbehaviour────────────────────────────▲
 */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { RefusedOrderError, type Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import { FrameNumbers } from '#base/frame-numbers.ts';
import { FrameWriter } from '#base/frame-writer.ts';
import { encodeFrame, FrameDecoder, FrameError } from '#base/grpc-frames.ts';
import { Heartbeats } from '#base/heartbeats.ts';
import { silentIntervalsMax } from '#core/liveness.ts';
import {
  type AgentFrame,
  AgentFrameSchema,
  type ControllerFrame,
  ControllerFrameSchema,
  type Goodbye,
  HeartbeatSchema,
  HelloSchema,
  type OpenFiles,
  type OpenInput,
  type OpenLog,
  type Result,
  ResultSchema,
  type TakeCertificate,
  type Welcome,
} from '#protocol/gen/drover/v1/link_pb.ts';
import type { HostFacts } from '#protocol/gen/drover/v1/node_pb.ts';
import { limits } from '#protocol/limits.ts';
import { linkProtocolVersion } from '#protocol/version.ts';
import { carryFiles } from './carry-files.ts';
import { carryOutOrder, failedResult } from './carry-out-order.ts';
import type { Link } from './connect-link.ts';
import { EventFeed } from './event-feed.ts';
import { linkRequestHeaders } from './link-request.ts';
import { pullInput } from './pull-input.ts';
import { pushLog } from './push-log.ts';
import { PushPace } from './push-pace.ts';

/** What a session is made of. */
export interface LinkSessionParts {
  readonly workload: Workload;
  readonly clock: Clock;
  /** The host, as of the beginning of this session. */
  readonly facts: HostFacts;
  /** Reads the facts anew. Never rejects. */
  readonly readFacts: () => Promise<HostFacts>;
  /** Dispatches "change" when the facts are worth telling again at once. */
  readonly factsChanged?: EventTarget;
  /** The agent's version. */
  readonly version: string;
  /** Evenly in [0, 1), for the jitter of heartbeats. */
  readonly random: () => number;
  /** Called at most once, when the controller has let us in. */
  readonly onWelcome: (welcome: Welcome) => void;
  /** Uses another certificate (DER, leaf first) from now on; on disk when it resolves. Absent: none is taken. */
  readonly takeCertificate?: (certificates: readonly Uint8Array[]) => Promise<void>;
}

/** How a session, or the try to have one, ended. */
export interface LinkEnd {
  /** Why, one line for the log. */
  readonly reason: string;
  /** Whether there was a Welcome. */
  readonly welcomed: boolean;
  /** Whether there was no session because nobody listens there. */
  readonly refused?: boolean;
  /** Whether to try no more, although no Goodbye said so. */
  readonly final?: boolean;
  /** What the controller said, where it said so. */
  readonly goodbye?: Goodbye;
}

/** How long the end of a connection may take before its socket is closed without ceremony, milliseconds. */
const closeTimeoutMs = 1_000;

/** A live session. Owns the connection that it is given. */
export class LinkSession {
  readonly #connection: ClientHttp2Session;
  readonly #cut: () => void;
  readonly #stream: ClientHttp2Stream;
  readonly #parts: LinkSessionParts;
  readonly #writer: FrameWriter;
  readonly #decoder = new FrameDecoder(limits.messageBytesMax);
  readonly #received = new FrameNumbers();
  /** Number of the last frame that was sent. */
  #sent = 0n;
  readonly #ended = Promise.withResolvers<LinkEnd>();
  /** Aborts when the session ends, and what it pushes with it. */
  readonly #over = new AbortController();
  readonly #pace: PushPace;
  readonly #greetingTimeout: Disposable;
  #heartbeats: Heartbeats | undefined;
  #beat: Disposable | undefined;
  #telling: Disposable | undefined;
  #feed: EventFeed | undefined;
  #linked: Disposable | undefined;
  #pushes = 0;
  #pulls = 0;
  #fileStreams = 0;

  /** Opens the request and says Hello. */
  constructor({ connection, cut }: Link, parts: LinkSessionParts) {
    this.#connection = connection;
    this.#cut = cut;
    this.#parts = parts;
    this.#stream = connection.request(linkRequestHeaders('Session'));
    this.#writer = new FrameWriter(this.#stream, {
      framesMax: limits.sessionQueueMax,
      bytesMax: limits.linkBufferBytesMax,
      onRoom: () => this.#feed?.resume(),
      onOverflow: (waiting) => this.close(`the controller is too slow: ${waiting} wait for it`),
    });
    this.#pace = new PushPace({ clock: parts.clock, ping: (answered) => this.#ping(answered) });
    this.#greetingTimeout = parts.clock.schedule(limits.handshakeTimeoutMs, () => {
      this.close(`no welcome came within ${limits.handshakeTimeoutMs / 1000} s`);
    });
    this.#attach();
    this.#sayHello();
  }

  /** Resolves when nothing is left of the session. */
  get ended(): Promise<LinkEnd> {
    return this.#ended.promise;
  }

  /** Ends the session, for `reason`. Twice is once: the first reason stands. */
  close(reason: string, goodbye?: Goodbye): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#greetingTimeout[Symbol.dispose]();
    this.#beat?.[Symbol.dispose]();
    this.#telling?.[Symbol.dispose]();
    this.#feed?.[Symbol.dispose]();
    this.#linked?.[Symbol.dispose]();
    const end = { reason, welcomed: this.#heartbeats !== undefined, ...(goodbye && { goodbye }) };
    // HTTP/2 may wait for a write to a peer that is gone; an agent must not be without a session for as long as that.
    const late = this.#parts.clock.schedule(closeTimeoutMs, () => {
      this.#cut();
      this.#ended.resolve(end);
    });
    this.#connection.once('close', () => {
      late[Symbol.dispose]();
      this.#ended.resolve(end);
    });
    if (this.#connection.closed && this.#connection.destroyed) this.#ended.resolve(end);
    this.#connection.destroy();
  }

  #attach(): void {
    const gone = () => this.close(this.#goneReason());
    this.#stream.on('response', (headers) => {
      const status = headers[':status'];
      if (status !== 200) this.close(`the controller answered with HTTP ${status}`);
    });
    this.#stream.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#stream.on('end', gone);
    this.#stream.on('error', (error) => this.close(`the connection broke: ${error.message}`));
    this.#stream.on('close', gone);
    this.#connection.on('close', gone);
  }

  #goneReason(): string {
    return this.#heartbeats
      ? 'the controller closed the session'
      : "the controller closed the connection without a word: it does not take this node's certificate, or it is stopping";
  }

  #sayHello(): void {
    const { workload, version, facts } = this.#parts;
    const { journalId, lastEvent, tasks } = workload.held();
    const hello = create(HelloSchema, {
      protocol: linkProtocolVersion,
      version,
      journalId,
      lastEvent,
      tasks: tasks.slice(0, limits.agentHeldMax),
      facts,
      takesCertificates: this.#parts.takeCertificate !== undefined,
    });
    this.#send({ case: 'hello', value: hello });
  }

  #send(kind: AgentFrame['kind']): void {
    if (this.#over.signal.aborted) return;
    const frame = create(AgentFrameSchema, { kind, number: ++this.#sent });
    this.#writer.write(encodeFrame(toBinary(AgentFrameSchema, frame)));
  }

  #take(bytes: Buffer): void {
    this.#heartbeats?.heard();
    try {
      for (const message of this.#decoder.push(bytes)) this.#takeFrame(decodeFrame(message));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(`the controller broke the protocol: ${error.message}`);
    }
  }

  #takeFrame({ kind, number }: ControllerFrame): void {
    if (this.#over.signal.aborted) return;
    this.#received.take(number);
    if (kind.case === 'goodbye') this.close(kind.value.reason, kind.value);
    else if (kind.case === 'welcome') this.#open(kind.value);
    else if (this.#heartbeats) this.#takeOrder(kind, this.#heartbeats);
    else throw new FrameError(`${kind.case ?? 'an unknown frame'} came before welcome`);
  }

  #takeOrder(kind: ControllerFrame['kind'], heartbeats: Heartbeats): void {
    const { workload } = this.#parts;
    switch (kind.case) {
      case 'heartbeat':
        heartbeats.received(kind.value);
        break;
      case 'ack':
        workload.acknowledge(kind.value.event);
        break;
      case 'start':
        workload.start(kind.value);
        break;
      case 'openLog':
        void this.#push(kind.value);
        break;
      case 'openInput':
        void this.#pull(kind.value);
        break;
      case 'openFiles':
        void this.#carryFiles(kind.value);
        break;
      case 'takeCertificate':
        void this.#takeCertificate(kind.value);
        break;
      case 'signal':
      case 'stop':
      case 'askUsage':
      case 'askSamples':
        void carryOutOrder(kind, workload).then((result) => this.#sendResult(result));
        break;
      default:
        throw new FrameError('a frame of no known kind came');
    }
  }

  #open(welcome: Welcome): void {
    if (this.#heartbeats) throw new FrameError('a second welcome came');
    if (welcome.protocol !== linkProtocolVersion) {
      throw new FrameError(`welcome is to version ${welcome.protocol}, not ${linkProtocolVersion}`);
    }
    if (welcome.heartbeatIntervalMs === 0) throw new FrameError('welcome names no heartbeat interval');
    const { workload, clock, random, onWelcome } = this.#parts;
    this.#heartbeats = new Heartbeats({
      now: () => clock.monotonicMs(),
      random,
      intervalMs: welcome.heartbeatIntervalMs,
      silentIntervalsMax,
      send: (sequence, answers, heldUs) => {
        this.#send({ case: 'heartbeat', value: create(HeartbeatSchema, { sequence, answers, heldUs }) });
      },
      onSilence: (ms) => this.close(`nothing came from the controller for ${(ms / 1000).toFixed(1)} s`),
    });
    this.#greetingTimeout[Symbol.dispose]();
    this.#linked = workload.linked();
    onWelcome(welcome);
    if (welcome.acknowledgedEvent > 0n) workload.acknowledge(welcome.acknowledgedEvent);
    const writer = this.#writer;
    this.#feed = new EventFeed(workload, welcome.acknowledgedEvent, {
      get crowded() {
        return writer.crowded;
      },
      send: (value) => this.#send({ case: 'event', value }),
    });
    this.#keepBeating(this.#heartbeats);
    if (welcome.factsIntervalMs > 0) this.#keepTelling(welcome.factsIntervalMs);
    const { signal } = this.#over;
    this.#parts.factsChanged?.addEventListener('change', () => void this.#tellFacts(), { signal });
  }

  async #tellFacts(): Promise<void> {
    const value = await this.#parts.readFacts();
    if (!this.#over.signal.aborted) this.#send({ case: 'facts', value });
  }

  /** The first time at any moment of the interval: a herd that came together does not tell together. */
  #keepTelling(intervalMs: number, firstMs = intervalMs * this.#parts.random()): void {
    const { clock } = this.#parts;
    this.#telling = clock.schedule(firstMs, async () => {
      await this.#tellFacts();
      if (!this.#over.signal.aborted) this.#keepTelling(intervalMs, intervalMs);
    });
  }

  #keepBeating(heartbeats: Heartbeats): void {
    const waitMs = heartbeats.tick();
    if (this.#over.signal.aborted) return;
    this.#beat = this.#parts.clock.schedule(waitMs, () => this.#keepBeating(heartbeats));
  }

  async #push(order: OpenLog): Promise<void> {
    if (this.#pushes >= limits.sessionLogStreamsMax) {
      const error = `this node already sends ${limits.sessionLogStreamsMax} logs`;
      return this.#sendResult(failedResult(order.streamId, new RefusedOrderError(error)));
    }
    this.#pushes += 1;
    const { workload, clock } = this.#parts;
    try {
      const pushing = { connection: this.#connection, workload, clock, pace: this.#pace };
      await pushLog(order, pushing, this.#over.signal);
    } catch (error) {
      this.#sendResult(failedResult(order.streamId, error));
    } finally {
      this.#pushes -= 1;
    }
  }

  /** `answered` is called in any case, so that nobody waits for a connection that is gone. */
  #ping(answered: () => void): void {
    if (this.#connection.destroyed || !this.#connection.ping(answered)) setImmediate(answered);
  }

  async #pull(order: OpenInput): Promise<void> {
    if (this.#pulls >= limits.sessionInputStreamsMax) {
      const error = `${limits.sessionInputStreamsMax} tasks of this node already take input`;
      return this.#sendResult(failedResult(order.streamId, new RefusedOrderError(error)));
    }
    this.#pulls += 1;
    const { workload, clock } = this.#parts;
    try {
      await pullInput(order, { connection: this.#connection, workload, clock }, this.#over.signal);
    } catch (error) {
      this.#sendResult(failedResult(order.streamId, error));
    } finally {
      this.#pulls -= 1;
    }
  }

  async #carryFiles(order: OpenFiles): Promise<void> {
    if (this.#fileStreams >= limits.sessionFileStreamsMax) {
      const error = `this node already carries out ${limits.sessionFileStreamsMax} orders about files`;
      return this.#sendResult(failedResult(order.streamId, new RefusedOrderError(error)));
    }
    this.#fileStreams += 1;
    const { workload, clock } = this.#parts;
    try {
      await carryFiles(order, { connection: this.#connection, workload, clock }, this.#over.signal);
    } catch (error) {
      this.#sendResult(failedResult(order.streamId, error));
    } finally {
      this.#fileStreams -= 1;
    }
  }

  async #takeCertificate({ commandId, certificates }: TakeCertificate): Promise<void> {
    try {
      await this.#parts.takeCertificate?.(certificates);
      this.#sendResult(create(ResultSchema, { commandId }));
    } catch (error) {
      this.#sendResult(failedResult(commandId, error));
    }
  }

  #sendResult(result: Result): void {
    this.#send({ case: 'result', value: result });
  }
}

function decodeFrame(message: Uint8Array): ControllerFrame {
  try {
    return fromBinary(ControllerFrameSchema, message);
  } catch (error) {
    throw new FrameError('a frame cannot be decoded', { cause: error });
  }
}
