/** What the supervisor is to make of a task's standard input. Pure. */
import { StdinMode, type TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { startFlags } from './supervisor-messages.ts';

/** Of a terminal whose size nobody said: what one has had since there were any. */
const sizeDefault = { rows: 24, columns: 80 };

/** The fields of a start that concern it. */
export interface InputFields {
  /** Bits of startFlags. */
  readonly flags: number;
  /** Of a terminal; else 0. */
  readonly rows: number;
  readonly columns: number;
}

/** Whether a task of this kind takes input. */
export function takesInput(spec: TaskSpec | undefined): boolean {
  return inputFields(spec).flags !== 0;
}

/** The fields for a task of this kind. */
export function inputFields(spec: TaskSpec | undefined): InputFields {
  if (spec?.terminal) {
    const { rows, columns } = spec.terminal;
    return {
      flags: startFlags.terminal,
      rows: rows || sizeDefault.rows,
      columns: columns || sizeDefault.columns,
    };
  }
  return { flags: spec?.stdin === StdinMode.STREAM ? startFlags.input : 0, rows: 0, columns: 0 };
}
