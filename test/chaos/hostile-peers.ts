/** Connections of peers that mean harm, or are broken: each does its one thing until it is cut. None of them reads. */
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { LinkCredentials } from '#agent/session/connect-link.ts';
import type { HostPort } from '#base/host-port.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';

/** One of them. */
export interface HostilePeer {
  readonly what: string;
  /** How long it lived, milliseconds; undefined while it lives. */
  livedMs: number | undefined;
  readonly socket: Socket;
}

/** What one does with its connection, once that is there. */
type Behaviour = (socket: Socket) => void;

/** Whom they attack, and with what. */
export interface Targets {
  readonly api: HostPort;
  readonly agents: HostPort;
  /** The cluster's root, PEM. */
  readonly root: string;
  /** Those of a node that has turned. */
  readonly credentials: LinkCredentials;
}

/** A slow-loris sends a byte so often. */
const dripMs = 1_000;

/** RFC 9113, 3.4, with empty settings. */
const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** The head of a TLS record of a ClientHello of 512 bytes, of which no more than drops will come. */
const beginningOfHandshake = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

const garbage: Behaviour = (socket) => socket.write(randomBytes(4_096));
const silence: Behaviour = () => {};

/** Sends `start` at once, and then a byte every second. */
function drip(start: Uint8Array | string): Behaviour {
  return (socket) => {
    socket.write(start);
    const timer = setInterval(() => socket.write('a'), dripMs);
    socket.once('close', () => clearInterval(timer));
  };
}

/** Every kind, by what it does. */
function kindsOf({ api, agents, root, credentials }: Targets): Readonly<Record<string, () => Socket>> {
  const tcp = (target: HostPort, behave: Behaviour) => () => {
    const socket = connectTcp(target);
    socket.once('connect', () => behave(socket));
    return socket;
  };
  const tls =
    (target: HostPort, protocol: string, behave: Behaviour, more: ConnectionOptions = {}) =>
    () => {
      const trust = { ca: root, servername: controllerServerName, ALPNProtocols: [protocol] };
      const socket = connectTls({ ...target, ...trust, ...more });
      socket.once('secureConnect', () => behave(socket));
      return socket;
    };
  const asNode = { key: credentials.key, cert: credentials.certificate };
  const head = 'POST /drover.v1.JoinService/Join HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\n';
  const body = Buffer.alloc(4 * limits.anonymousRequestBytesMax);
  const oversized = Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body]);
  return {
    'says nothing to the API': tcp(api, silence),
    'says nothing to the agents': tcp(agents, silence),
    'sends garbage to the API': tcp(api, garbage),
    'sends garbage to the agents': tcp(agents, garbage),
    'shakes hands slowly with the API': tcp(api, drip(beginningOfHandshake)),
    'shakes hands slowly with the agents': tcp(agents, drip(beginningOfHandshake)),
    'has a handshake with the API and nothing to say': tls(api, 'h2', silence),
    'asks for nothing of the API': tls(api, 'h2', (socket) => socket.write(http2Preface)),
    'sends the API garbage within TLS': tls(api, 'h2', garbage),
    'sends its headers slowly': tls(api, 'http/1.1', drip('GET / HTTP/1.1\r\nx: ')),
    'sends too large a body': tls(api, 'http/1.1', (socket) => socket.write(oversized)),
    'is a node, and asks for nothing': tls(agents, 'h2', (socket) => socket.write(http2Preface), asNode),
    'is a node, and sends garbage': tls(agents, 'h2', garbage, asNode),
  };
}

/** Opens so many, of every kind as many as of the others. */
export function attack(targets: Targets, count: number): HostilePeer[] {
  const kinds = Object.entries(kindsOf(targets));
  return Array.from({ length: count }, (_, i) => {
    const [what, open] = kinds[i % kinds.length] as (typeof kinds)[number];
    const [socket, openedMs] = [open(), performance.now()];
    const peer: HostilePeer = { what, livedMs: undefined, socket };
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.resume();
    socket.once('close', () => {
      peer.livedMs = performance.now() - openedMs;
    });
    return peer;
  });
}
