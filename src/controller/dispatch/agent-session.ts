/**
 * One session of one agent, from its first frame to its end: checks that each frame may come now, answers heartbeats,
 * matches results with questions. It decides nothing about tasks and writes no store: its owner does.
 *
 *            Hello                welcome()
 *   hello ──────────► opening ──────────────► open
 *     │                  │                      │
 *     └──────────────────┴──────────┬───────────┘
 *        close(): with Goodbye      │      drop(): the peer misbehaved, was silent or is gone
 *                                   ▼
 *                                closed
 */
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { FrameNumbers } from '#base/frame-numbers.ts';
import { FrameWriter } from '#base/frame-writer.ts';
import { encodeFrame, FrameDecoder } from '#base/grpc-frames.ts';
import { Heartbeats } from '#base/heartbeats.ts';
import type { Logger } from '#base/log.ts';
import { silentIntervalsMax } from '#core/liveness.ts';
import {
  type AgentFrame,
  AgentFrameSchema,
  ControllerFrameSchema,
  type Event,
  type Hello,
  type Result,
  type Welcome,
  type WelcomeSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import type { HostFacts } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { NodeDeniedError, NodeGoneError, NodeRefusedError } from './dispatch.ts';
import { respondStream } from './grpc-response.ts';
import { type Answer, PendingAnswers, type StreamKind } from './pending-answers.ts';

/** Who is on the other side, as its certificate proves. */
export interface AgentPeer {
  readonly node: NodeName;
  /** SHA-256 of its public key, hex. */
  readonly keyFingerprint: string;
  /** Its public key (SubjectPublicKeyInfo), DER. */
  readonly spki: Uint8Array;
  readonly certificate: PeerCertificate;
  /** Where the connection comes from. */
  readonly address: string;
}

/** What the certificate of a connection says, besides whose it is. */
export interface PeerCertificate {
  /** Which of the node's certificates. */
  readonly generation: number;
  /** From when to when it is good, wall clock. */
  readonly beginsMs: number;
  readonly endsMs: number;
}

/** Where a session is in its life. */
export type SessionState = 'hello' | 'opening' | 'open' | 'closed';

/** The states of a session that is not over, in order. */
export const sessionStates: readonly SessionState[] = ['hello', 'opening', 'open'];

/** What a session tells its owner. None of these may throw. */
export interface SessionOwner {
  /** The agent asks to come in: answer by `welcome` or `close`. */
  onHello(session: AgentSession): void;
  /** News of a task; `bytes` is the size of its frame. */
  onEvent(session: AgentSession, event: Event, bytes: number): void;
  /** Something arrived. */
  onHeard(session: AgentSession): void;
  /** The node's host as it is now. */
  onFacts(session: AgentSession, facts: HostFacts): void;
  /** A heartbeat went there and back in so many milliseconds. */
  onRoundTrip(ms: number): void;
  /** It is over; called once. */
  onClosed(session: AgentSession): void;
}

/** What a session needs of its surroundings. */
export interface SessionOptions {
  readonly owner: SessionOwner;
  readonly clock: Clock;
  /** By which its silence is judged, milliseconds: stands still while this process does. */
  readonly now: () => number;
  /** Evenly in [0, 1), for the jitter of heartbeats. */
  readonly random: () => number;
  readonly log: Logger;
  /** Closes its socket at once, also where HTTP/2 still waits for something before it would. */
  readonly cut: () => void;
}

/** What lets an agent in. */
export type WelcomeInit = MessageInitShape<typeof WelcomeSchema> & Pick<Welcome, 'heartbeatIntervalMs'>;

/** How a session ends that the controller closes. */
export interface FarewellOptions {
  /** The agent is not to come back. Default false. */
  readonly final?: boolean;
  /** Milliseconds before its next try. Default 0: its own backoff. */
  readonly retryAfterMs?: number;
}

/** A stream that was asked for. Disposing of it gives its place to another. */
export interface OpenedStream extends Disposable {
  readonly stream: ServerHttp2Stream;
  /** Resolves with why the agent has broken it off, where it says so; may never resolve. */
  readonly refused: Promise<NodeRefusedError>;
}

type FrameKind = NonNullable<AgentFrame['kind']['case']>;

/** What may come in each state. */
const accepted: Readonly<Record<SessionState, readonly FrameKind[]>> = {
  hello: ['hello'],
  opening: [],
  open: ['event', 'result', 'heartbeat', 'facts'],
  closed: [],
};

/** How many streams of one kind a session carries at once, and what is said of more. */
const streamLimits: Readonly<Record<StreamKind, { readonly max: number; readonly excess: string }>> = {
  push: { max: limits.sessionLogStreamsMax, excess: 'of its logs are being read' },
  pull: { max: limits.sessionInputStreamsMax, excess: 'of its tasks are given input' },
  files: { max: limits.sessionFileStreamsMax, excess: 'orders about files are under way on it' },
};

/** How long a peer may take to read its Goodbye, or HTTP/2 to end the connection, before its socket is closed. */
const closeTimeoutMs = 1_000;

/** One agent's live connection. */
export class AgentSession {
  readonly peer: AgentPeer;
  readonly #owner: SessionOwner;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #log: Logger;
  readonly #cut: () => void;
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Http2Session | undefined;
  readonly #writer: FrameWriter;
  readonly #decoder = new FrameDecoder(limits.messageBytesMax);
  readonly #received = new FrameNumbers();
  /** Number of the last frame that was sent. */
  #sent = 0n;
  readonly #answers = new PendingAnswers();
  #state: SessionState = 'hello';
  #hello: Hello | undefined;
  #takesCertificates = false;
  #acknowledged = 0n;
  /** Cuts it unless Hello comes in time. */
  readonly #greetingTimeout: Disposable;
  /** From Welcome on. */
  #heartbeats: Heartbeats | undefined;
  readonly #streams: Record<StreamKind, number> = { push: 0, pull: 0, files: 0 };

  constructor(stream: ServerHttp2Stream, peer: AgentPeer, options: SessionOptions) {
    const { owner, clock, now, random, log, cut } = options;
    this.peer = peer;
    this.#owner = owner;
    this.#clock = clock;
    this.#now = now;
    this.#random = random;
    this.#log = log;
    this.#cut = cut;
    this.#stream = stream;
    this.#connection = stream.session;
    this.#writer = new FrameWriter(stream, {
      framesMax: limits.sessionQueueMax,
      bytesMax: limits.sessionQueueBytesMax,
      onOverflow: (waiting) => this.drop(`it is too slow: ${waiting} wait for it`),
    });
    this.#greetingTimeout = clock.schedule(limits.headersTimeoutMs, () => this.drop('it said no hello'));
    respondStream(stream);
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
    stream.on('end', () => this.drop('the agent ended it'));
    stream.on('error', (error) => this.drop(error.message));
    stream.on('close', () => this.drop('the connection is gone'));
  }

  get node(): NodeName {
    return this.peer.node;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether it is over, or is about to find out that its connection is gone. */
  get isCut(): boolean {
    return this.#state === 'closed' || this.#connection?.destroyed !== false;
  }

  /** What the agent says of itself while it waits to be let in; it may be large, so it is not kept after. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** Whether its agent understands TakeCertificate, once it has said Hello. */
  get takesCertificates(): boolean {
    return this.#takesCertificates;
  }

  /** The last event of this journal that is on the controller's disk. */
  get acknowledged(): bigint {
    return this.#acknowledged;
  }

  /** Lets the agent in, and begins with heartbeats. Only in state `opening`; without effect when it has closed meanwhile. */
  welcome(welcome: WelcomeInit): void {
    if (this.#state !== 'opening') return;
    this.#heartbeats = new Heartbeats({
      now: this.#now,
      random: this.#random,
      intervalMs: welcome.heartbeatIntervalMs,
      silentIntervalsMax,
      send: (sequence, answers, heldUs) => {
        this.#send({ case: 'heartbeat', value: { sequence, answers, heldUs } });
      },
      onRoundTrip: (ms) => this.#owner.onRoundTrip(ms),
      onSilence: (silentMs) => this.close(`nothing was heard of it for ${Math.round(silentMs / 1000)} s`),
    });
    this.#state = 'open';
    this.#hello = undefined;
    this.#acknowledged = welcome.acknowledgedEvent ?? 0n;
    this.#send({ case: 'welcome', value: welcome as Welcome });
  }

  /** Sends a frame that is encoded elsewhere, with the number that it is given. Lost in silence unless the session is open. */
  sendFrame(encodeNumbered: (number: bigint) => Buffer): void {
    if (this.#state === 'open') this.#writer.write(encodeNumbered(++this.#sent));
  }

  /** Resolves when everything sent so far has left, or the session is over. */
  flushed(): Promise<void> {
    return this.#writer.flushed();
  }

  /** Tells that events up to here are on disk. */
  acknowledge(event: bigint): void {
    if (this.#state !== 'open' || event <= this.#acknowledged) return;
    this.#acknowledged = event;
    this.#send({ case: 'ack', value: { event } });
  }

  /** Looks after its heartbeats: to be called every second or so. */
  tick(): void {
    if (this.#state !== 'open') return;
    // While we do not read it, the silence is ours.
    if (this.#stream.isPaused()) this.#heartbeats?.heard();
    this.#heartbeats?.tick();
  }

  /**
   * Asks something that has one Result.
   *
   * @param frame makes the frame for the id that the Result will name.
   * @throws NodeRefusedError when the node refuses, or the session ends first.
   * @throws the reason of `abort`.
   */
  async ask(frame: (commandId: bigint) => ControllerKind, abort: AbortSignal): Promise<Result> {
    const answer = await this.#ask(undefined, frame, abort);
    if (answer.kind !== 'result') throw new NodeRefusedError('the node answered with a stream');
    return answer.result;
  }

  /**
   * Asks for a stream, which is the caller's to read, to write and to close; the result is to be disposed of when it is over.
   *
   * @param order makes the frame for the id that the stream will name.
   * @throws NodeRefusedError when the node refuses, has too many such streams, or the session ends first.
   * @throws the reason of `abort`.
   */
  async open(
    kind: StreamKind,
    order: (streamId: bigint) => ControllerKind,
    abort: AbortSignal,
  ): Promise<OpenedStream> {
    const { max, excess } = streamLimits[kind];
    const count = this.#streams[kind];
    if (count >= max) throw new NodeRefusedError(`${count} ${excess}, the limit`);
    this.#streams[kind]++;
    using opening = new DisposableStack();
    opening.defer(() => void this.#streams[kind]--);
    const refused = Promise.withResolvers<NodeRefusedError>();
    const listen = (id: bigint) => {
      const hear = (result: Result) => refused.resolve(refusalOf(result));
      opening.use(this.#answers.listen(id, hear));
      return order(id);
    };
    const answer = await this.#ask(kind, listen, abort);
    if (answer.kind === 'result') throw new NodeRefusedError('the node answered without a stream');
    const opened = opening.move();
    return {
      stream: answer.stream,
      refused: refused.promise,
      [Symbol.dispose]: () => opened.dispose(),
    };
  }

  /** Takes a stream; false when nobody asked for this one, or nobody waits for it any more. */
  takeStream(kind: StreamKind, streamId: bigint, stream: ServerHttp2Stream): boolean {
    return this.#state === 'open' && this.#answers.settle(streamId, { kind, stream });
  }

  /** Reads no more from the agent until `resume`. */
  pause(): void {
    this.#stream.pause();
  }

  /** Reads on. */
  resume(): void {
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  /** Closes it and says why. Without effect when it is closed. */
  close(reason: string, { final = false, retryAfterMs = 0 }: FarewellOptions = {}): void {
    if (this.#state === 'closed') return;
    this.#send({ case: 'goodbye', value: { reason, final, retryAfterMs } });
    // Nothing more is wanted of the agent, whether it ends its side or not (RFC 9113, 8.1).
    this.#stream.once('finish', () => this.#stream.close(constants.NGHTTP2_NO_ERROR));
    this.#writer.end();
    this.resume();
    this.#over(reason);
    this.#connection?.close();
  }

  /** Cuts the connection at once. Without effect when it is closed. */
  drop(reason: string): void {
    if (this.#state === 'closed') return;
    this.#writer.discard();
    this.#over(reason);
    this.#connection?.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  #over(reason: string): void {
    this.#state = 'closed';
    const late = this.#clock.schedule(closeTimeoutMs, this.#cut);
    this.#connection?.once('close', () => late[Symbol.dispose]());
    this.#greetingTimeout[Symbol.dispose]();
    this.#answers.rejectAll(new NodeGoneError(`its session ended before it answered: ${reason}`));
    this.#log.info({ node: this.node, address: this.peer.address, reason }, 'session closed');
    this.#owner.onClosed(this);
  }

  #take(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    this.#heartbeats?.heard();
    this.#owner.onHeard(this);
    try {
      for (const message of this.#decoder.push(bytes)) {
        const frame = fromBinary(AgentFrameSchema, message, { readUnknownFields: false });
        this.#received.take(frame.number);
        this.#accept(frame.kind, message.length);
      }
    } catch (error) {
      this.#misbehaved(error instanceof Error ? error.message : String(error));
    }
  }

  #accept(kind: AgentFrame['kind'], bytes: number): void {
    if (this.#state === 'closed') return;
    if (!kind.case || !accepted[this.#state].includes(kind.case)) {
      this.#misbehaved(`a frame of kind ${kind.case ?? 'unknown'} came in state ${this.#state}`);
      return;
    }
    switch (kind.case) {
      case 'hello':
        this.#state = 'opening';
        this.#greetingTimeout[Symbol.dispose]();
        this.#hello = kind.value;
        this.#takesCertificates = kind.value.takesCertificates;
        this.#owner.onHello(this);
        return;
      case 'event':
        this.#owner.onEvent(this, kind.value, bytes);
        return;
      case 'heartbeat':
        this.#heartbeats?.received(kind.value);
        return;
      case 'facts':
        if (bytes > limits.factsBytesMax) this.#misbehaved(`its facts have ${bytes} bytes`);
        else this.#owner.onFacts(this, kind.value);
        return;
      case 'result':
        this.#settle(kind.value);
    }
  }

  #settle(result: Result): void {
    if (!this.#answers.knows(result.commandId)) {
      this.#misbehaved(`a result came for command ${result.commandId}, which was never sent`);
      return;
    }
    this.#answers.settle(result.commandId, { kind: 'result', result });
  }

  #misbehaved(reason: string): void {
    this.#log.warn({ node: this.node, address: this.peer.address, reason }, 'agent misbehaved');
    this.drop(`the agent misbehaved: ${reason}`);
  }

  async #ask(
    stream: StreamKind | undefined,
    frame: (id: bigint) => ControllerKind,
    abort: AbortSignal,
  ): Promise<Answer> {
    if (this.#state !== 'open') throw new NodeGoneError('the node is not connected');
    const { id, answer } = this.#answers.ask(stream, abort);
    if (!abort.aborted) this.#send(frame(id));
    const settled = await answer;
    if (settled.kind === 'result' && settled.result.error !== '') throw refusalOf(settled.result);
    return settled;
  }

  #send(kind: ControllerKind): void {
    this.#writer.write(encode(kind, ++this.#sent));
  }
}

/** What a frame of the controller can be. */
export type ControllerKind = NonNullable<MessageInitShape<typeof ControllerFrameSchema>['kind']>;

function refusalOf({ error, denied }: Result): NodeRefusedError {
  return denied ? new NodeDeniedError(error) : new NodeRefusedError(error);
}

function encode(kind: ControllerKind, number: bigint): Buffer {
  return encodeFrame(toBinary(ControllerFrameSchema, create(ControllerFrameSchema, { kind, number })));
}
