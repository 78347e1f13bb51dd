/**
 * Lets connections into their TLS handshakes, a few at a time: each costs milliseconds and holds memory meanwhile, so of
 * ten thousand that began together none would be over before its agent gives up. Knows no TLS.
 *
 *   accepted ──first bytes──► waiting ──a place──► begun ──over, gone, or slow──► its place is free
 *       └──silent──► closed ◄──too long─┘
 *
 * Who sends nothing takes no place, and who is slow loses its place, though not its connection: neither holds up the others. An address
 * that has failed often has few places, and the others go past it.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';
import { FailedHandshakes, networkOf } from './failed-handshakes.ts';

/** How long a handshake keeps its place, milliseconds: three times what it takes while all places are taken. */
const placeMs = 500;

/** What the queue needs. */
export interface HandshakeQueueOptions {
  readonly clock: Clock;
  /** Begins the handshake on a connection, whose first bytes are in its buffer. */
  readonly begin: (socket: Socket) => void;
}

/** Either end of a connection, by which what goes on in TLS finds its socket again. */
type Endpoint = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** Who waits, and who has a place. */
export class HandshakeQueue {
  readonly #options: HandshakeQueueOptions;
  /** Oldest first, with the timer that gives each up. */
  readonly #waiting = new Map<Socket, Disposable>();
  /** By endpoint, with the timer that takes each away. */
  readonly #places = new Map<string, { readonly slow: Disposable; readonly network: string }>();
  readonly #failed: FailedHandshakes;

  constructor(options: HandshakeQueueOptions) {
    this.#options = options;
    this.#failed = new FailedHandshakes(options.clock);
  }

  /** Takes a connection that was accepted and not read. */
  add(socket: Socket): void {
    const endpoint = nameOf(socket);
    const tooLong = this.#options.clock.schedule(limits.handshakeTimeoutMs, () => {
      this.#failed.note(socket.remoteAddress);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      tooLong[Symbol.dispose]();
      this.#waiting.delete(socket);
      this.#free(endpoint);
    });
    socket.once('readable', () => {
      if (socket.destroyed) return;
      this.#waiting.set(socket, tooLong);
      this.#beginNext();
    });
  }

  /** The handshake of that connection has come to its end. */
  over(connection: Endpoint): void {
    this.#free(nameOf(connection));
  }

  /** It has failed. */
  failed(connection: Endpoint): void {
    this.#failed.note(connection.remoteAddress);
    this.over(connection);
  }

  #beginNext(): void {
    for (const [socket, tooLong] of this.#waiting) {
      if (this.#places.size >= limits.linkHandshakesMax) return;
      if (!this.#hasRoomFor(socket)) continue;
      this.#waiting.delete(socket);
      tooLong[Symbol.dispose]();
      const endpoint = nameOf(socket);
      const slow = this.#options.clock.schedule(placeMs, () => this.#free(endpoint));
      this.#places.set(endpoint, { slow, network: networkOf(socket.remoteAddress) });
      this.#options.begin(socket);
    }
  }

  #hasRoomFor({ remoteAddress }: Socket): boolean {
    if (!this.#failed.isSuspect(remoteAddress)) return true;
    const network = networkOf(remoteAddress);
    const taken = this.#places.values().filter((place) => place.network === network);
    return [...taken].length < limits.suspectHandshakesMax;
  }

  #free(endpoint: string): void {
    const place = this.#places.get(endpoint);
    if (!place) return;
    place.slow[Symbol.dispose]();
    this.#places.delete(endpoint);
    this.#beginNext();
  }
}

function nameOf({ remoteAddress, remotePort }: Endpoint): string {
  return `${remoteAddress} ${remotePort}`;
}
