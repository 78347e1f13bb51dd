/** HOST:PORT, as options and messages carry it; an IPv6 address stands in brackets. */

/** Where something listens. */
export interface HostPort {
  /** A name or an address, without brackets; may be empty where the text allows it. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:\s/]*)):([0-9]{1,5})$/;

/** Reads "HOST:PORT", "[ADDRESS]:PORT" or ":PORT"; undefined when `text` is none of them. */
export function parseHostPort(text: string): HostPort | undefined {
  const [, address, name = '', digits] = pattern.exec(text) ?? [];
  const port = Number(digits);
  return digits !== undefined && port <= 65_535 ? { host: address ?? name, port } : undefined;
}

/** The text that `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
