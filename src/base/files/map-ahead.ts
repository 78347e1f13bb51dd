/** Work on a list in its order, some of it ahead of whoever takes the results. */

/**
 * What `work` makes of each item, in their order, with at most `ahead` under way. Whoever stops taking waits for those.
 *
 * @param work must not reject.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for (const item of items) {
      underWay.push(work(item));
      if (underWay.length >= ahead) yield await (underWay.shift() as Promise<R>);
    }
    for (let next = underWay.shift(); next; next = underWay.shift()) yield await next;
  } finally {
    await Promise.all(underWay);
  }
}
