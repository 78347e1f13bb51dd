/** Standard input on its way to tasks, as fast as they take it. */
import type { Readable } from 'node:stream';
import type { InputWriter } from './input-writer.ts';

/**
 * Gives `input` to the writer to its end, or until the tasks take no more; then it is closed, so that whoever writes to it
 * notices. Resolves when nothing more will be read. An input that breaks counts as ended where it broke.
 */
export async function pumpInput(input: Readable, writer: InputWriter): Promise<void> {
  const close = () => void input.destroy();
  void writer.done.then(close, close);
  try {
    for await (const data of input) await writer.write(data as Uint8Array);
  } catch {
    // Closed by us, or broken: either way there is no more of it.
  }
  writer.end();
}
