/** What the supervisor is to make of a task's standard input and output. Pure. */
import { StdinMode, type TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { startFlags } from './supervisor-messages.ts';

/** Of a terminal whose size nobody said: what one has had since there were any. */
const sizeDefault = { rows: 24, columns: 80 };

/** The fields of a start that concern them. */
export interface StdioFields {
  /** Bits of startFlags. */
  readonly flags: number;
  /** Of a terminal; else 0. */
  readonly rows: number;
  readonly columns: number;
}

/** Whether a task of this kind takes input. */
export function takesInput(spec: TaskSpec | undefined): boolean {
  return (stdioFields(spec).flags & (startFlags.input | startFlags.terminal)) !== 0;
}

/** How long nobody may be at the task's terminal or pipes, milliseconds; 0 for ever. */
export function hangupAfterMsOf(spec: TaskSpec | undefined): number {
  return Number(spec?.terminal?.hangupAfterMs ?? spec?.pipes?.hangupAfterMs ?? 0n);
}

/** The fields for a task of this kind. */
export function stdioFields(spec: TaskSpec | undefined): StdioFields {
  if (spec?.terminal) {
    const { rows, columns } = spec.terminal;
    return {
      flags: startFlags.terminal,
      rows: rows || sizeDefault.rows,
      columns: columns || sizeDefault.columns,
    };
  }
  const input = spec?.stdin === StdinMode.STREAM ? startFlags.input : 0;
  return { flags: input | (spec?.pipes ? startFlags.pipes : 0), rows: 0, columns: 0 };
}
