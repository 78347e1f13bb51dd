/**
 * Names of things on the wire and in paths. No path is ever built from an id that was not checked here.
 */

/** Id of a task: ten characters, the first a letter, so that it can never be taken for a process id. */
export type TaskId = string & { readonly brand?: 'TaskId' };

/** Id of a run: a UUIDv7 made by the client. */
export type RunId = string & { readonly brand?: 'RunId' };

/** Name of a node, unique in its cluster. */
export type NodeName = string & { readonly brand?: 'NodeName' };

const nodeNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const taskIdPattern = /^[a-z][a-z0-9]{9}$/;
const runIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Letters and digits of task ids. */
const letters = 'abcdefghijklmnopqrstuvwxyz';
const alphabet = `${letters}0123456789`;

/** Whether `text` can be a node's name. */
export function isNodeName(text: string): text is NodeName {
  return nodeNamePattern.test(text);
}

/** Whether `text` is a task id. */
export function isTaskId(text: string): text is TaskId {
  return taskIdPattern.test(text);
}

/** Whether `text` is a UUIDv7 in lower case. */
export function isRunId(text: string): text is RunId {
  return runIdPattern.test(text);
}

/**
 * A task id out of ten random bytes, some 51 bits of them: the caller inserts it under a unique key and tries again
 * in the rare case that it is taken.
 */
export function taskIdFromBytes(bytes: Uint8Array): TaskId {
  if (bytes.length < 10) throw new RangeError(`a task id needs 10 random bytes, got ${bytes.length}`);
  let id = letters.charAt((bytes[0] ?? 0) % letters.length);
  for (let i = 1; i < 10; i++) id += alphabet.charAt((bytes[i] ?? 0) % alphabet.length);
  return id;
}

/** The supervisor's name for an attempt, also that of its directory. */
export function attemptId(task: TaskId, attempt: number): string {
  return `${task}.${attempt}`;
}

/** What `attemptId` made an id of; undefined for what it cannot have made. */
export function parseAttemptId(id: string): { task: TaskId; attempt: number } | undefined {
  const [, task = '', number = ''] = /^([^.]+)\.([1-9]\d{0,9})$/.exec(id) ?? [];
  return isTaskId(task) ? { task, attempt: Number(number) } : undefined;
}
