/**
 * A bad network between two programs on this machine: listens on loopback, and hands bytes on to one address, later, slower, one
 * way only, or not at all. Reads none of them; frame-proxy.ts does.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from '#base/host-port.ts';
import { carry } from './pipe.ts';
import { Weather } from './weather.ts';

/** A network that is open. Dispose of it to end every connection and free the port. */
export class TcpProxy implements AsyncDisposable {
  #up = new Weather();
  #down = new Weather();
  readonly #target: HostPort;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #dialled = 0;

  private constructor(target: HostPort) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connect(socket));
  }

  /** Opens it on a free port. */
  static async start(target: HostPort): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.accept();
    return proxy;
  }

  /** From those who dial to the target. */
  get up(): Weather {
    return this.#up;
  }

  /** Back. */
  get down(): Weather {
    return this.#down;
  }

  /** Where to dial. */
  get address(): HostPort {
    return { host: '127.0.0.1', port: this.#port };
  }

  /** How often it was dialled. */
  get dialled(): number {
    return this.#dialled;
  }

  /** Takes connections, on the port that it had. */
  async accept(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection, and refuses new ones until `accept`. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Closes every connection at once, whatever is under way. Gives how many there were. */
  cut(): number {
    const ends = this.#sockets.size;
    // Not resetAndDestroy(): where an end is under way, that fails and leaves the socket open for ever.
    for (const socket of this.#sockets) socket.destroy();
    return ends / 2;
  }

  /** Forgets every connection without a word, as a router that restarts does: what they send is lost, new ones have fair weather. */
  strand(): void {
    this.#up.flow = 'lose';
    this.#down.flow = 'lose';
    this.#up = new Weather();
    this.#down = new Weather();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.refuse();
    else this.cut();
  }

  #connect(near: Socket): void {
    this.#dialled += 1;
    const far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    near.setNoDelay(true);
    const over = new AbortController();
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        // What is on its way to the other is delivered first, as is the news that this one is gone: see carry().
        if (other.destroyed) over.abort();
      });
    }
    void carry(near, far, this.#up, over.signal);
    void carry(far, near, this.#down, over.signal);
  }
}
