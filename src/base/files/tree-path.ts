/** Paths of entries, and of what people ask for, as their components. Opens nothing. */
import { limits } from '#protocol/limits.ts';
import { FileError } from './file-error.ts';

/** Bytes of one name. @see NAME_MAX in linux/limits.h */
const nameBytesMax = 255;

/**
 * Components of an entry's path, at least one.
 *
 * @throws FileError for one that is absolute, has "..", ".", an empty or an overlong component, or is too long or deep.
 */
export function parseTreePath(path: string): readonly string[] {
  if (path.length > limits.filePathBytesMax || Buffer.byteLength(path) > limits.filePathBytesMax) {
    throw new FileError(`is longer than ${limits.filePathBytesMax} bytes`);
  }
  const parts = path.split('/');
  if (parts.length > limits.fileDepthMax)
    throw new FileError(`is deeper than ${limits.fileDepthMax} directories`);
  for (const part of parts) requireName(part);
  return parts;
}

function requireName(part: string): void {
  if (part === '') throw new FileError('is absolute, or has an empty component');
  if (part === '.' || part === '..') throw new FileError(`has "${part}" in it`);
  if (part.includes('\0')) throw new FileError('has a NUL byte in it');
  if (part.length > nameBytesMax || Buffer.byteLength(part) > nameBytesMax)
    throw new FileError('name too long');
}

/** A path as a person writes it: absolute, or relative to somewhere. */
export interface AskedPath {
  readonly absolute: boolean;
  /** Without empty components and "."; none for the beginning itself. */
  readonly parts: readonly string[];
}

/** @throws FileError for ".." and what no file can be named. */
export function parseAskedPath(path: string): AskedPath {
  const absolute = path.startsWith('/');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > 0) parseTreePath(parts.join('/'));
  return { absolute, parts };
}

/** The name in `bytes`. @throws FileError where they are no UTF-8. */
export function decodeName(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  // Not by a decoder that throws: this is a tenth of its cost, and every name comes here.
  if (name.includes('\ufffd') && !Buffer.from(name).equals(bytes))
    throw new FileError('its name is no UTF-8');
  return name;
}
