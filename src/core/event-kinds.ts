/** What can be recorded of a cluster, by name: what it is about, a dot, what happened. The set grows; a name never changes. */

/** Every kind, in the order in which they are listed to people. */
export const eventKinds = [
  'run.created',
  'run.ended',
  'task.starting',
  'task.running',
  'task.stopping',
  'task.waiting',
  'task.ended',
  'task.signal',
  'task.stop',
  'file.copy',
  'file.mkdir',
  'file.move',
  'file.remove',
  'node.joined',
  'node.connected',
  'node.disconnected',
  'node.unreachable',
  'node.lost',
  'node.labelled',
  'node.drained',
  'node.resumed',
  'node.removed',
  'node.key-cloned',
  'token.created',
  'token.revoked',
  'cluster.mass-loss',
  'controller.started',
  'controller.stopped',
] as const;

/** A kind of event. */
export type EventKind = (typeof eventKinds)[number];

/** What stands before the dot. */
export const eventSubjects: readonly string[] = [...new Set(eventKinds.map((kind) => subjectOf(kind)))];

/** The kinds that a word means: itself, or all of a subject; none where there is no such kind. */
export function kindsOf(word: string): readonly EventKind[] {
  return eventKinds.filter((kind) => kind === word || subjectOf(kind) === word);
}

function subjectOf(kind: EventKind): string {
  return kind.slice(0, kind.indexOf('.'));
}
