/** The page that a list call asks for. Tokens are the store's and opaque here as everywhere. */
import type { PageRequest } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import { limits } from '#protocol/limits.ts';

/** @throws RefusedError INVALID for a size over the limit. */
export function pageRequest({ pageSize, pageToken }: { pageSize: number; pageToken: string }): PageRequest {
  if (pageSize > limits.pageMax) {
    throw new RefusedError('INVALID', `a page can have ${limits.pageMax} rows at the most, not ${pageSize}`);
  }
  const size = pageSize || limits.pageDefault;
  return pageToken === '' ? { size } : { size, after: pageToken };
}
