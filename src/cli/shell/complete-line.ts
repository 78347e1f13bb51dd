/**
 * What may stand where somebody pressed Tab at the prompt: our words, and behind them what the command line completes.
 * Programs and files are not completed: what is on the nodes only they know, and what is here is not what is meant.
 */
import { callOptions } from '#cli/call-options.ts';
import type { Command, CommandContext } from '#cli/command.ts';
import { completeValues } from '#cli/completion/complete-values.ts';
import { type Completion, planCompletion, type ValueQuery } from '#cli/completion/plan-completion.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import type { Completed, CompleteLine } from './line-editor.ts';
import { oldWords, ourWords, reservedWords } from './prompt-words.ts';
import { resultSetNames } from './result-sets.ts';
import { splitTyped } from './split-words.ts';

/** Nobody waits longer at a Tab. */
const timeoutMs = 2_000;

/** More are not listed, but counted. */
export const candidatesMax = 100;

/** Completes with what the context's cluster has. A cluster that cannot be asked completes nothing. */
export function createCompleter(context: Pick<CommandContext, 'commands' | 'connect'>): CompleteLine {
  return async (typed, abort) => {
    const words = splitTyped(typed);
    const raw = typed.slice(words.at(-1)?.start ?? typed.length);
    const texts = words.map(({ text }) => text);
    try {
      const signal = AbortSignal.any([abort, AbortSignal.timeout(timeoutMs)]);
      return present(
        raw,
        texts.at(-1) ?? '',
        await lookUp(context, planTyped(context.commands, texts), signal),
      );
    } catch {
      return { typed: raw, candidates: [] };
    }
  };
}

/** What to look for: plans, each with what stands before its candidates. */
export type TypedPlan = readonly { readonly before: string; readonly plan: Completion }[];

/** Plans the completion of a line at the prompt. Pure; the last word is where the cursor is. */
export function planTyped(commands: readonly Command[], words: readonly string[]): TypedPlan {
  const [first = '', ...rest] = words;
  if (rest.length === 0) return planFirst(commands, first);
  const old = oldWords.get(first);
  if (old) return [{ before: '', plan: planCompletion(commands, [...old, ...rest]) }];
  if (first === 'execute') return [{ before: '', plan: planCompletion(commands, ['run', '-d', ...rest]) }];
  if (!ourWords.has(first)) return [];
  return [{ before: '', plan: planCompletion(commands, words) }];
}

function planFirst(commands: readonly Command[], first: string): TypedPlan {
  const sign = first.charAt(0);
  if (sign !== '@' && sign !== '+' && sign !== '-') {
    const candidates = reservedWords
      .filter((word) => word.startsWith(first))
      .map((text) => ({ text, help: '' }));
    return [{ before: '', plan: { kind: 'candidates', candidates } }];
  }
  const inSet = (before: string, set: string) => ({ before, plan: planCompletion(commands, ['nodes', set]) });
  // `@web1` selects a node and `@role=web` nodes with a label: after the sign both may follow.
  return sign === '@' ? [inSet('@', first.slice(1)), inSet('', first)] : [inSet(sign, first.slice(1))];
}

async function lookUp(
  context: Pick<CommandContext, 'connect'>,
  plans: TypedPlan,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await Promise.all(
    plans.map(async ({ before, plan }) => {
      const texts = await candidatesOf(context, plan, signal);
      return texts.map((text) => before + text);
    }),
  );
  return [...new Set(found.flat())];
}

async function candidatesOf(
  context: Pick<CommandContext, 'connect'>,
  plan: Completion,
  signal: AbortSignal,
): Promise<readonly string[]> {
  switch (plan.kind) {
    case 'candidates':
      return plan.candidates.map(({ text }) => text);
    case 'values':
      return await valuesOf(context, plan.query, signal);
    default:
      return [];
  }
}

async function valuesOf(
  context: Pick<CommandContext, 'connect'>,
  query: ValueQuery,
  signal: AbortSignal,
): Promise<string[]> {
  if (query.of === 'node set' && query.stem.startsWith('$')) {
    return resultSetNames.filter((name) => name.startsWith(query.stem)).map((name) => query.before + name);
  }
  const connection = await context.connect(query.dataDirectory);
  const values = await completeValues(connection, query, callOptions({ abort: signal }, timeoutMs));
  return values.map(({ text }) => oneLine(text));
}

/** As the editor takes them: quoted where need be, a space behind the only one, and not too many. Pure. */
export function present(raw: string, text: string, found: readonly string[]): Completed {
  // What was typed with quotes is replaced as a whole.
  const asTyped = raw === text;
  const quoted = found.map((one) =>
    asTyped && one.startsWith(raw) ? raw + quoteRest(one, raw) : quoteWord(one),
  );
  const [only = ''] = quoted;
  if (quoted.length === 1) return { typed: raw, candidates: [/[=/]$/.test(only) ? only : `${only} `] };
  if (quoted.length <= candidatesMax) return { typed: raw, candidates: quoted };
  const common = commonBeginning(quoted);
  if (common.length > raw.length) return { typed: raw, candidates: [common] };
  return {
    typed: raw,
    candidates: [...quoted.slice(0, candidatesMax), `${raw}… and ${quoted.length - candidatesMax} more`],
  };
}

/** Of a node set nothing has to be quoted: the prompt expands nothing. */
function quoteRest(word: string, raw: string): string {
  const rest = word.slice(raw.length);
  return /[\s'"\\]/.test(rest) ? rest.replace(/[\s'"\\]/g, '\\$&') : rest;
}

function commonBeginning(words: readonly string[]): string {
  const [first = ''] = words;
  let length = first.length;
  for (const word of words) while (!word.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
