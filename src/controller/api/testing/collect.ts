/** Reading a stream to its end, for tests. */

/** Everything that `stream` gives. @throws what it throws */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
