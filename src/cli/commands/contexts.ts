/** `drover context list|use`: the clusters that this person has logged in to. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { localName, readContexts, writeContexts } from '#cli/contexts-file.ts';
import { renderTable } from '#cli/output/table.ts';
import type { listContextsSyntax, useContextSyntax } from '#cli/syntax/login-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

interface ContextRow {
  readonly name: string;
  readonly address: string;
  readonly isCurrent: boolean;
}

/** Lists them, the cluster of this machine first. */
export async function listContexts(
  { out, contextsFile, dataDirectory }: CommandContext,
  { options }: CommandLine<(typeof listContextsSyntax)['options']>,
): Promise<number> {
  const { current, byName } = readContexts(contextsFile);
  const rows: ContextRow[] = [
    { name: localName, address: dataDirectory, isCurrent: current === undefined },
    ...[...byName].map(([name, { address }]) => ({ name, address, isCurrent: name === current })),
  ];
  if (options.output === 'json') {
    out.outLine(JSON.stringify({ contexts: rows }, undefined, 2));
    return exitCodes.success;
  }
  const columns = [
    { header: '', value: ({ isCurrent }: ContextRow) => (isCurrent ? '*' : '') },
    { header: 'NAME', value: ({ name }: ContextRow) => name },
    { header: 'CLUSTER', value: ({ address }: ContextRow) => address },
  ];
  for (const line of renderTable(columns, rows, out.columns)) out.outLine(line);
  return exitCodes.success;
}

/** Has commands go to another one. */
export async function useContext(
  { out, contextsFile }: CommandContext,
  { words: [name] }: CommandLine<(typeof useContextSyntax)['options']>,
): Promise<number> {
  if (name === undefined) throw new UsageError('drover context use: which? drover context list has them');
  const { byName } = readContexts(contextsFile);
  if (name !== localName && !byName.has(name)) {
    throw new UsageError(
      `drover context use: there is no context ${JSON.stringify(name)}: drover login makes one`,
    );
  }
  await writeContexts(contextsFile, { current: name === localName ? undefined : name, byName });
  out.outLine(`using ${name}`);
  return exitCodes.success;
}
